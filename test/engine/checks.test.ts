/** Checks through the real engine: their results are outputs, a change of them alone touches nothing, and one that fails ends the run. */
import assert from "node:assert/strict";
import { readStack } from "../../provider/cli/stack";
import { useProject } from "./project";

const program = (checks: string, mtu = 1500): string => `
const web = new MacvlanInterface("web", {
  host: "node1", parent: "eth0", name: "mac0", mtu: ${mtu}, addresses: ["192.0.2.10/24"], checks: ${checks},
});
exports.results = web.checks;
`;

describe("checks", function () {
  this.timeout(240_000);
  const on = useProject("checks");
  const PASSES = '[{ command: "ip -o link show $LINK", within: 5 }]';

  it("have results as outputs, keep them over a refresh, and undo what fails", async () => {
    on.project.program(program(PASSES));
    await on.project.up();
    const { results } = (await on.project.outputs()) as { results: Record<string, unknown>[] };
    assert.deepEqual([results[0]?.["passed"], results[0]?.["within"]], [true, 5]);
    // the state has the results; neither a refresh nor the next preview takes them for a change
    await on.project.refresh();
    assert.deepEqual(
      Object.values(await on.project.steps())
        .map(({ op }) => op)
        .filter((op) => op !== "same"),
      [],
    );
    const index = await on.lab.sh("node1", "cat /sys/class/net/mac0/ifindex /sys/class/net/mac0/mtu");
    on.project.program(program('[{ command: "true", required: true }]'));
    await on.project.up();
    assert.equal(await on.lab.sh("node1", "cat /sys/class/net/mac0/ifindex /sys/class/net/mac0/mtu"), index);
    on.project.program(
      program('[{ command: "test $(cat /sys/class/net/mac0/mtu) = 1500", within: 1 }]', 1400),
    );
    const failed = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.notEqual(failed.code, 0);
    assert.match(failed.output, /the host is as it was\. \[check-failed\]/);
    assert.equal(await on.lab.sh("node1", "cat /sys/class/net/mac0/ifindex /sys/class/net/mac0/mtu"), index);
    const { stdout } = await on.project.cli(["stack", "export"]);
    assert.equal(readStack(stdout, "the export").links.length, 1);
  });
});
