import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CUT, KILL, replaceIp, restoreIp, watchdogEnds } from "./faults";
import { addressesOf, linkOf, seenLink, snapshot } from "./seen";
import { useLab } from "./stack";

/** What a change leaves under /run when it is over. */
const NOTHING_LEFT = "links\nlock\nnetns\n";

describe("a change of the link that carries the SSH connection", () => {
  const on = useLab(2);
  const host = { address: "node1", confirmTimeout: 6, connectTimeout: 2 };
  // without hairpin: it would send broadcasts back to the lab's switch, which then looks for everyone here
  const PORT = { name: "mgmt0", hairpin: false };
  const BRIDGE = { host, name: "br0", ports: [PORT], takeOverAddresses: true };
  // begun: which change was the last that could cut its connection, for who comes to confirm it
  const left = () => on.lab.sh("node1", "ls --ignore=begun /run/pulumi-macvlan");
  const gone = (): Promise<void> => watchdogEnds(on.lab, "node1");

  it("is confirmed by a new connection, and another user's session survives it", async () => {
    const before = await snapshot(on.lab, "node1");
    const mgmt = addressesOf(await linkOf(on.lab, "node1", "mgmt0"));
    const connections = (await on.lab.connections("node1")) + 1;
    const session = on.lab.ssh("node1", "until [ -e /tmp/end ]; do sleep 0.2; done; echo lived");
    while ((await on.lab.connections("node1")) < connections) await sleep(50);
    await on.stack.up("HairpinBridge", "lan", BRIDGE);
    assert.equal(await on.lab.connections("node1"), connections + 2);
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "br0")), mgmt);
    await on.lab.sh("node1", ": > /tmp/end");
    assert.equal((await session).stdout, "lived\n");
    await on.lab.sh("node1", "rm /tmp/end");
    await gone();
    assert.equal(await left(), NOTHING_LEFT);
    assert.deepEqual((await on.stack.preview("HairpinBridge", "lan", BRIDGE)).drift, {});
    await on.stack.down();
    await gone();
    assert.equal(await snapshot(on.lab, "node1"), before);
  });

  it("that cuts it for good is rolled back by the host itself, and the error says so", async () => {
    const before = await snapshot(on.lab, "node1");
    // a passthru child takes all that comes in for its parent, here to another namespace
    await assert.rejects(
      on.stack.up("MacvlanInterface", "web", { host, parent: "mgmt0", mode: "passthru", netns: "blue" }),
      (error: Error) => {
        assert.match(
          error.message,
          /^MacvlanInterface "web" on root@node1:22: "ip link add .* mode passthru.*" changes mgmt0, which carries the SSH connection, and afterwards no new connection confirmed the change within 6 s: /,
        );
        assert.match(error.message, /rolled the change back\. Everything was undone/);
        return true;
      },
    );
    assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
    assert.equal(await snapshot(on.lab, "node1"), before);
    await gone();
    assert.equal(await left(), NOTHING_LEFT);
  });

  it("whose shell is killed partway is rolled back at once, without a connection", async () => {
    const before = await snapshot(on.lab, "node1");
    for (const n of [2, 4, 6]) {
      await replaceIp(on.lab, "node1", n, KILL);
      await assert.rejects(on.stack.up("HairpinBridge", "lan", BRIDGE));
      await restoreIp(on.lab, "node1");
      await gone();
      assert.equal(await snapshot(on.lab, "node1"), before, `killed at ${n}`);
      assert.equal(await left(), NOTHING_LEFT);
    }
  });

  it("that loses the session partway but succeeds is confirmed all the same", async () => {
    for (const n of [2, 4, 6]) {
      await replaceIp(on.lab, "node1", n, `${CUT}; sleep 0.3`);
      await on.stack.up("HairpinBridge", "lan", BRIDGE);
      await restoreIp(on.lab, "node1");
      await gone();
      assert.equal(await left(), NOTHING_LEFT);
      await on.stack.down();
      await gone();
    }
  });

  it("is rolled back if sshd accepts no more logins, and the error says what is not known", async () => {
    const before = await snapshot(on.lab, "node1");
    await replaceIp(on.lab, "node1", 2, "pkill -o sshd");
    await assert.rejects(
      on.stack.up("HairpinBridge", "lan", { ...BRIDGE, host: { ...host, commandTimeout: 5 } }),
      /confirmed the change within 6 s: .*refused.* has not answered since\. Check mgmt0 on the host's console\. \[change-unconfirmed\]$/,
    );
    await restoreIp(on.lab, "node1");
    await gone();
    assert.equal(await snapshot(on.lab, "node1"), before);
    await on.lab.reboot("node1");
  });

  it("works on a host with neither flock nor setsid", async () => {
    const before = await snapshot(on.lab, "node1");
    await on.lab.hide("node1", ["flock", "setsid"]);
    await on.stack.up("HairpinBridge", "lan", BRIDGE);
    await on.stack.down();
    await gone();
    assert.equal(await snapshot(on.lab, "node1"), before);
    assert.equal(await left(), NOTHING_LEFT);
  });

  it("is recognised for a user who becomes root by sudo", async () => {
    const connections = await on.lab.connections("node2");
    const args = { ...BRIDGE, host: { ...host, address: "node2" } };
    assert.match(await on.lab.ssh("node2", "id -un").then((r) => r.stdout), /^ops$/m);
    await on.stack.up("HairpinBridge", "lan", args);
    assert.equal(await on.lab.connections("node2"), connections + 3);
  });
});

describe("a change of another link", () => {
  const on = useLab(1);

  it("needs no second connection", async () => {
    const connections = await on.lab.connections("node1");
    await on.stack.up("HairpinBridge", "lan", { host: "node1", name: "br0", ports: ["eth1"] });
    await on.stack.up("MacvlanInterface", "web", {
      host: "node1",
      parent: "mgmt0",
      name: "web",
      addresses: ["192.0.2.7/24"],
    });
    assert.equal(await on.lab.connections("node1"), connections + 2);
  });
});
