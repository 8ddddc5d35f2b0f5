/** A VLAN that the switch does not carry: green without a check, and rolled back with one. */
import assert from "node:assert/strict";
import type { VlanArgs } from "../../provider/kinds/args";
import { snapshot } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

describe("a check of a VLAN", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}, {}]);

  afterEach(() => clean(on, ["guest1", "guest2"]));

  const vlan = (host: string, n: number, more: Partial<VlanArgs> = {}) =>
    on.stack.up("VlanInterface", `${host}/10`, {
      ...{ host, parent: "eth1", name: "eth1.10", vlanId: 10, addresses: [`192.0.2.${n}/24`] },
      ...more,
    });
  /** The lab's switch cannot distinguish VLANs: it carries nothing of eth1 then, which keeps its carrier. */
  const carries = (isCarried: boolean): Promise<void> => on.lab.switch.plug("guest1", isCarried, 1);

  it("rolls it back if the switch does not carry it, and says what to check", async () => {
    await vlan("guest2", 2);
    await carries(false);
    const before = await snapshot(on.lab, "guest1");
    const checks = [{ ping: "192.0.2.2", within: 3 }];
    await assert.rejects(vlan("guest1", 1, { checks }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "check-failed", error.message);
      assert.match(error.message, /ping 192\.0\.2\.2/);
      assert.match(error.message, /carries VLAN 10/);
      return true;
    });
    assert.equal(await snapshot(on.lab, "guest1"), before);
    // without a check all is well
    await vlan("guest1", 1);
    await on.stack.down("guest1/10");
    await carries(true);
    const { checks: results } = await vlan("guest1", 1, { checks });
    assert.equal(results?.[0]?.passed, true);
  });
});
