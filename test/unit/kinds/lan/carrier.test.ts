/** Which link below is at fault if a link has no carrier, and how it is reported. */
import assert from "node:assert/strict";
import { carrierScript, parseCarrier } from "../../../../provider/host/carrier";
import {
  carrierDifferences,
  carrierFault,
  carrierFaultOf,
  describeFault,
} from "../../../../provider/kinds/lan/carrier";
import type { HostState, LinkState } from "../../../../provider/model/host";
import { BARE, nic } from "../../../support/hosts";

const NO = { details: { carrier: "no" } };
const stateOf = (...links: readonly LinkState[]): HostState => ({ ...BARE, links });
const on = (name: string, index: number, parent: string, more: Partial<LinkState> = {}): LinkState => ({
  ...nic(name, index),
  ...{ kind: "vlan", parent },
  ...more,
});
const port = (name: string, index: number, master: string, more: Partial<LinkState> = {}): LinkState => {
  const link = nic(name, index);
  return { ...link, settings: { ...link.settings, "link.master": master }, ...more };
};

describe("the carrier of the links below", () => {
  it("is missing at the lowest of them", () => {
    const state = stateOf(
      { ...nic("eth0", 2), ...NO },
      on("eth0.10", 3, "eth0", NO),
      on("eth0.10.20", 4, "eth0.10", NO),
    );
    assert.deepEqual(carrierFault(state, "eth0.10.20"), { link: "eth0", is: "without a carrier" });
  });

  it("is missing at one that is down", () => {
    const state = stateOf({ ...nic("eth0", 2), up: false }, on("eth0.10", 3, "eth0", NO));
    assert.deepEqual(carrierFault(state, "eth0.10"), { link: "eth0", is: "down" });
    const own = stateOf(nic("eth0", 2), on("eth0.10", 3, "eth0", { up: false }));
    assert.deepEqual(carrierFault(own, "eth0.10"), { link: "eth0.10", is: "down" });
  });

  it("of a bond or bridge is missing if none of its ports has one", () => {
    const bond = { ...nic("bond0", 5), kind: "bond" };
    const [one, other] = [port("eth0", 2, "bond0", NO), port("eth1", 3, "bond0")];
    assert.equal(carrierFault(stateOf(bond, one, other), "bond0"), undefined);
    const down = stateOf({ ...bond, ...NO }, one, { ...other, ...NO });
    assert.deepEqual(carrierFault(down, "bond0"), { link: "eth0", is: "without a carrier" });
    assert.deepEqual(carrierFault(stateOf({ ...bond, ...NO }, one, other), "bond0"), {
      link: "bond0",
      is: "without a carrier",
    });
  });

  it("is there otherwise, and unknown links are no fault", () => {
    assert.equal(carrierFault(stateOf(nic("eth0", 2), on("eth0.10", 3, "eth0")), "eth0.10"), undefined);
    assert.equal(carrierFault(stateOf(), "eth0"), undefined);
  });

  it("does not matter to a link that is to be down, nor to a bridge without ports", () => {
    const host = { address: "node1" };
    const state = stateOf({ ...nic("eth0", 2), ...NO }, { ...nic("br0", 3), kind: "bridge", ...NO });
    const child = { host, name: "web", parent: "eth0" };
    assert.notEqual(carrierFaultOf({ ...child, up: true }, state), undefined);
    assert.equal(carrierFaultOf({ ...child, up: false }, state), undefined);
    assert.equal(carrierFaultOf({ host, name: "br0", up: true }, state), undefined);
  });

  it("is drift of the link itself only if it is expected", () => {
    const known = { host: { address: "node1" }, name: "web", up: true };
    const state = (operState: string): HostState => stateOf(on("web", 3, "eth0", { operState }));
    assert.deepEqual(carrierDifferences({ ...known, expectCarrier: true }, state("LOWERLAYERDOWN")), [
      { property: "operState", found: "lowerlayerdown", wanted: "up" },
    ]);
    assert.deepEqual(carrierDifferences(known, state("LOWERLAYERDOWN")), []);
    for (const fine of ["UP", "UNKNOWN"])
      assert.deepEqual(carrierDifferences({ ...known, expectCarrier: true }, state(fine)), []);
  });

  it("has a history, as far as the kernel shows one", () => {
    const output = (text: string): string => `@m carrier\n${text}\n@m end\n`;
    const history = parseCarrier(
      output(
        "carrier_down_count 3\ncarrier_up_count 3\nuptime 10000.50\n[ 2499.500000] e1000e 0000:00:19.0 eth0: NIC Link is Down",
      ),
      "@m",
    );
    assert.deepEqual(history, { lost: 3, gained: 3, since: 7501 });
    assert.match(describeFault({ link: "eth0", is: "without a carrier" }, history), /2 h 5 min.*3 losses/);
    assert.deepEqual(parseCarrier(output("carrier_down_count \ncarrier_up_count \nuptime "), "@m"), {});
    assert.match(
      describeFault({ link: "eth0", is: "without a carrier" }, { lost: 1, gained: 0 }),
      /none since/,
    );
    assert.ok(carrierScript("eth'0", "@m").includes("PM_LINK='eth'\\''0'"));
  });
});
