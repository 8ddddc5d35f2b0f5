/** From a program's inputs to canonical ones. */
import assert from "node:assert/strict";
import { digest } from "../../../provider/engine/inputs";
import { KINDS } from "../../../provider/kinds";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import type { Json } from "../../../provider/kinds/kind";
import { UNKNOWN } from "../../../provider/model/unknown";

function check(type: keyof typeof KINDS, given: Json, before?: Json): ReturnType<typeof checkInputs> {
  const kind = KINDS[type];
  if (!kind) throw new Error(`there is no kind ${type}`);
  return checkInputs(kind, { __owner: "fleet/dev", __resource: "web", ...given }, before);
}

const web = { host: "node1", parent: "eth0" };

describe("inputs", () => {
  it("get their defaults, a name, a label and a locally administered unicast MAC address", () => {
    const { inputs, issues } = check("MacvlanInterface", web);
    assert.deepEqual(issues, []);
    assert.equal(inputs["name"], "web");
    assert.equal(inputs["label"], "web@eth0");
    assert.equal(inputs["mode"], "bridge");
    assert.equal(Number.parseInt(String(inputs["macAddress"]).slice(0, 2), 16) & 0b11, 0b10);
  });

  it("give the same MAC address again, and another for another host, name or stack", () => {
    const mac = (given: Json): unknown =>
      check("MacvlanInterface", { ...web, ...given }).inputs["macAddress"];
    assert.equal(mac({}), mac({}));
    const others = [mac({}), mac({ host: "node2" }), mac({ name: "mac9" }), mac({ __owner: "fleet/prod" })];
    assert.equal(new Set(others).size, 4);
  });

  it("derive no MAC address for passthru, which takes the parent's", () => {
    assert.equal(check("MacvlanInterface", { ...web, mode: "passthru" }).inputs["macAddress"], undefined);
  });

  it("pass what is not known yet, and check the rest", () => {
    const { inputs, issues, unknown } = check("MacvlanInterface", { ...web, mtu: 3, addresses: UNKNOWN });
    assert.deepEqual(unknown, ["addresses"]);
    assert.equal(inputs["addresses"], UNKNOWN);
    assert.equal(issues[0]?.property, "mtu");
  });

  it("may have the parent's name in another namespace, as another link", () => {
    assert.deepEqual(check("MacvlanInterface", { ...web, name: "eth0", netns: "blue" }).issues, []);
  });

  it("take default for IPv6's if gateway or source is an IPv6 address", () => {
    const routes = [
      "default",
      { to: "default", via: "2001:db8::1" },
      { to: "default", source: "2001:db8::2", metric: 7 },
    ];
    assert.deepEqual(check("MacvlanInterface", { ...web, routes }).inputs["routes"], [
      { to: "0.0.0.0/0" },
      { to: "::/0", via: "2001:db8::1" },
      { to: "::/0", source: "2001:db8::2", metric: 7 },
    ]);
  });

  it("have one digest in any order of the keys", () => {
    assert.equal(digest({ a: 1, b: [2, { c: 3, d: 4 }] }), digest({ b: [2, { d: 4, c: 3 }], a: 1 }));
    assert.notEqual(digest({ a: 1 }), digest({ a: 2 }));
  });

  const bad: readonly (readonly [type: keyof typeof KINDS, given: Json, property: string])[] = [
    ["MacvlanInterface", { host: "node1" }, "parent"],
    ["MacvlanInterface", { ...web, name: "a/b" }, "name"],
    ["MacvlanInterface", { ...web, name: "m%d" }, "name"],
    ["MacvlanInterface", { ...web, macAddress: "01:00:5e:00:00:01" }, "macAddress"],
    ["MacvlanInterface", { ...web, macAddress: "00:00:00:00:00:00" }, "macAddress"],
    ["MacvlanInterface", { ...web, addresses: ["192.0.2.1/24", "224.0.0.1/24"] }, "addresses[1]"],
    ["MacvlanInterface", { ...web, addresses: ["192.0.2.1/33"] }, "addresses[0]"],
    ["MacvlanInterface", { ...web, mode: "hairpin" }, "mode"],
    ["MacvlanInterface", { ...web, alias: "a\nb" }, "alias"],
    ["MacvlanInterface", { ...web, sourceMacAddresses: ["02:00:5e:00:53:01"] }, "sourceMacAddresses"],
    ["MacvlanInterface", { ...web, netns: "../../etc" }, "netns"],
    ["HairpinBridge", { host: "node1", ports: ["eth0", "eth0"] }, "ports[1]"],
    ["HairpinBridge", { host: "node1", forwardDelay: 99 }, "forwardDelay"],
    ["HairpinBridge", { host: "node1", ports: [{ name: "eth0", cost: 0 }] }, "ports[0].cost"],
    ["HostShim", { ...web, routes: ["192.0.2.1/24/7"] }, "routes[0]"],
    ["HostShim", { ...web, routes: [{ to: "192.0.2.1/24" }] }, "routes[0].to"],
    ["HostShim", { ...web, routes: [{ via: "192.0.2.1" }] }, "routes[0].to"],
    ["HostShim", { ...web, routes: ["192.0.2.1", { to: "::/0", via: "fe80::1%eth0" }] }, "routes[1].via"],
    ["HostShim", { ...web, routes: ["fe80::1%eth0"] }, "routes[0]"],
    ["HostShim", { ...web, routes: [{ to: "192.0.2.1", metric: -1 }] }, "routes[0].metric"],
    ["HostShim", { ...web, routes: [7] }, "routes[0]"],
    ["MacvlanInterface", { ...web, addresses: ["fe80::1%eth0/64"] }, "addresses[0]"],
    ["HairpinBridge", { host: "node1", ports: ["eth0", { name: "a/b" }] }, "ports[1].name"],
    ["HairpinBridge", { host: "node1", ports: [7] }, "ports[0]"],
    ["Bond", { host: "node1", mode: "802.3ad", ports: ["eth0", "a/b"] }, "ports[1]"],
    ["MacvlanInterface", { ...web, name: "eth0" }, "parent"],
    ["MacvtapInterface", { ...web, name: "eth0" }, "parent"],
    ["IpvlanInterface", { ...web, name: "eth0" }, "parent"],
    ["HostShim", { ...web, name: "eth0" }, "parent"],
    ["VlanInterface", { ...web, name: "eth0", vlanId: 10 }, "parent"],
    ["HostShim", { ...web, arp: "loud" }, "arp"],
  ];
  for (const [type, given, property] of bad) {
    it(`are refused on their path: ${property} of ${JSON.stringify(given)}`, () => {
      const { issues } = check(type, given);
      assert.ok(
        issues.some((issue) => issue.property === property),
        JSON.stringify(issues),
      );
    });
  }
});
