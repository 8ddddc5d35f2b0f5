/** Routes whose source is an IPv6 address that duplicate detection has not let through yet: the kernel refuses them. */
import assert from "node:assert/strict";
import type { BridgeArgs, MacvlanArgs, ShimArgs } from "../../provider/kinds/args";
import { replaceIp, restoreIp } from "./faults";
import { useLab } from "./stack";

describe("a route whose source is an IPv6 address that was just added", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const HOST = "node1";
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);
  const routes = { routes: [{ to: "2001:db8:1::/48", source: "2001:db8::250" }] };
  const sourceOf = async (link: string, netns = ""): Promise<string | undefined> => {
    const inside = netns === "" ? "" : `-n ${netns}`;
    return /src (\S+)/.exec(await sh(`ip ${inside} -6 route show 2001:db8:1::/48 dev ${link}`))?.[1];
  };

  it("is there at once: of a shim, and of a macvlan in a namespace", async () => {
    const addresses = ["2001:db8::250/64"];
    const shim: ShimArgs = { host: HOST, parent: "eth1", addresses, ...routes };
    await on.stack.up("HostShim", "shim0", shim);
    assert.equal(await sourceOf("shim0"), "2001:db8::250");
    await on.stack.down("shim0");
    const web: MacvlanArgs = { host: HOST, parent: "eth1", netns: "blue", addresses, ...routes };
    await on.stack.up("MacvlanInterface", "web0", web);
    assert.equal(await sourceOf("web0", "blue"), "2001:db8::250");
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "web0", web)).drift, {});
  });

  it("moves to a bridge with its port's address, and back", async () => {
    await sh(
      `ip link add p0 type veth peer name q0; ip link set p0 up; ip link set q0 up; ip address add 2001:db8::250/64 dev p0 nodad
       ip route add 2001:db8:1::/48 dev p0 src 2001:db8::250 proto static`,
    );
    const bridge: BridgeArgs = { host: HOST, stp: false, ports: ["p0"], takeOverAddresses: true };
    await on.stack.up("HairpinBridge", "br0", bridge);
    assert.equal(await sourceOf("br0"), "2001:db8::250");
    await on.stack.down("br0");
    assert.equal(await sourceOf("p0"), "2001:db8::250");
  });

  it("comes back when a change that took both away is rolled back", async () => {
    const shim: ShimArgs = { host: HOST, parent: "eth1", addresses: ["2001:db8::250/64"], ...routes };
    await on.stack.up("HostShim", "shim0", shim);
    const other = { ...shim, addresses: ["2001:db8::99/64"], routes: [] };
    let failures = 0;
    for (let n = 1; n < 20; n++) {
      await replaceIp(on.lab, HOST, n, "exit 2");
      const error = await on.stack.up("HostShim", "shim0", other).then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      await restoreIp(on.lab, HOST);
      if (error === undefined) break;
      failures++;
      assert.match(error, /Everything was undone/, `command ${n}`);
      assert.equal(await sourceOf("shim0"), "2001:db8::250", `command ${n}`);
    }
    assert.ok(failures > 2);
  });

  it("is re-created at boot", async () => {
    const shim: ShimArgs = { host: HOST, parent: "eth1", addresses: ["2001:db8::250/64"], ...routes };
    await sh("mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
    await on.stack.up("HostShim", "shim0", { ...shim, persist: true });
    await sh("ip link delete shim0; sh /etc/pulumi-macvlan/*.sh");
    assert.equal(await sourceOf("shim0"), "2001:db8::250");
    await on.lab.reboot(HOST, { fresh: true });
  });
});
