import assert from "node:assert/strict";
import { UNKNOWN } from "../../../provider/model/unknown";
import { type Compared, detailedDiff } from "../../../provider/native/detailed-diff";

const diffOf = (compared: Partial<Compared>): Record<string, string> =>
  Object.fromEntries(
    [...detailedDiff({ before: {}, state: {}, after: {}, replaces: [], ...compared })].map(
      ([path, { kind, ofInputs }]) => [path, `${kind} of ${ofInputs ? "inputs" : "state"}`],
    ),
  );

describe("the detailed diff", () => {
  it("compares with what a refresh has found", () => {
    const compared = { before: { mtu: 1400 }, state: { mtu: 1400 }, after: { mtu: 1500 } };
    assert.deepEqual(diffOf(compared), { mtu: "update of state" });
  });

  it("is empty if nothing differs, whatever the outputs have besides", () => {
    const ports = [{ name: "eth1", hairpin: true }];
    const state = { mtu: 1500, ports: [{ name: "eth1", hairpin: true, state: "forwarding" }], ifIndex: 7 };
    assert.deepEqual(diffOf({ before: { mtu: 1500, ports }, state, after: { mtu: 1500, ports } }), {});
  });

  it("shows entries of lists that come, go and change, and no order", () => {
    const before = { addresses: ["192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"] };
    const after = (...addresses: string[]): Partial<Compared> => ({
      before,
      state: before,
      after: { addresses },
    });
    assert.deepEqual(diffOf(after("192.0.2.3/24", "192.0.2.2/24", "192.0.2.1/24")), {});
    assert.deepEqual(diffOf(after("192.0.2.1/24")), {
      "addresses[1]": "delete of state",
      "addresses[2]": "delete of state",
    });
    assert.deepEqual(diffOf(after(...before.addresses, "192.0.2.4/24")), { "addresses[3]": "add of state" });
    assert.deepEqual(diffOf(after("192.0.2.1/24", "192.0.2.9/24", "192.0.2.3/24")), {
      "addresses[1]": "update of state",
    });
  });

  it("leads to the field of an entry that differs", () => {
    const port = (hairpin: boolean): object => ({ ports: [{ name: "eth0" }, { name: "eth1", hairpin }] });
    assert.deepEqual(
      diffOf({ before: { ...port(true) }, state: { ...port(true) }, after: { ...port(false) } }),
      { "ports[1].hairpin": "update of state" },
    );
    const host = (user: string): object => ({ host: { address: "node1", user } });
    assert.deepEqual(
      diffOf({ before: { ...host("ops") }, state: { ...host("ops") }, after: { ...host("root") } }),
      { "host.user": "update of state" },
    );
  });

  it("shows what the program states from now on, and what no longer", () => {
    const compared = { before: { alias: "web" }, state: { alias: "web", mtu: 1500 }, after: { mtu: 1500 } };
    assert.deepEqual(diffOf(compared), { mtu: "add of inputs", alias: "delete of inputs" });
  });

  it("shows a value that is not known yet as a change", () => {
    const compared = { before: { mtu: 1500 }, state: { mtu: 1500 }, after: { mtu: UNKNOWN } };
    assert.deepEqual(diffOf(compared), { mtu: "update of state" });
  });

  it("names each property for which the resource is replaced", () => {
    const host = { address: "node1" };
    assert.deepEqual(diffOf({ before: { host }, state: { host }, after: { host }, replaces: ["host"] }), {
      host: "update of state",
    });
  });

  it("shows drift that no property shows, and only that", () => {
    const known = { before: { mtu: 1500 }, state: { mtu: 1500 } };
    const drift = { mtu: "found 1400, wanted 1500" };
    assert.deepEqual(diffOf({ ...known, after: { mtu: 1500, drift } }), { drift: "add of inputs" });
    assert.deepEqual(diffOf({ ...known, after: { mtu: 1450, drift } }), { mtu: "update of state" });
  });

  it("leads to the property of a link of all links of a host, and shows links that come and go", () => {
    const link = (more: object): object => ({ kind: "macvlan", parent: "eth0", ...more });
    const before = {
      links: { a: link({ mtu: 1400, label: "a@eth0" }), b: link({ alias: "b" }), c: link({}) },
    };
    const after = { links: { a: link({ mtu: 1500, label: "a2@eth0" }), b: link({}), d: link({}) } };
    assert.deepEqual(diffOf({ before, state: before, after }), {
      "links.a.mtu": "update of state",
      "links.b.alias": "delete of inputs",
      "links.c": "delete of inputs",
      "links.d": "add of state",
    });
    const drift = { "links.a.mtu": "found 1, wanted 2" };
    const known = { links: { a: link({ mtu: 1500 }), b: link({ mtu: 1500 }) } };
    const other = { links: { a: link({ mtu: 1500 }), b: link({ mtu: 1400 }) }, drift };
    assert.deepEqual(diffOf({ before: known, state: known, after: other }), {
      "links.b.mtu": "update of state",
      drift: "add of inputs",
    });
  });

  it("shows a property that becomes secret, and hides what is not for users", () => {
    const before = { alias: "web", label: "a", __owner: "fleet/dev", __resource: "web" };
    const after = {
      alias: "web",
      label: "b",
      __owner: "fleet/dev",
      __resource: "web2",
      __secretNames: "alias",
    };
    assert.deepEqual(diffOf({ before, state: before, after }), { alias: "update of state" });
  });
});
