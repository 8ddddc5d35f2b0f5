/** What a change of inputs leads to: nothing, an update, or a replacement. */
import assert from "node:assert/strict";
import { differenceOf } from "../../../provider/engine/diff";
import type { Json } from "../../../provider/kinds/kind";
import { kindOf } from "../../support/plans";

describe("replaceOnChanges", () => {
  const inputs: Json = {
    ...{
      host: { address: "node1" },
      name: "web",
      label: "web@eth0",
      parent: "eth0",
      mode: "bridge",
      mtu: 1400,
    },
    routes: [{ to: "192.0.2.0/24", metric: 5 }, { to: "198.51.100.0/24" }],
  };
  const olds: Json = {
    ...inputs,
    // the host gives this one, and not the program
    operState: "UP",
    __managed: "host,name,parent,mode,mtu,routes",
  };
  const replaces = (paths: readonly string[], changed: Json): string[] =>
    differenceOf(kindOf("MacvlanInterface"), olds, "another digest", {
      ...inputs,
      ...changed,
      __replaceOnChanges: paths,
    }).replaces;
  const otherMetric = { routes: [{ to: "192.0.2.0/24", metric: 6 }, { to: "198.51.100.0/24" }] };

  for (const [title, paths, changed, expected] of [
    ["a change of a whole property", ["mtu"], { mtu: 1500 }, ["mtu"]],
    ["a property that is given for the first time", ["alias"], { alias: "shop" }, ["alias"]],
    ["a property that is no longer given", ["mtu"], { mtu: undefined }, ["mtu"]],
    ["a change of one entry", ["routes[0].metric"], otherMetric, ["routes"]],
    ["a change of any entry", ["routes[*].metric"], otherMetric, ["routes"]],
    ["a change of another entry", ["routes[1].metric"], otherMetric, []],
    ["any change, with *", ["*"], { mtu: 1500, alias: "shop" }, ["mtu", "alias"]],
    ["a change of another property", ["alias"], { mtu: 1500 }, []],
    ["drift", ["*"], { drift: { mtu: "found 1300, wanted 1400" } }, []],
    ["a change of the label, which follows from others", ["*"], { label: "web@eth1" }, []],
    ["a path that cannot be read", ["mtu["], { mtu: 1500 }, []],
    ["a fixed property, which it names once", ["parent"], { parent: "eth1" }, ["parent"]],
  ] as const) {
    it(`${expected.length > 0 ? "replaces for" : "does not replace for"} ${title}`, () => {
      assert.deepEqual(replaces(paths, changed), expected);
    });
  }
});
