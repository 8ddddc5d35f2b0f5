/** A host that passes for another one: a clone, or one that lies. */
import assert from "node:assert/strict";
import { replaceIp, restoreIp } from "./faults";
import { openRun, useLab } from "./stack";

const TYPE = "MacvlanInterface";

describe("a host that says that it is the same machine as another", () => {
  const on = useLab(2);

  it("does not block changes of the other, and both are named", async function () {
    this.timeout(60_000);
    const ns = (await on.lab.sh("node1", "readlink /proc/self/ns/net")).trim();
    await on.lab.replace("node2", "readlink", { script: `#!/bin/sh\necho '${ns}'\n` });
    const run = openRun(on.lab);
    const { check, create } = run.operations(TYPE);
    const inputsOf = async (address: string): Promise<Record<string, unknown>> => {
      const host = { address, commandTimeout: 5 };
      const given = { host, parent: "eth0", name: "mac0", __owner: "lab/test", __resource: address };
      return (await check({}, given)).inputs as Record<string, unknown>;
    };
    try {
      const [first, second] = [await inputsOf("node1"), await inputsOf("node2")];
      assert.match(
        run.said.join("\n"),
        /node2 says that it is the same machine as node1: one host with two addresses, or a clone/,
      );
      await replaceIp(on.lab, "node2", 1, "sleep 30");
      const ended: string[] = [];
      const hangs = create(second).then(
        () => assert.fail("it was made"),
        () => ended.push("node2 failed"),
      );
      // by now the other one's change is in progress
      await new Promise((resolve) => setTimeout(resolve, 300));
      await create(first);
      ended.push("node1 made");
      await hangs;
      assert.deepEqual(ended, ["node1 made", "node2 failed"]);
    } finally {
      await run.close();
      await restoreIp(on.lab, "node2");
      await on.lab.unhide("node2");
    }
  });
});
