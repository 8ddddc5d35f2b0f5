import assert from "node:assert/strict";
import { KINDS } from "../../../../provider/kinds";
import type { CommonInputs, Json, PlanContext } from "../../../../provider/kinds/kind";
import { doubleRouteLines } from "../../../../provider/kinds/lan/on-host";
import type { ErrorCode, Issue } from "../../../../provider/model/error";
import type { HostState, LinkState } from "../../../../provider/model/host";
import { contextOn } from "../../../support/contexts";
import { BARE, nic, observationOf } from "../../../support/hosts";

const OWNER = "fleet/test";

/** In 192.0.2.0/24 and 2001:db8::/64, with a static route of another owner. */
const ETH0: LinkState = {
  ...nic("eth0", 2),
  altNames: ["enp3s0", "enx02005e005301"],
  addresses: [{ cidr: "192.0.2.1/24" }],
  otherAddresses: [{ cidr: "198.51.100.9/24" }, { cidr: "fe80::1/64" }],
  routes: [{ to: "203.0.113.0/24", protocol: "boot" }],
  otherRoutes: [
    { to: "192.0.2.0/24", protocol: "kernel" },
    { to: "2001:db8::/64", metric: 256, protocol: "kernel" },
    { to: "0.0.0.0/0", metric: 100, protocol: "dhcp" },
  ],
};
const LO: LinkState = {
  ...nic("lo", 1),
  otherRoutes: [{ to: "203.0.113.64/26", foreign: "blackhole", protocol: "static" }],
};
const HOST: HostState = { ...BARE, links: [LO, ETH0, nic("eth1", 3)] };

function viewOn(state: HostState, more: Partial<PlanContext> = {}): PlanContext {
  return contextOn(observationOf(state, { tools: [] }), { owner: OWNER, ...more });
}

const SHIM = { host: { address: "node1" }, name: "shim0", parent: "eth1", mode: "bridge", up: true };

function problemsOf(type: string, inputs: Json, context: PlanContext): readonly Issue[] {
  return KINDS[type]?.problems({ ...SHIM, ...inputs }, context) ?? [];
}

const made = (name: string, more: Partial<LinkState>): Pick<HostState, "links" | "records"> => ({
  links: [...HOST.links, { ...nic(name, 8), kind: "macvlan", parent: "eth1", ...more }],
  records: [{ name, netns: "", ifIndex: 8, owner: OWNER, resource: name, made: true, restore: [] }],
});

/** Inputs of a shim, the host, and what is refused: nothing, or the property and the code, and a part of the reason. */
const CASES: readonly (readonly [
  title: string,
  inputs: Json,
  state: Partial<HostState>,
  refused?: readonly [property: string, code: ErrorCode, reason?: RegExp],
])[] = [
  [
    "a route to the network that another link is in",
    { routes: [{ to: "192.0.2.0/24" }] },
    {},
    ["routes[0]", "taken-on-host", /is the network of eth0/],
  ],
  ["such a route with another metric", { routes: [{ to: "192.0.2.0/24", metric: 9 }] }, {}],
  [
    "a route that another link has",
    { routes: [{ to: "198.51.100.7/32" }, { to: "203.0.113.0/24" }] },
    {},
    ["routes[1]", "taken-on-host", /through eth0/],
  ],
  [
    "a route that is a blackhole on the host",
    { routes: [{ to: "203.0.113.64/26" }] },
    {},
    ["routes[0]", "taken-on-host", /as blackhole/],
  ],
  [
    "a default route with the metric of the DHCP client's",
    { routes: [{ to: "0.0.0.0/0", metric: 100 }] },
    {},
    ["routes[0]", "taken-on-host", /with the metric 100, through eth0/],
  ],
  [
    "a route that goes over from another link of this stack",
    { routes: [{ to: "198.51.100.7/32" }] },
    made("shim1", { routes: [{ to: "198.51.100.7/32", protocol: "static" }] }),
  ],
  [
    "a route that was put on a link of this stack by hand",
    { routes: [{ to: "198.51.100.7/32" }] },
    made("shim1", { routes: [{ to: "198.51.100.7/32", protocol: "boot" }] }),
    ["routes[0]", "taken-on-host", /through shim1/],
  ],
  [
    "a route's source that is no address of the host",
    { routes: [{ to: "198.51.100.7/32", source: "192.0.2.77" }] },
    {},
    ["routes[0].source", "not-on-host"],
  ],
  ["a source that a DHCP client got", { routes: [{ to: "192.0.2.7/32", source: "198.51.100.9" }] }, {}],
  [
    "an address that another link has",
    { addresses: ["192.0.2.9/32", "198.51.100.9/32"] },
    {},
    ["addresses[1]", "taken-on-host", /^eth0 /],
  ],
  ["such an address that is meant", { addresses: ["192.0.2.1/32"], duplicateAddressDetection: "off" }, {}],
  [
    "an address that moves from another link of this stack",
    { addresses: ["192.0.2.7/32"] },
    made("shim1", { addresses: [{ cidr: "192.0.2.7/32" }] }),
  ],
  [
    "an IPv6 address while new links have no IPv6",
    { addresses: ["192.0.2.9/32", "2001:db8::9/128"] },
    { newLinkSysctls: { "": { "sysctl.ipv6.disable_ipv6": "1" } } },
    ["addresses[1]", "host-unsupported", /net\.ipv6\.conf\.default\.disable_ipv6 = 1/],
  ],
  [
    "an IPv6 route on a link without IPv6",
    { routes: [{ to: "2001:db8:1::/64" }] },
    {
      ...made("shim0", { details: { disable_ipv6: "1" } }),
      newLinkSysctls: { "": { "sysctl.ipv6.disable_ipv6": "0" } },
    },
    ["routes[0]", "host-unsupported", /net\.ipv6\.conf\.shim0\.disable_ipv6 = 1/],
  ],
  [
    "an IPv6 address on a kernel without IPv6",
    { addresses: ["2001:db8::9/128"] },
    { newLinkSysctls: { "": { "sysctl.ipv4.arp_filter": "0" } } },
    ["addresses[0]", "host-unsupported"],
  ],
  ["a parent by its altname", { parent: "enp3s0" }, {}],
  [
    "a name that is an altname",
    { name: "enp3s0" },
    {},
    ["name", "name-taken", /a link called eth0 \(altname enp3s0, enx02005e005301\)/],
  ],
  ["a link to adopt that is not there", { adopt: true }, {}, ["name", "cannot-adopt"]],
];

describe("conflicts on a host", () => {
  for (const [title, inputs, state, refused] of CASES) {
    it(`${refused ? "are reported for" : "are none for"} ${title}`, () => {
      // the link itself, which is declared by then, is nothing to count on
      const context = viewOn({ ...HOST, ...state }, { isExpected: (name) => name === "shim0" });
      const found = problemsOf("HostShim", inputs, context);
      assert.deepEqual(
        found.map((p) => [p.property, p.code]),
        refused ? [refused.slice(0, 2)] : [],
        JSON.stringify(found),
      );
      if (refused?.[2]) assert.match(found[0]?.reason ?? "", refused[2]);
    });
  }

  it("are reported for a file under /run/netns that is no namespace, for links in it alone", () => {
    const context = viewOn({ ...HOST, netns: [{ name: "blue", isStale: true }] });
    const mac = { name: "mac0", addresses: ["192.0.2.9/24"] };
    assert.deepEqual(problemsOf("MacvlanInterface", mac, context), []);
    const [problem, ...more] = problemsOf("MacvlanInterface", { ...mac, netns: "blue" }, context);
    assert.deepEqual(more, []);
    assert.deepEqual([problem?.property, problem?.code], ["netns", "name-taken"]);
    assert.match(problem?.reason ?? "", /\/run\/netns\/blue .*ip netns delete blue/);
  });

  it("leave out the ports of a bridge, which give it their addresses", () => {
    const inputs = { name: "br0", ports: [{ name: "enp3s0", hairpin: true }], takeOverAddresses: true };
    const context = viewOn(HOST);
    assert.deepEqual(problemsOf("HairpinBridge", { ...inputs, addresses: ["192.0.2.1/24"] }, context), []);
  });

  it("have a line for a second connected route, and for a route that is never used", () => {
    const lines = (addresses: string[], to: string[]): string[] =>
      doubleRouteLines({ name: "shim0", netns: "", addresses, routes: to.map((t) => ({ to: t })) }, [], {
        ...HOST,
        links: [ETH0],
      });
    assert.match(lines(["192.0.2.9/24"], [])[0] ?? "", /two connected routes.*192\.0\.2\.9\/32/);
    assert.match(lines([], ["2001:db8::/64"])[0] ?? "", /never used, because eth0/);
    assert.deepEqual(lines(["192.0.2.9/32", "192.0.3.9/24"], ["2001:db8::7/128"]), []);
  });
});

describe("links that are given by an altname", () => {
  const child: LinkState = {
    ...nic("mac0", 9),
    ...{ kind: "macvlan", parent: "eth0" },
    settings: { "type.mode": "bridge", "link.address": "02:00:00:00:00:01" },
  };
  const context = viewOn({ ...HOST, links: [...HOST.links, child] });
  const inputs = { ...SHIM, name: "mac0", parent: "enp3s0" } as unknown as CommonInputs;

  it("are planned by the kernel's name, and kept by the name that was given", () => {
    const kind = KINDS["MacvlanInterface"];
    assert.equal(kind?.desired(inputs, context).links[0]?.parent, "eth0");
    assert.equal(kind.readInputs(inputs, context.observation)["parent"], "enp3s0");
    const bridge = { ...SHIM, name: "br0", ports: [{ name: "enp3s0", hairpin: true }] };
    const [, port] = KINDS["HairpinBridge"]?.desired(bridge, context).links ?? [];
    assert.equal(port?.name, "eth0");
  });
});
