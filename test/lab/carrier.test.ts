/** A parent without a carrier, and checks without a change: what users see of both. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import type { Report } from "../../provider/cli/report/model";
import type { CommandResult } from "./fleet/run";
import { eventually } from "../support/eventually";
import { callTool } from "../setup/tool";
import { linkOf, snapshot } from "./seen";
import { openRun, useLab } from "./stack";

/** What `pulumi stack export` prints of a stack. */
function exported(state: string): string {
  const resources = JSON.parse(state) as [string, { kind: string; inputs: object; outputs: object }][];
  return JSON.stringify({
    deployment: {
      resources: resources.map(([name, { kind, inputs, outputs }]) => ({
        urn: `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:${kind}::${name}`,
        ...{ type: `pulumi-nodejs:dynamic/macvlan:${kind}`, inputs, outputs },
      })),
    },
  });
}

describe("without a change", () => {
  const on = useLab(1);
  const args: MacvlanArgs = { host: "node1", parent: "eth1", addresses: ["192.0.2.1/24"] };
  const up = (more: Partial<MacvlanArgs> = {}) =>
    on.stack.up("MacvlanInterface", "web", { ...args, ...more });
  const preview = (more: Partial<MacvlanArgs> = {}) =>
    on.stack.preview("MacvlanInterface", "web", { ...args, ...more });
  const call = (...words: string[]): Promise<CommandResult> =>
    callTool([...words, "--ssh-config", on.lab.sshConfig], { input: exported(on.stack.state()) });
  async function cable(isIn: boolean): Promise<void> {
    const port = on.lab.host("node1").switchPort1;
    await on.lab.switch.exec(["ip", "link", "set", "dev", port, isIn ? "up" : "down"]);
    await eventually(`eth1 ${isIn ? "has" : "has no"} carrier`, async () => {
      const { stdout } = await on.lab.exec("node1", ["ip", "link", "show", "dev", "eth1"]);
      return stdout.includes(isIn ? " state UP " : " state DOWN ");
    });
  }
  const told = /eth1 is without a carrier.*one loss|eth1 is without a carrier.*\d+ losses/;

  it("a parent without a carrier is reported by preview, up, refresh, report, doctor and graph", async () => {
    await up();
    assert.doesNotMatch(on.stack.said().join("\n"), /carrier/);
    await cable(false);
    const { drift, changes } = await preview();
    assert.deepEqual([drift, changes], [{}, false]);
    assert.match(on.stack.said().join("\n"), told);
    await up({ mtu: 1400 });
    assert.match(on.stack.said().join("\n"), told);
    await on.stack.refresh("web");
    assert.match(on.stack.state(), /"operState":"(LOWERLAYER)?DOWN"/);
    const report = await call("report", "-f", "text");
    assert.match(report.stdout, /eth1 is without a carrier: nothing arrives at web@eth1/);
    assert.equal(report.code, 0);
    assert.match((await call("doctor", "node1")).stdout, /carrier +eth1 is without a carrier/);
    assert.match((await call("graph", "node1", "-f", "mermaid")).stdout, /no carrier/);
    await cable(true);
    await preview({ mtu: 1400 });
    assert.doesNotMatch(on.stack.said().join("\n"), /carrier/);
  });

  it("a link whose carrier is expected drifts if the carrier is lost", async () => {
    await up({ expectCarrier: true });
    assert.deepEqual((await preview({ expectCarrier: true })).drift, {});
    await cable(false);
    const fallen = { operState: "found lowerlayerdown, wanted up" };
    assert.deepEqual((await preview({ expectCarrier: true })).drift, fallen);
    const report = await call("report", "-f", "json");
    assert.equal(report.code, 2);
    const { hosts } = JSON.parse(report.stdout) as Report;
    assert.deepEqual(
      hosts[0]?.links[0]?.differences.map(({ property, cause }) => [property, cause]),
      [["operState", "drift"]],
    );
    // an update mends nothing, and fails at nothing
    assert.equal((await up({ expectCarrier: true })).operState, "LOWERLAYERDOWN");
    await cable(true);
    assert.deepEqual((await preview({ expectCarrier: true })).drift, {});
    await up({ expectCarrier: true });
  });

  it("checks are run by report and doctor, which end with 2 if one fails", async () => {
    const checks = [{ ping: "192.0.2.1", within: 1 }];
    const netns = "blue";
    await on.lab.sh("node1", "ip netns add blue; ip -n blue link set lo up");
    await up({ netns, checks });
    const before = await snapshot(on.lab, "node1");
    const fine = await call("report", "--checks", "-f", "text");
    assert.match(fine.stdout, /1 check passed/);
    assert.equal(fine.code, 0);
    await on.lab.sh("node1", "ip netns exec blue sh -c 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all'");
    for (const format of ["text", "json", "markdown"]) {
      const failed = await call("report", "--checks", "-f", format);
      assert.match(failed.stdout, /ping 192\.0\.2\.1/, format);
      assert.equal(failed.code, 2);
    }
    const doctor = await call("doctor", "--checks", "-");
    assert.match(doctor.stdout, /failed +web +ping 192\.0\.2\.1/);
    assert.equal(doctor.code, 2);
    assert.equal((await call("report", "-f", "text")).code, 0);
    assert.equal(await snapshot(on.lab, "node1"), before);
    await linkOf(on.lab, "node1", "web", "blue");
  });

  it("checks are run by a preview if the stack asks for that", async () => {
    const checks = [{ command: "test ! -e /tmp/broken", within: 1 }];
    await up({ checks });
    await preview({ checks });
    assert.doesNotMatch(on.stack.said().join("\n"), /the check/);
    await on.lab.sh("node1", ": > /tmp/broken");
    for (const isPreview of [true, false]) {
      const run = openRun(on.lab, undefined, { MACVLAN_CHECK_ON_PREVIEW: "true" });
      const news = { ...args, checks, __owner: "lab/test", __resource: "web", __preview: isPreview };
      const { failures } = await run.operations("MacvlanInterface").check({}, news);
      await run.close();
      assert.equal(failures?.length ?? 0, 0);
      assert.equal(/the check "command .*failed/.test(run.said.join("\n")), isPreview);
    }
    await on.lab.sh("node1", "rm /tmp/broken");
  });
});
