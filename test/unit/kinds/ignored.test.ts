/** What is left alone because the program ignores it. */
import assert from "node:assert/strict";
import { parsePath } from "../../../provider/model/property-path";
import { withIgnored } from "../../../provider/kinds/ignored";

const INPUTS = {
  host: { address: "node1" },
  name: "br0",
  up: true,
  mtu: 1500,
  alias: "lan",
  addresses: ["192.0.2.1/24", "192.0.2.2/24"],
  ports: [
    { name: "eth0", cost: 5, hairpin: true },
    { name: "eth1", cost: 7, hairpin: true },
  ],
  routes: [{ to: "198.51.100.0/24", metric: 7 }],
};
const OBSERVED = {
  up: false,
  mtu: 1400,
  addresses: ["192.0.2.1/24", "192.0.2.9/24"],
  ports: [
    { name: "eth1", cost: 9, hairpin: false },
    { name: "eth0", cost: 8, hairpin: false },
  ],
  routes: [{ to: "198.51.100.0/24", metric: 9 }],
};

describe("ignoreChanges", () => {
  it("takes whole properties from the host, and leaves out those that the link does not have", () => {
    assert.deepEqual(withIgnored(INPUTS, OBSERVED, ["mtu", "addresses", "alias"]), {
      ...Object.fromEntries(Object.entries(INPUTS).filter(([key]) => key !== "alias")),
      mtu: 1400,
      addresses: OBSERVED.addresses,
    });
  });

  it("takes parts of list entries from the entry of the same name or destination, whatever the order", () => {
    const { ports, routes } = withIgnored(INPUTS, OBSERVED, ["ports[0].cost", "routes[*].metric"]);
    assert.deepEqual(ports, [{ name: "eth0", hairpin: true, cost: 8 }, INPUTS.ports[1]]);
    assert.deepEqual(routes, OBSERVED.routes);
    assert.deepEqual(
      withIgnored(INPUTS, OBSERVED, ["ports[*].hairpin"]).ports.map(({ hairpin }) => hairpin),
      [false, false],
    );
  });

  it("adds no entry of a list that is ignored and not there", () => {
    assert.deepEqual(withIgnored(INPUTS, OBSERVED, ["addresses[1]"]).addresses, ["192.0.2.1/24"]);
    assert.deepEqual(withIgnored(INPUTS, OBSERVED, ["addresses[0]"]).addresses, INPUTS.addresses);
  });

  it("leaves it to the program which link is meant, even with *", () => {
    const all = withIgnored(INPUTS, { ...OBSERVED, name: "other" }, ["*", "name", "host"]);
    assert.deepEqual([all.name, all.host, all.mtu], ["br0", INPUTS.host, 1400]);
  });

  it("changes nothing for a link that is not there, a path of something else, and what is no path", () => {
    assert.equal(withIgnored(INPUTS, {}, ["mtu"]), INPUTS);
    for (const path of ["nothing", "mtu.deeper", "ports[7].cost", "a[", ""])
      assert.deepEqual(withIgnored(INPUTS, OBSERVED, [path]), INPUTS, path);
  });
});

describe("paths of properties", () => {
  for (const [path, steps] of [
    ["mtu", ["mtu"]],
    ["ports[0].cost", ["ports", 0, "cost"]],
    ['host["user"]', ["host", "user"]],
    ["routes[*].metric", ["routes", "*", "metric"]],
    ["*", ["*"]],
    ["ports[", undefined],
    ["", undefined],
  ] as const) {
    it(`are read: ${path || "an empty one"}`, () => assert.deepEqual(parsePath(path), steps));
  }
});
