/** A real OpenRC on a lab host, laid over its folders from Debian's packages: it makes the links of its runlevel. */
import assert from "node:assert/strict";
import type { BridgeArgs, ShimArgs } from "../../provider/kinds/args";
import { giveOpenRc } from "./openrc";
import { addressesOf, linkOf, routesOf, seenLink } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";
const LAN: BridgeArgs = {
  ...{ host: HOST, name: "br0", addresses: ["203.0.113.1/24"], ageingTime: 30, persist: true },
  ports: ["p1"],
};
const SHIM: ShimArgs = {
  ...{ host: HOST, parent: "br0", name: "a-shim", persist: true },
  routes: [{ to: "203.0.113.10/32", source: "203.0.113.1" }],
};

describe("OpenRC", () => {
  const on = useLab(1);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);
  afterEach(() => on.lab.reboot(HOST, { fresh: true }));

  it("creates bridge and shim in this order when its runlevel starts, even if the port appears late", async () => {
    await giveOpenRc(on.lab, HOST);
    await sh("ip link add p1 type veth peer name q1; ip link set q1 up");
    await on.stack.up("HairpinBridge", "lan", LAN);
    await on.stack.up("HostShim", "shim", SHIM);
    const all = async (): Promise<unknown> => [
      (await linkOf(on.lab, HOST, "a-shim")).address,
      addressesOf(await linkOf(on.lab, HOST, "br0")),
      await routesOf(on.lab, HOST, "a-shim"),
      await sh("cat /sys/class/net/p1/brport/hairpin_mode"),
    ];
    const before = await all();
    await sh("ip link del br0; ip link del p1; rm -rf /run/pulumi-macvlan");
    assert.equal(await seenLink(on.lab, HOST, "a-shim"), undefined);
    const booting = sh("openrc default 2>&1");
    await sh("sleep 2; ip link add p1 type veth peer name q1; ip link set q1 up");
    assert.match(await booting, /Making the link br0[^]*Making the link a-shim/);
    assert.deepEqual(await all(), before);
    assert.deepEqual((await on.stack.preview("HairpinBridge", "lan", LAN)).changes, false);
    assert.deepEqual((await on.stack.preview("HostShim", "shim", SHIM)).changes, false);
    await on.stack.down();
    assert.equal(
      await sh("find /etc/init.d /etc/runlevels /etc/pulumi-macvlan -name '*macvlan*' 2>/dev/null; true"),
      "",
    );
  });
});
