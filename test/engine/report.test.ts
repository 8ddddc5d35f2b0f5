/** `pulumi-macvlan report` on what the real engine prints, against what the engine then does. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Report, ReportedLink } from "../../provider/cli/report/model";
import type { CommandResult } from "../lab/fleet/run";
import { callTool } from "../setup/tool";
import { useProject } from "./project";

const MAC = "02:00:5e:00:53:01";

const program = (mtu = 1500): string => `
const lan = new HairpinBridge("lan", { host: "node1", name: "br0", ports: [{ name: "eth1", hairpin: false }], stp: false });
new MacvlanInterface("vm", { host: "node1", parent: lan.name, name: "vm0", macAddress: "02:00:5e:00:53:09" });
new MacvlanInterface("web", {
  host: "node1", parent: "eth0", name: "mac0", mtu: ${mtu}, macAddress: "${MAC}", addresses: ["192.0.2.10/24"],
  alias: pulumi.secret("hush-hush"), checks: [{ command: "true" }, { command: pulumi.secret("true hush-hush"), within: 5 }],
});
new HostShim("shim", { host: "node2", parent: "eth0", name: "shim0", macAddress: "02:00:5e:00:53:02", routes: ["192.0.2.10/32"] });
`;

describe("report", function () {
  // each test calls the engine several times
  this.timeout(240_000);
  const on = useProject("report", async ({ project }) => {
    project.program(program());
    await project.up();
  });

  const preview = async (): Promise<string> => {
    const { stdout } = await on.project.cli(["preview", "--json", "--show-sames"]);
    return stdout;
  };
  const call = (input: string, ...options: string[]): Promise<CommandResult> =>
    callTool(["report", ...options], { input, env: on.project.environment });
  const linksOf = ({ stdout }: CommandResult): Record<string, ReportedLink> => {
    const { hosts } = JSON.parse(stdout) as Report;
    return Object.fromEntries(hosts.flatMap((h) => h.links.map((l) => [l.resource, l])));
  };
  const differencesOf = (link: ReportedLink | undefined): string[] =>
    (link?.differences ?? []).map((d) => `${d.cause}: ${d.property} ${d.found} -> ${d.wanted}`);
  /** What an `up` really runs, by resource, without the notes about who made what. */
  const ranBy = async (): Promise<Record<string, string[]>> => {
    const file = join(on.project.folder, "trace.jsonl");
    on.project.environment["MACVLAN_TRACE"] = file;
    await on.project.up();
    delete on.project.environment["MACVLAN_TRACE"];
    const events = readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { event: string; description: string });
    rmSync(file);
    // one script may be for several resources, with a line for each
    const lines = events.flatMap(({ event, description }) =>
      event === "run" ? description.split("\n") : [],
    );
    const changes = lines.flatMap((line) => {
      const [, resource, commands] = /^\w+ "(\w+)": (.*)$/.exec(line) ?? [];
      return resource === undefined ? [] : [[resource, commands ?? ""] as const];
    });
    return Object.fromEntries(
      changes.map(([resource, commands]) => [
        resource,
        commands.split("; ").filter((c) => !c.startsWith("record the owner")),
      ]),
    );
  };

  it("says that there is nothing to do, and exits with 0", async () => {
    const result = await call(await preview());
    assert.equal(result.code, 0, result.stderr);
    assert.match(
      result.stdout,
      /^<!-- pulumi-macvlan report fleet\/dev -->\n\n### pulumi-macvlan: `fleet\/dev`/,
    );
    assert.match(result.stdout, /4 links on 2 hosts: nothing to do\./);
    const exported = await on.project.cli(["stack", "export"]);
    assert.equal((await call(exported.stdout)).code, 0);
    for (const stack of [exported.stdout, await preview()]) {
      const checked = await call(stack, "--checks", "--format", "json");
      assert.equal(checked.code, 0, checked.stderr);
      assert.ok(!checked.stdout.includes("hush"));
      const { web } = linksOf(checked);
      assert.ok(web?.checks?.length);
      for (const { check, property, passed } of web.checks) {
        assert.deepEqual([check, passed], ["[secret]", undefined]);
        assert.match(property, /^checks(\[[01]\]\.command)?$/);
      }
    }
  });

  it("lists exactly what was changed by hand, and the commands that the next up runs", async () => {
    await on.lab.sh(
      "node1",
      "ip link set mac0 mtu 1400; ip link set mac0 alias other; bridge link set dev eth1 hairpin on",
    );
    await on.lab.sh("node2", "ip link delete shim0");
    const json = await preview();
    const result = await call(json, "--format", "json");
    assert.equal(result.code, 2, result.stderr);
    const { vm, web, lan, shim } = linksOf(result);
    assert.deepEqual(differencesOf(web), ["drift: mtu 1400 -> 1500"]);
    assert.deepEqual(web?.notes, ["not compared because secret: alias"]);
    assert.deepEqual(web.commands, ["ip link set dev mac0 mtu 1500"]);
    assert.deepEqual(differencesOf(lan), ["drift: ports[0].hairpin true -> false"]);
    assert.deepEqual(lan?.commands, ["bridge link set dev eth1 hairpin off"]);
    assert.deepEqual(differencesOf(shim), ["drift: name none -> shim0@eth0"]);
    assert.deepEqual([vm?.action, vm?.differences, vm?.commands], ["keep", [], []]);

    const fromState = await call((await on.project.cli(["stack", "export"])).stdout, "--format", "json");
    assert.deepEqual(differencesOf(linksOf(fromState)["shim"]), differencesOf(shim));
    for (const form of ["markdown", "text", "json"]) {
      const { stdout, stderr } = await call(json, "--format", form);
      assert.ok(!`${stdout}${stderr}`.includes("hush"), `a secret in ${form}`);
    }

    const ran = await ranBy();
    assert.deepEqual(ran["shim"], shim?.commands);
    assert.deepEqual(ran["lan"], lan.commands);
    // the alias is a secret: what is done about it is not in the report
    assert.deepEqual(
      ran["web"]?.filter((c) => !c.includes("alias")),
      web.commands,
    );
    assert.equal((await call(await preview())).code, 0);
  });

  it("distinguishes changes of the program from drift", async () => {
    await on.lab.sh("node1", "ip address add 192.0.2.77/24 dev mac0");
    on.project.program(program(1400));
    const { web } = linksOf(await call(await preview(), "--format", "json"));
    assert.deepEqual(differencesOf(web), [
      "program: mtu 1500 -> 1400",
      "drift: addresses 192.0.2.10/24, 192.0.2.77/24 -> 192.0.2.10/24",
    ]);
    const ran = await ranBy();
    assert.deepEqual(ran["web"], web?.commands);
  });

  it("plans links that depend on each other, replacements and deletions", async () => {
    on.project.program(`
const lan = new HairpinBridge("other", { host: "node1", name: "br1" });
new MacvlanInterface("child", { host: "node1", parent: lan.name, name: "vm1", macAddress: "02:00:5e:00:53:0a" });
new HostShim("shim", { host: "node2", parent: "eth1", name: "shim0", macAddress: "02:00:5e:00:53:02", routes: ["192.0.2.10/32"] });
`);
    const result = await call(await preview(), "--format", "json");
    assert.equal(result.code, 2, result.stderr);
    const links = linksOf(result);
    const actions = Object.entries(links).map(([name, { action }]) => `${action} ${name}`);
    assert.deepEqual(actions.toSorted(), [
      ...["create child", "create other", "delete lan", "delete vm", "delete web", "replace shim"],
    ]);
    assert.equal(links["child"]?.commands[0]?.includes("link br1"), true);
    assert.equal(links["shim"]?.commands[0], "ip link delete dev shim0");
    assert.deepEqual(links["web"]?.commands, ["ip link delete dev mac0"]);
    const deleted = linksOf(result)["lan"];
    assert.deepEqual(deleted?.commands.at(-1), "ip link delete dev br0");
    on.project.program(program(1400));
    await on.project.up();
  });

  it("shows why a preview failed, and exits with 1", async () => {
    on.project.program(
      `${program(1400)}new MacvlanInterface("bad", { host: "node3", parent: "nope0", name: "mac1" });`,
    );
    const result = await call(await preview());
    assert.equal(result.code, 1);
    assert.match(
      result.stdout,
      /\*\*The preview failed:\*\*[^]*resource 'bad': property parent: there is no link nope0/,
    );
    on.project.program(program(1400));
  });

  it("reports a host that is down without hiding the others", async () => {
    const exported = await on.project.cli(["stack", "export"]);
    const state = exported.stdout.replaceAll('"address": "node2"', '"address": "node2", "connectTimeout": 1');
    assert.notEqual(state, exported.stdout);
    await on.lab.sh("node1", "ip link set mac0 mtu 1300");
    await on.lab.sh("node2", "ip link set mgmt0 down");
    const result = await call(state, "--format", "text");
    await on.lab.sh("node2", "ip link set mgmt0 up");
    assert.equal(result.code, 1);
    assert.match(result.stdout, /node2\n {2}could not be read: cannot connect to ops@node2/);
    assert.match(result.stdout, /mtu {2}found 1300 {2}wanted 1400 {2}drift/);
    assert.match(result.stderr, /^pulumi-macvlan: node2 could not be read: /m);
    await on.project.up();
  });
});
