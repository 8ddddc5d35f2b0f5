import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { installIproute2 } from "./fleet/iproute2";
import { linkOf } from "./seen";
import { useLab } from "./stack";

const BASE: MacvlanArgs = { host: "node1", parent: "eth0", name: "mac0" };

/** Of Debian 12's iproute2 (6.1) and of 13's (6.15), which supports the option. */
describe("the threshold of a parent's broadcast queue", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const preview = (more: Partial<MacvlanArgs>) =>
    on.stack.preview("MacvlanInterface", "web", { ...BASE, ...more });
  const up = (more: Partial<MacvlanArgs>) => on.stack.up("MacvlanInterface", "web", { ...BASE, ...more });
  const shown = async (link: string): Promise<unknown> =>
    (await linkOf(on.lab, "node1", link)).linkinfo?.info_data?.["bclim"];

  it("is refused at preview if iproute2 does not support it, naming what is needed", async () => {
    const { failures } = await preview({ broadcastQueueThreshold: 5 });
    assert.match(
      failures.join(),
      /broadcastQueueThreshold: needs iproute2 6\.4 or newer, and the host has "ip utility/,
    );
    await up({});
    assert.equal((await preview({})).changes, false);
  });

  it("is set, changed in place for all macvlans of the parent, detected as drift, and rolled back", async () => {
    await installIproute2(on.lab, "node1", "trixie");
    const { ifIndex } = await up({ broadcastQueueThreshold: 5 });
    assert.equal(await shown("mac0"), 5);
    await on.lab.sh("node1", "ip link add other link eth0 type macvlan mode bridge");
    assert.equal(await shown("other"), 5);

    assert.equal((await up({ broadcastQueueThreshold: -1 })).ifIndex, ifIndex);
    assert.match(
      on.stack.said().join(),
      /is that of all macvlans on eth0, and so also of other, for which it is 5 now/,
    );
    assert.equal(await shown("other"), -1);
    assert.deepEqual(await preview({ broadcastQueueThreshold: -1 }), {
      ...{ drift: {}, failures: [], changes: false, replaces: [] },
    });

    await on.lab.sh("node1", "ip link set other type macvlan bclim 9");
    const { drift } = await preview({ broadcastQueueThreshold: -1 });
    assert.deepEqual(drift, { broadcastQueueThreshold: "found 9, wanted -1" });

    // a route that the kernel refuses comes after the threshold
    const routes = [{ to: "203.0.113.0/24", via: "198.51.100.1" }];
    await assert.rejects(
      up({ broadcastQueueThreshold: 3, routes }),
      /broadcastQueueThreshold|203\.0\.113\.0/,
    );
    assert.equal(await shown("mac0"), 9);

    // the kernel's default is not printed
    await up({ broadcastQueueThreshold: 1 });
    assert.equal(await shown("mac0"), undefined);
    assert.equal((await preview({ broadcastQueueThreshold: 1 })).changes, false);
  });
});
