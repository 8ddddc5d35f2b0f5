import assert from "node:assert/strict";
import { linkOf, snapshot } from "./seen";
import { useLab } from "./stack";

describe("bridges of others, and their tools", () => {
  const on = useLab(1);
  const adopted = { host: "node1", name: "br0", ports: ["p1"], adopt: true };

  /** A bridge br0 with the port p1, of another owner. */
  beforeEach(() =>
    on.lab.sh(
      "node1",
      "ip link add br0 type bridge forward_delay 0; ip link add p1 type veth peer name q1;" +
        "ip link set p1 master br0; for l in br0 p1 q1; do ip link set $l up; done",
    ),
  );

  const hairpin = (): Promise<string> => on.lab.sh("node1", "cat /sys/class/net/p1/brport/hairpin_mode");

  it("are not touched without adopt", async () => {
    const before = await snapshot(on.lab, "node1");
    const { failures } = await on.stack.preview("HairpinBridge", "lan", { ...adopted, adopt: false });
    assert.match(failures.join(), /^name: .* \[name-taken\]$/);
    assert.equal(await snapshot(on.lab, "node1"), before);
  });

  it("get only what is stated of them, and get it back on deletion", async () => {
    const before = await snapshot(on.lab, "node1");
    await on.stack.up("HairpinBridge", "lan", { ...adopted, ageingTime: 60 });
    assert.equal(await hairpin(), "1\n");
    assert.equal((await linkOf(on.lab, "node1", "br0")).linkinfo?.info_data?.["forward_delay"], 0);
    assert.equal((await linkOf(on.lab, "node1", "br0")).linkinfo?.info_data?.["ageing_time"], 6000);
    assert.deepEqual(
      (await on.stack.preview("HairpinBridge", "lan", { ...adopted, ageingTime: 60 })).drift,
      {},
    );
    await on.stack.up("HairpinBridge", "lan", adopted);
    await on.stack.down();
    assert.equal(await snapshot(on.lab, "node1"), before);
  });

  it("have their ports set by bridge, ip, brctl or sysfs, whichever the host has", async () => {
    const busybox = '#!/bin/sh\nexec busybox ip "$@"\n';
    const cases: { tool: string; take: () => Promise<void> }[] = [
      { tool: "bridge", take: () => Promise.resolve() },
      { tool: "ip", take: () => on.lab.hide("node1", ["bridge"]) },
      { tool: "brctl", take: () => on.lab.replace("node1", "ip", { script: busybox }) },
      { tool: "sysfs", take: () => on.lab.hide("node1", ["brctl"]) },
    ];
    for (const { tool, take } of cases) {
      await take();
      const { portTool, ports } = await on.stack.up("HairpinBridge", "lan", adopted);
      assert.equal(portTool, tool);
      assert.deepEqual(ports, [{ name: "p1", hairpin: true, state: "forwarding" }], tool);
      assert.equal(await hairpin(), "1\n", tool);
      assert.equal((await on.stack.preview("HairpinBridge", "lan", adopted)).changes, false, tool);
      await on.stack.down();
      assert.equal(await hairpin(), "0\n", tool);
    }
  });

  it("say what a host needs if its ip cannot create a link", async () => {
    await on.lab.replace("node1", "ip", { script: '#!/bin/sh\nexec busybox ip "$@"\n' });
    const { failures } = await on.stack.preview("MacvlanInterface", "web", { host: "node1", parent: "q1" });
    assert.match(failures.join(), /^host: the host has ".*BusyBox.*"; .*\[host-unsupported\]$/);
  });
});
