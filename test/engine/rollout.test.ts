/** Rollouts in waves: a host that fails ends one, and later hosts stay as they are. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { replaceIp, restoreIp } from "../lab/faults";
import { snapshot } from "../lab/seen";
import { isWhole } from "../support/extent";
import { type Project, openProject } from "./project";

const HOSTS = Array.from({ length: isWhole ? 20 : 8 }, (_, i) => `node${i + 1}`);
const LAST = `node${HOSTS.length}`;

/** A check that fails on hosts with this file. */
const CHECKS = `[{ command: "test ! -e /tmp/bad", within: 1 }]`;

/** Each host has three links, of which one waits for another and one has a check. */
const PROGRAM = `
  for (const host of ${JSON.stringify(HOSTS)}) {
    const first = new MacvlanInterface("a-" + host, { host, name: "a", parent: "eth0" });
    new MacvlanInterface("b-" + host, { host, name: "b", parent: "eth1", checks: ${CHECKS} });
    new MacvlanInterface("c-" + host, { host, name: "c", parent: "eth1" }, { dependsOn: first });
  }`;

/** The same, as one resource per host, in which a link is on top of another. */
const WHOLE_HOSTS = `
  for (const host of ${JSON.stringify(HOSTS)}) {
    const a = { kind: "macvlan", parent: "eth0" };
    new HostLinks(host, { host, links: { a, b: { kind: "bridge" }, c: { kind: "macvlan", parent: "b", checks: ${CHECKS} } } });
  }`;

describe("a rollout", function () {
  this.timeout(300_000);
  const name = `rollout-${process.pid}`;
  let lab: Lab;
  let project: Project;

  before(async () => {
    lab = await labUp(HOSTS.length, { name });
    project = await openProject(lab);
  });
  after(async () => {
    project.remove();
    await labDown(name);
  });
  afterEach(async () => {
    await project.forget();
    for (const { name: host } of lab.hosts) await lab.reset(host);
  });

  const configure = (rollout: object): void =>
    writeFileSync(
      join(project.folder, "Pulumi.dev.yaml"),
      // YAML is a superset of JSON
      JSON.stringify({ config: { "macvlan:rollout": rollout } }),
    );

  const breakHost = (host: string): Promise<void> =>
    replaceIp(lab, host, 1, "rm /tmp/count; echo RTNETLINK answers: No buffer space available >&2; exit 2");

  /** Hosts that have all links of the program, and those that have some of them. */
  async function changedHosts(): Promise<{ whole: string[]; some: string[] }> {
    const whole: string[] = [];
    const some: string[] = [];
    for (const host of HOSTS) {
      const links = await lab.ipJson<{ ifname: string }[]>(host, ["link"]);
      const own = links.filter(({ ifname }) => ["a", "b", "c"].includes(ifname));
      if (own.length === 3) whole.push(host);
      else if (own.length > 0) some.push(host);
    }
    return { whole, some };
  }

  const snapshots = (): Promise<string[]> => Promise.all(HOSTS.map((host) => snapshot(lab, host)));

  /** The order in which hosts were changed for the first time, from a trace. */
  function firstChanges(trace: string): string[] {
    const lines = readFileSync(trace, "utf8").split("\n").filter(Boolean);
    const changes = lines
      .map((line) => JSON.parse(line) as { host?: string; description?: string })
      .filter(({ description }) => /^\w+ "[abc]-/.test(description ?? ""));
    return [...new Set(changes.map(({ description }) => /-(node\d+)"/.exec(description ?? "")?.[1] ?? ""))];
  }

  it("whose canary fails leaves all other hosts as they are, and the next up changes them", async () => {
    configure({ canary: LAST, batch: ["50%", "100%"] });
    project.program(PROGRAM);
    const preview = await project.cli(["preview"]);
    const half = HOSTS.length / 2;
    assert.match(preview.output, new RegExp(`rollout: ${LAST}, then ${half}, then ${half - 1} hosts$`, "m"));
    const before = await snapshots();
    await breakHost(LAST);
    const { code, output } = await project.cli(["up", "--yes", "--skip-preview", "--parallel", "2"]);
    assert.notEqual(code, 0);
    assert.match(output, /No buffer space/);
    const stopped = `stopped at ${LAST}\\. Not touched: node1, node2, [^]*node${HOSTS.length - 1} \\[rollout-stopped\\]`;
    assert.match(output, new RegExp(stopped));
    assert.doesNotMatch(output, /Channel|^\s+at \S/m);
    await restoreIp(lab, LAST);
    assert.deepEqual(await snapshots(), before);
    await project.up("--parallel", "2");
    assert.deepEqual(await changedHosts(), { whole: HOSTS, some: [] });
  });

  it("in batches has changed the waves before the failure, and gives the reason for each later host that it did not touch", async () => {
    configure({ batch: 2 });
    project.program(PROGRAM);
    await lab.sh("node3", "touch /tmp/bad");
    const { code, output } = await project.cli([...["up", "--yes", "--skip-preview", "--continue-on-error"]]);
    assert.notEqual(code, 0);
    const { whole } = await changedHosts();
    // node4 is of the same wave as node3
    assert.deepEqual(
      whole.filter((host) => host !== "node4"),
      ["node1", "node2"],
    );
    for (const host of HOSTS.slice(4)) {
      const why = new RegExp(
        `on ${host}: not touched: the rollout stopped at node3: .*the check .* failed: .* \\[rollout-stopped\\]`,
      );
      assert.match(output, why);
    }
    await lab.sh("node3", "rm /tmp/bad");
    await project.up();
    assert.deepEqual(await changedHosts(), { whole: HOSTS, some: [] });
  });

  it("begins with its canary wherever the program has it, also with one resource at a time; and ends if it only deletes", async () => {
    configure({ canary: ["node6"], batch: 3, pause: 1 });
    project.program(PROGRAM);
    const trace = join(project.folder, "trace");
    project.environment["MACVLAN_TRACE"] = trace;
    await project.up("--parallel", "1");
    delete project.environment["MACVLAN_TRACE"];
    const order = firstChanges(trace);
    assert.equal(order.length, HOSTS.length);
    assert.equal(order[0], "node6");
    // whatever the engine deletes first
    configure({ canary: 2, batch: 1 });
    project.program(PROGRAM.replaceAll(/^.*"[bc]-".*$/gm, ""));
    await project.up("--parallel", "3");
    assert.deepEqual(await changedHosts(), { whole: [], some: HOSTS });
    await project.expectNoChanges();
  });

  it("changes what its canary depends on together with it, on whichever host that is", async () => {
    configure({ canary: "node3", batch: 3 });
    project.program(`
      const links = {};
      for (const host of ${JSON.stringify(HOSTS.toReversed())}) {
        const dependsOn = host === "node3" ? [links.node5] : [];
        links[host] = new MacvlanInterface("a-" + host, { host, name: "a", parent: "eth0" }, { dependsOn });
      }`);
    const preview = await project.cli(["preview"]);
    const waves = (HOSTS.length - 2) / 3;
    assert.match(preview.output, new RegExp(`rollout: node5 and node3, then ${waves} times 3 hosts$`, "m"));
    const trace = join(project.folder, "trace-of-both"); // a trace is appended to
    project.environment["MACVLAN_TRACE"] = trace;
    await project.up("--parallel", "1");
    delete project.environment["MACVLAN_TRACE"];
    assert.deepEqual(firstChanges(trace).slice(0, 2), ["node5", "node3"]);
  });

  it("that is bound to deadlock ends, without touching the hosts that wait", async () => {
    // a promise does not show what it waits for
    project.program(`
      let passed;
      const later = new Promise((resolve) => (passed = resolve));
      new MacvlanInterface("a-node1", { host: "node1", name: "a", parent: "eth0", alias: later });
      const last = new MacvlanInterface("a-node2", { host: "node2", name: "a", parent: "eth0" });
      last.id.apply((id) => passed(id));`);
    for (const [canary, why] of [
      ["1", "node1 comes first in the rollout"],
      ["node9", "no host of this program is the canary node9"],
    ]) {
      configure({ canary });
      const { code, output } = await project.cli(["up", "--yes", "--skip-preview"]);
      assert.notEqual(code, 0);
      assert.match(output, new RegExp(`not touched: ${why}.* \\[rollout-blocked\\]`));
      assert.deepEqual(await changedHosts(), { whole: [], some: [] });
    }
  });

  describe("that rolls a failed wave back", () => {
    it("leaves the wave's other hosts as they were if a check fails, and the next up goes on", async () => {
      configure({ batch: 4, onFailure: "undo" });
      project.program(WHOLE_HOSTS);
      const before = await snapshots();
      await lab.sh("node7", "touch /tmp/bad");
      const { code, output } = await project.cli([
        ...["up", "--yes", "--skip-preview", "--parallel", "32", "--continue-on-error"],
      ]);
      assert.notEqual(code, 0);
      assert.match(output, /\[check-failed\]/);
      assert.match(
        output,
        /on [a-z]*@?node5(:22)?: the change worked and was rolled back, .* \[rollout-undone\]/,
      );
      assert.deepEqual(await changedHosts(), { whole: HOSTS.slice(0, 4), some: [] });
      assert.deepEqual((await snapshots()).slice(4), before.slice(4));
      await lab.sh("node7", "rm /tmp/bad");
      await project.up();
      assert.deepEqual(await changedHosts(), { whole: HOSTS, some: [] });
    });
  });
});
