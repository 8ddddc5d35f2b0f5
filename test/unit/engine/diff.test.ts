/** What a change of inputs leads to: nothing, an update, or a replacement. */
import assert from "node:assert/strict";
import { differenceOf } from "../../../provider/engine/diff";
import { hostLinks } from "../../../provider/engine/host-links";
import { ofOneLink } from "../../../provider/engine/resource-type";
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
    differenceOf(ofOneLink(kindOf("MacvlanInterface")), olds, "another digest", {
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

  it("replaces all links of a host for a change at a path within one of them", () => {
    const on = (links: Json, more: Json): Json => ({ host: { address: "node1" }, links, ...more });
    const web = { kind: "macvlan", name: "web", label: "web@eth0", parent: "eth0", mtu: 1400 };
    const api = { ...web, name: "api", label: "api@eth0" };
    const before = on(
      { web: { ...web, operState: "UP" }, api },
      { __managed: { web: "name,parent,mtu", api: "name,parent,mtu" } },
    );
    const replaced = (path: string, links: Json): string[] =>
      differenceOf(hostLinks, before, "another digest", on(links, { __replaceOnChanges: [path] })).replaces;
    const { mtu: _, ...others } = web;
    const changed = { api, web: { mtu: 1500, ...others } };
    assert.deepEqual(replaced("links", { api, web }), []);
    assert.deepEqual(replaced("links.web.mtu", changed), ["links"]);
    assert.deepEqual(replaced("links[*].mtu", changed), ["links"]);
    assert.deepEqual(replaced("*", changed), ["links"]);
    assert.deepEqual(replaced("links.api.mtu", changed), []);
    assert.deepEqual(replaced("links.web.alias", changed), []);
  });
});
