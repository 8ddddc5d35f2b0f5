/** Links of others that are adopted, changed, and given back: with what the change took along. */
import assert from "node:assert/strict";
import type { BridgeArgs, MacvlanArgs } from "../../provider/kinds/args";
import { snapshot } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";

describe("a link that is adopted, changed and given back", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);

  /** What changes by itself, or is another each time, is left out. */
  const seen = async (): Promise<string> =>
    (await snapshot(on.lab, HOST))
      .replaceAll(
        /(?:valid_lft|preferred_lft) \S+|designated_\w+ \S+|(?:root|bridge)_id \S+|\w+_timer +\S+/g,
        "",
      )
      .replaceAll(/ (?:tentative|nodad|usedbcqueuelen \d+)\b/g, "");

  it("gets its routes and IPv6 addresses back: a macvlan that was set down, with a smaller MTU", async () => {
    await sh(
      `ip link add mac0 link eth1 type macvlan mode bridge; ip link set mac0 up; ip address add 192.0.2.10/24 dev mac0
       ip address add 2001:db8::10/64 dev mac0 nodad; ip route add 198.51.100.0/24 dev mac0 proto static
       ip -6 route add 2001:db8:1::/48 dev mac0 proto static`,
    );
    const before = await seen();
    for (const change of [{ up: false }, { mtu: 1200 }] satisfies Partial<MacvlanArgs>[]) {
      const args: MacvlanArgs = { host: HOST, parent: "eth1", name: "mac0", adopt: true, ...change };
      await on.stack.up("MacvlanInterface", "mac", args);
      assert.notEqual(await seen(), before);
      assert.equal((await on.stack.preview("MacvlanInterface", "mac", args)).changes, false);
      await on.stack.down();
      assert.equal(await seen(), before, JSON.stringify(change));
    }
  });

  it("gets its timers and its port back as they were: a bridge that got a port and STP", async () => {
    await sh(
      `for n in 0 1; do ip link add p$n type veth peer name q$n; ip link set p$n up; ip link set q$n up; done
       ip link add br7 type bridge forward_delay 0; ip link set p1 master br7; ip link set br7 up; sleep 2`,
    );
    const before = await seen();
    const args: BridgeArgs = { host: HOST, name: "br7", adopt: true, stp: true, ports: ["p0", "p1"] };
    await on.stack.up("HairpinBridge", "lan", args);
    assert.equal(await sh("cat /sys/class/net/br7/bridge/forward_delay"), "200\n", "which STP has raised");
    assert.equal((await on.stack.preview("HairpinBridge", "lan", args)).changes, false);
    await on.stack.down();
    assert.equal(await seen(), before);
  });
});
