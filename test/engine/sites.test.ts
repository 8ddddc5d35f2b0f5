/** The example that runs the stacks of several sites side by side, as a user copies and runs it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { addressesOf, linkOf } from "../lab/seen";
import { type CommandResult, run } from "../lab/fleet/run";
import { QUICK_START, projectEnvironment } from "./project";

const REPOSITORY = resolve(__dirname, "../..");

/** Milliseconds: a run is three engines. */
const MINUTES = 240_000;

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** The table's rows at the end, by site. */
  readonly outcomes: Readonly<Record<string, string>>;
}

/** The parts of the workflow of docs/scale.md that are tested. */
interface Workflow {
  readonly jobs: {
    readonly drift: {
      readonly strategy: {
        readonly "fail-fast": boolean;
        readonly matrix: { readonly site: readonly string[] };
      };
      readonly env: Readonly<Record<string, string>>;
      readonly steps: readonly { readonly run?: string }[];
    };
  };
}

describe("example sites", function () {
  this.timeout(MINUTES);
  const name = `sites-${process.pid}`;
  const web = { netns: "web", name: "web" };
  let lab: Lab;
  let folder: string;
  let environment: Record<string, string>;

  before(async () => {
    lab = await labUp(3, { name });
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-sites-"));
    cpSync(join(REPOSITORY, "examples/sites"), folder, { recursive: true });
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    mkdirSync(join(folder, "state"));
    environment = { ...(await projectEnvironment(folder, lab)), ...QUICK_START };
    const lan = lab.host("node1").lan.split(".").slice(0, 2).join(".");
    const file = join(folder, "hosts.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("10.77.", `${lan}.`));
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await labDown(name);
  });

  /** @param until with it, the whole process group gets SIGINT, as from a terminal, once the output matches */
  function sites(args: readonly string[], until?: RegExp): Promise<Run> {
    return new Promise((done, reject) => {
      const child = spawn(process.execPath, ["--import", "tsx", "sites.ts", ...args], {
        cwd: folder,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      let output = "";
      let isInterrupted = false;
      const hear = (chunk: Buffer): void => {
        output += chunk.toString();
        if (until === undefined || isInterrupted || !until.test(output) || child.pid === undefined) return;
        isInterrupted = true;
        process.kill(-child.pid, "SIGINT");
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("error", reject);
      child.on("close", (code) => {
        const rows = output.matchAll(/^(north|south|west) +(done|drift|failed|interrupted|not begun)\b/gm);
        const outcomes = Object.fromEntries([...rows].map(([, site = "", outcome = ""]) => [site, outcome]));
        done({ code, output, outcomes });
      });
    });
  }

  const all = (outcome: string): Run["outcomes"] => ({ north: outcome, south: outcome, west: outcome });

  it("brings up each site as a stack of its own, without the links of the others", async () => {
    const { code, output, outcomes } = await sites(["up", "--rollout", '{"canary":1}']);
    assert.equal(code, 0, output);
    assert.deepEqual(outcomes, all("done"));
    assert.match(readFileSync(join(folder, "Pulumi.north.yaml"), "utf8"), /macvlan:rollout: .*canary/);
    for (const [host, site, range] of [
      ["node1", "north", 201],
      ["node2", "south", 202],
      ["node3", "west", 203],
    ] as const) {
      const [address = ""] = addressesOf(await linkOf(lab, host, web.name, web.netns));
      assert.match(address, new RegExp(`\\.${range}\\.\\d+/16$`));
      assert.ok(await lab.ping(host, address.replace("/16", "")), `${host} to its own child`);
      assert.match(output, new RegExp(`^${site} +\\| .*lan/${host}/web`, "m"));
    }
    // every line of the engines has a site's name in front
    const lines = output.split("\n\nnorth")[0]?.split("\n") ?? [];
    assert.deepEqual(
      lines.filter((line) => line !== "" && !/^(north|south|west) +\| /.test(line)),
      [],
    );
  });

  it("shows which site differs, property by property, and exits with 2", async () => {
    await lab.sh("node2", "ip -n web address flush dev web");
    const { code, output, outcomes } = await sites(["drift", "--parallel", "3"]);
    assert.equal(code, 2, output);
    assert.deepEqual(outcomes, { ...all("done"), south: "drift" });
    assert.match(output, /^south \| .*drift on .*node2.*addresses/m);
    // of its own stack's hosts, those that change
    assert.match(output, /^south \| .*rollout: node2$/m);
    assert.doesNotMatch(output, /^(north|west) .*rollout:/m);
  });

  it("is run by one job per site, as in docs/scale.md", async () => {
    const page = readFileSync(join(REPOSITORY, "docs/scale.md"), "utf8");
    const workflow = parse(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? "", { strict: true }) as Workflow;
    const { strategy, steps, env } = workflow.jobs.drift;
    assert.deepEqual(strategy.matrix.site, ["north", "south", "west"]);
    assert.deepEqual([strategy["fail-fast"], env["SITE"]], [false, "${{ matrix.site }}"]);
    const script = steps.at(-1)?.run ?? "";
    const job = (site: string): Promise<CommandResult> =>
      run(["bash", "-e", "-c", `cd ${folder}\n${script}`], { env: { ...environment, SITE: site } });
    const codes = await Promise.all(["north", "south"].map(async (site) => (await job(site)).code));
    assert.deepEqual(codes, [0, 2], "south has drifted");
  });

  it("continues with the others if a site fails, and exits with 1", async () => {
    await lab.hide("node1", ["ip"]);
    try {
      const { code, output, outcomes } = await sites(["up"]);
      assert.equal(code, 1, output);
      assert.deepEqual(outcomes, { ...all("done"), north: "failed" });
      assert.match(output, /^north \| .*no ip command/m);
      assert.equal(addressesOf(await linkOf(lab, "node2", web.name, web.netns)).length, 1, "mended");
    } finally {
      await lab.unhide("node1");
    }
  });

  it("destroys; if interrupted, ends in order and can be continued", async () => {
    const { code, output, outcomes } = await sites(["destroy", "--parallel", "1"], /north \| .*deleting/);
    assert.equal(code, 130, output);
    assert.deepEqual([outcomes["south"], outcomes["west"]], ["not begun", "not begun"]);
    assert.doesNotMatch(output, /received; terminating|\(interrupted\)/);
    const rest = await sites(["destroy"]);
    assert.equal(rest.code, 0, rest.output);
    for (const host of ["node1", "node2", "node3"]) {
      const links = await lab.ipJson<{ ifname: string }[]>(host, ["link"]);
      assert.deepEqual(links.map(({ ifname }) => ifname).toSorted(), ["eth0", "eth1", "lo", "mgmt0"]);
    }
  });
});
