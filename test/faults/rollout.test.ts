/** Faults in the middle of a rollout: what becomes of each host of the failed wave, and of those after it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { useProject } from "../engine/project";
import { replaceIp, restoreIp } from "../lab/faults";
import { settledState } from "../lab/seen";
import { eventually } from "../support/eventually";
import { fiveLinks } from "./five-links";
import { type Found, addRow, expectRows, isWhole } from "./table";

const HOSTS = ["node1", "node2", "node3"] as const;
type Host = (typeof HOSTS)[number];

const FAILS = "echo RTNETLINK answers: No buffer space available >&2; exit 2";
const HANGS = "touch /tmp/struck; sleep 60";

/** Seconds that the commands of a change, and its confirmation, may take. */
const [COMMANDS, CONFIRMATION] = [8, 5];

const hostOf = (address: Host): string =>
  JSON.stringify({ address, commandTimeout: COMMANDS, confirmTimeout: CONFIRMATION });

/** What is on the hosts, by what stands before the fault in the table. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "": HOSTS.map(
    (host) =>
      `new MacvlanInterface("web-${host}", { host: ${hostOf(host)}, name: "web", parent: "eth0", mtu: 1400 });`,
  ).join("\n"),
  "five links: ": HOSTS.map((host, i) => {
    const links = JSON.stringify(fiveLinks(i + 1).second);
    return `new HostLinks("all-${host}", { host: ${hostOf(host)}, links: ${links} });`;
  }).join("\n"),
};

interface Fault {
  readonly name: string;
  readonly rollout: object;
  /** What the `ip` of the last host of the wave does in place of its second command. */
  readonly ip: string;
  readonly at: Host;
  /** Hosts that are held unconfirmed when all of the run's processes are killed; without it, the run goes on. */
  readonly killedWith?: readonly Host[];
  readonly becomes: Readonly<Record<Host, Found>>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "rollout: a host of the second of three waves fails",
    ...{ rollout: { batch: 1 }, ip: FAILS, at: "node2" },
    becomes: { node1: "wanted", node2: "before", node3: "before" },
  },
  {
    name: "rollout: all processes are killed in the second of three waves",
    ...{ rollout: { batch: 1 }, ip: HANGS, at: "node2", killedWith: [] },
    becomes: { node1: "wanted", node2: "before", node3: "before" },
  },
  {
    name: "rollout with `undo`: a host of the wave fails",
    ...{ rollout: { onFailure: "undo" }, ip: FAILS, at: "node3" },
    becomes: { node1: "before", node2: "before", node3: "before" },
  },
  {
    name: "rollout with `undo`: all processes are killed while the wave is held",
    ...{ rollout: { onFailure: "undo" }, ip: HANGS, at: "node3", killedWith: ["node1", "node2"] },
    becomes: { node1: "before", node2: "before", node3: "before" },
  },
];

describe("a fault in a rollout over three hosts:", () => {
  const on = useProject("waves");
  const cases = Object.entries(PROGRAMS).flatMap(([prefix, program], form) =>
    FAULTS.map((fault, i) => ({
      ...fault,
      name: prefix + fault.name,
      program,
      isSampled: i % 2 === form,
    })),
  );
  expectRows(
    "rollout",
    cases.map(({ name }) => name),
  );

  const states = (): Promise<string[]> => Promise.all(HOSTS.map((host) => settledState(on.lab, host)));

  for (const { name, program, isSampled, rollout, ip, at, killedWith, becomes } of cases) {
    // each fault strikes one of the two forms
    if (!isWhole && !isSampled) continue;
    it(`${name} (${HOSTS.length})`, async function () {
      this.timeout(240_000);
      writeFileSync(
        join(on.project.folder, "Pulumi.dev.yaml"),
        // YAML is a superset of JSON
        JSON.stringify({ config: { "macvlan:rollout": rollout } }),
      );
      on.project.program(program);
      await on.project.up();
      const wanted = await states();
      await on.project.destroy();
      const before = await states();
      await replaceIp(on.lab, at, 2, ip);
      const up = ["up", "--yes", "--skip-preview", "--continue-on-error", "--parallel", "32"];
      if (killedWith === undefined) assert.notEqual((await on.project.cli(up)).code, 0);
      else await killed(up, at, killedWith);
      await watchdogsEnd();
      await restoreIp(on.lab, at);
      await on.lab.sh(at, "rm -f /tmp/struck");
      const now = await states();
      const found = HOSTS.map((_, i): Found => {
        return now[i] === wanted[i] ? "wanted" : now[i] === before[i] ? "before" : "between";
      });
      assert.deepEqual(
        found,
        HOSTS.map((host) => becomes[host]),
        now.join("\n---\n"),
      );
      await on.project.cli(["cancel", "--yes"]);
      await on.project.up();
      assert.deepEqual(await states(), wanted);
      await on.project.expectNoChanges();
      await on.project.destroy();
      addRow({ fault: name, found, healed: found.length });
    });
  }

  /** A run whose processes are all killed as soon as a host is at work and others are held. */
  async function killed(args: readonly string[], at: Host, held: readonly Host[]): Promise<void> {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      ...{ cwd: on.project.folder, env: on.project.environment, stdio: "ignore", detached: true },
    });
    const has = async (host: Host, file: string): Promise<boolean> =>
      (await on.lab.exec(host, ["test", "-e", file])).code === 0;
    try {
      await eventually("the wave is at work", async () => {
        const all = [has(at, "/tmp/struck"), ...held.map((host) => has(host, "/run/pulumi-macvlan/pending"))];
        return (await Promise.all(all)).every(Boolean);
      });
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }
  }

  /** Waits for the hosts' own watchdogs, which have a limit: commands, confirmation, and the wait for the wave's others. */
  async function watchdogsEnd(): Promise<void> {
    const limit = String(COMMANDS + CONFIRMATION + COMMANDS + 5);
    const watched = "while pgrep -f /run/pulumi-macvlan/watchdo[g] > /dev/null; do sleep 0.5; done";
    await Promise.all(
      HOSTS.map(async (host) => {
        const { code } = await on.lab.exec(host, ["timeout", limit, "sh", "-c", watched]);
        assert.equal(code, 0, `${host} is still watched after ${limit} s`);
      }),
    );
  }
});
