import assert from "node:assert/strict";
import { format } from "prettier";
import { type DescribeOptions, asHostLinks, describeHost } from "../../../provider/cli/adopt/describe";
import { programText } from "../../../provider/cli/adopt/program";
import { knownInputs, planLink, planContextFrom } from "../../../provider/engine/planning";
import { KINDS } from "../../../provider/kinds";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import type { LinkState } from "../../../provider/model/host";
import { newBond } from "../../../provider/plan/kernel/bond";
import { captured } from "../../support/captured";
import { link, macvlan, observed } from "../../support/hosts";

const options = (): DescribeOptions => ({ all: false, names: new Set(), prefix: "" });

function program(links: readonly LinkState[], more: Partial<DescribeOptions> = {}): string {
  const description = describeHost("ops@node1.example", observed(links), { ...options(), ...more });
  return programText([{ host: "ops@node1.example", ...description }]);
}

const BRIDGE = { "type.stp_state": "0", "type.forward_delay": "1500", "type.hello_time": "200" } as const;
const MORE = { "type.max_age": "2000", "type.ageing_time": "6000", "type.priority": "32768" } as const;
const LAST = { "type.vlan_filtering": "0", "type.mcast_snooping": "1" } as const;
const bridge = (name: string): LinkState =>
  link(name, "bridge", { settings: { ...BRIDGE, ...MORE, ...LAST } });

const port = (name: string, master: string, hairpin: "on" | "off"): LinkState =>
  link(name, "veth", {
    settings: {
      ...{ "link.master": master, "port.hairpin": hairpin, "port.isolated": "off", "port.learning": "on" },
      ...{ "port.flood": "on", "port.mcast_flood": "on", "port.guard": "off", "port.root_block": "off" },
      ...{ "port.cost": "2", "port.priority": "32" },
    },
  });

const GOLDEN = `// The macvlans, hairpin bridges and shims of ops@node1.example, as observed.
// The first \`pulumi up\` records them as this stack's, and changes nothing on the network.
import { HairpinBridge, HostShim, MacvlanInterface } from "pulumi-macvlan";

// left out: docker0: no port has hairpin on

const host = "ops@node1.example";

new HairpinBridge("br9", {
  host,
  name: "br9",
  ports: ["v0"],
  ageingTime: 60,
  adopt: true,
});

new MacvlanInterface("web", {
  host,
  name: "web",
  netns: "blue",
  parent: "eth0",
  macAddress: "02:00:5e:00:53:10",
  mtu: 1400,
  addresses: ["192.0.2.10/24"],
  routes: [{ to: "0.0.0.0/0", via: "192.0.2.1" }],
  adopt: true,
});

new HostShim("shim0", {
  host,
  name: "shim0",
  parent: "eth0",
  macAddress: "02:00:5e:00:53:11",
  addresses: ["192.0.2.250/32"],
  routes: ["192.0.2.10/32"],
  arp: "kernel",
  adopt: true,
});
`;

const WEB = macvlan("web", {
  netns: "blue",
  settings: { "link.mtu": "1400" },
  addresses: [{ cidr: "192.0.2.10/24" }],
  routes: [{ to: "0.0.0.0/0", via: "192.0.2.1", protocol: "boot" }],
});
const SHIM = macvlan("shim0", {
  settings: { "link.address": "02:00:5e:00:53:11" },
  addresses: [{ cidr: "192.0.2.250/32" }],
  routes: [{ to: "192.0.2.10/32", protocol: "boot" }],
});

describe("the program that describes a host", () => {
  it("has macvlans, hairpin bridges and shims, and says what it leaves out", () => {
    const links = [
      WEB,
      SHIM,
      bridge("docker0"),
      bridge("br9"),
      port("v0", "br9", "on"),
      port("v2", "br9", "off"),
    ];
    assert.equal(program(links), GOLDEN);
  });

  it("is formatted as prettier does it", async () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ cidr: `192.0.2.${i + 10}/24` }));
    const quotes = macvlan('a"b', {
      settings: { "link.alias": `it's "so" \\ \u2028`, "link.address": "02:00:5e:00:53:12" },
    });
    const text = program([WEB, quotes, { ...SHIM, addresses: many }]);
    assert.equal(await format(text, { parser: "typescript" }), text);
  });

  it("has all links of a host as one resource if that is asked for", async () => {
    const other = macvlan("web0", { netns: "other", settings: { "link.address": "02:00:5e:00:53:77" } });
    const links = [macvlan("web0"), other, bridge("br9"), port("v0", "br9", "on")];
    const description = describeHost(
      "ops@node1.example",
      observed(links, { netns: [{ name: "other" }] }),
      options(),
    );
    const text = programText([{ host: "ops@node1.example", ...description }], "host");
    assert.equal(await format(text, { parser: "typescript" }), text);
    assert.match(text, /import { HostLinks } from "pulumi-macvlan";/);
    assert.match(
      text,
      /new HostLinks\("node1\.example", {\n {2}host,\n {2}adopt: true,\n {2}links: {\n {4}br9: {\n {6}kind: "bridge",/,
    );
    assert.match(text, / {4}"other-web0": {\n {6}kind: "macvlan",\n {6}name: "web0",\n {6}netns: "other",/);
    assert.equal(text.match(/adopt/g)?.length, 1);
  });

  it("has a key of its own for each link of a host, whatever the links are called", () => {
    const at = (name: string, netns: string, mac: number): LinkState =>
      macvlan(name, { netns, settings: { "link.address": `02:00:5e:00:53:${mac}` } });
    const links = [at("a", "x", 20), at("a", "y", 21), at("y-a", "", 22), at("a-2", "", 23)];
    const now = observed(links, { netns: [{ name: "x" }, { name: "y" }] });
    const keys = asHostLinks(describeHost("node1", now, options()).resources).map(({ key }) => key);
    assert.deepEqual(keys.toSorted(), ["a", "a-2", "a-3", "y-a"]);
  });

  it("lets nothing of a host end a comment or a text", () => {
    const evil = macvlan("m\n0", { settings: { "link.alias": '"); process.exit(); ("\n*/' } });
    const text = program([
      evil,
      macvlan("ok0", {
        settings: { "link.alias": '"); process.exit(); ("', "link.address": "02:00:5e:00:53:12" },
      }),
    ]);
    assert.ok(text.includes(`alias: '"); process.exit(); ("',`), text);
    assert.match(text, /^\/\/ left out: m\\n0@eth0: /m);
    assert.ok(text.split("\n").every((l) => !l.startsWith("*/")));
  });

  it("leaves out a property that no program may set, and says so", () => {
    const text = program([macvlan("web", { settings: { "link.alias": "a\tb" } })]);
    assert.match(text, /\/\/ alias is not managed: alias contains control characters\nnew MacvlanInterface/);
    assert.ok(!text.includes("  alias"));
  });

  it("distinguishes a shim from a macvlan with a gateway", () => {
    const gateway = { ...SHIM, routes: [{ to: "0.0.0.0/0", via: "192.0.2.1", protocol: "dhcp" }] };
    assert.match(program([gateway]), /new MacvlanInterface\("shim0"/);
    const exclusive = { ...SHIM, settings: { ...SHIM.settings, "sysctl.ipv4.arp_filter": "1" } } as LinkState;
    assert.ok(!program([exclusive]).includes("arp"));
  });

  it("gives no MAC address in passthru, where it is the parent's, and names the mode", () => {
    const text = program([
      macvlan("p0", { settings: { "type.mode": "passthru", "type.flags": "nopromisc" } }),
    ]);
    assert.match(text, /mode: "passthru",\n {2}noPromisc: true,\n {2}adopt: true/);
  });

  it("leaves out what a stack has already, other kinds, and links whose parent cannot be seen", () => {
    const record = {
      name: "web",
      netns: "blue",
      ifIndex: WEB.ifIndex,
      owner: "fleet/dev",
      resource: "web",
      made: true,
      restore: [],
    };
    const tap = link("tap0", "ipvtap", { parent: "eth0" });
    const { resources, left } = describeHost(
      "node1",
      observed([WEB, tap, macvlan("far", { parent: "", netns: "blue" })], { records: [record] }),
      options(),
    );
    assert.deepEqual(resources, []);
    assert.deepEqual(left, [
      "web@eth0 in blue: already belongs to the stack fleet/dev (resource web)",
      "tap0@eth0: there is no resource for ipvtap",
      "far in blue: its parent is in a namespace that is not visible",
    ]);
  });

  it("describes macvtaps and ipvlans by their own classes, and leaves out their defaults", () => {
    const tap = macvlan("vm1", { kind: "macvtap", settings: { "link.txqueuelen": "500" } });
    assert.match(
      program([tap]),
      /new MacvtapInterface\("vm1", \{\n {2}host,\n {2}name: "vm1",\n {2}parent: "eth0",\n {2}macAddress: "[^"]+",\n {2}adopt: true,\n\}\);/,
    );
    const settings = { "type.mode": "l3", "type.flag": "private" } as const;
    assert.match(
      program([macvlan("web", { kind: "ipvlan", settings })]),
      /new IpvlanInterface\("web", \{\n {2}host,\n {2}name: "web",\n {2}parent: "eth0",\n {2}mode: "l3",\n {2}flag: "private",\n {2}adopt: true,\n\}\);/,
    );
  });

  it("includes bridges without hairpin if all are asked for, with their ports as they are", () => {
    const text = program([bridge("docker0"), port("v2", "docker0", "off")], { all: true });
    assert.match(text, /ports: \[\{ name: "v2", hairpin: false \}\]/);
  });

  it("includes bonds if all are asked for, with the options of their mode that differ from a new bond's", () => {
    const bonded = (name: string, mac: string): LinkState =>
      link(name, "", { settings: { "link.master": "bond0", "link.address": mac } });
    const own = newBond({
      "type.mode": "802.3ad",
      "type.lacp_rate": "fast",
      "type.xmit_hash_policy": "layer3+4",
    });
    const [mac0, mac1] = ["02:00:5e:00:53:20", "02:00:5e:00:53:21"] as const;
    const bond = link("bond0", "bond", { settings: { ...own, "link.address": mac1 } });
    const links = [macvlan("web", { parent: "bond0" }), bond, bonded("p0", mac0), bonded("p1", mac1)];
    assert.equal(program([bond]).includes("new Bond"), false);
    const text = program(links, { all: true });
    assert.match(
      text,
      /new Bond\("bond0", \{\n {2}host,\n {2}name: "bond0",\n {2}mode: "802.3ad",\n {2}ports: \["p0", "p1"\],\n {2}miimon: 100,\n {2}xmitHashPolicy: "layer3\+4",\n {2}lacpRate: "fast",\n {2}adopt: true,\n\}\);/,
    );
    assert.ok(text.indexOf("new Bond") < text.indexOf("new MacvlanInterface"));
    const other = { ...bond, settings: { ...bond.settings, "link.address": "02:00:5e:00:53:22" } };
    assert.match(program([other, ...links.slice(2)], { all: true }), /macAddress: "02:00:5e:00:53:22"/);
  });

  describe("with bonds as ip printed them", () => {
    const now = captured("bonds/6.1.0.txt", { user: "0" });
    const { resources, left } = describeHost("node1", now, { ...options(), all: true });
    const argsOf = (name: string): unknown => resources.find((r) => r.resource === name)?.args;

    it("lists for each what a new one of its mode would not have", () => {
      assert.deepEqual(left, []);
      assert.deepEqual(argsOf("bond0"), {
        name: "bond0",
        mode: "active-backup",
        ports: ["d0", "d1"],
        mtu: 1400,
        addresses: ["192.0.2.1/24"],
        miimon: 100,
        updelay: 200,
        primaryReselect: "failure",
        numPeerNotifications: 3,
        primary: "d1",
        adopt: true,
      });
      assert.deepEqual(argsOf("bond1"), {
        name: "bond1",
        mode: "802.3ad",
        ports: ["d2"],
        macAddress: "02:00:5e:00:53:31",
        miimon: 100,
        xmitHashPolicy: "layer3+4",
        lacpRate: "fast",
        minLinks: 1,
        adopt: true,
      });
      assert.deepEqual(argsOf("bond2"), {
        name: "bond2",
        mode: "active-backup",
        ports: ["d3"],
        arpInterval: 250,
        arpIpTargets: ["198.51.100.1", "198.51.100.2"],
        arpValidate: "all",
        failOverMac: "active",
        adopt: true,
      });
      assert.deepEqual(argsOf("bond3"), {
        name: "bond3",
        mode: "balance-rr",
        ports: [],
        up: false,
        adopt: true,
      });
    });

    it("plans no change of the network from what it says", () => {
      const kind = KINDS["Bond"];
      assert.ok(kind);
      assert.equal(resources.length, 4);
      for (const { resource, args } of resources) {
        const given = { ...args, host: "node1", __owner: "fleet/dev", __resource: resource };
        const { inputs, issues } = checkInputs(kind, given, undefined);
        assert.deepEqual(issues, []);
        const known = knownInputs(inputs, []);
        const context = planContextFrom(inputs, now, undefined, () => false);
        assert.deepEqual(kind.problems(known, context), []);
        const { steps } = planLink(kind, known, context);
        assert.deepEqual(
          steps.map(({ step }) => step.do),
          ["record"],
          `${resource}: what it notes of its own`,
        );
      }
    });

    it("leaves them out unless all are asked for", () => {
      assert.deepEqual(describeHost("node1", now, options()), { resources: [], left: [] });
    });
  });

  it("gives every resource a name of its own, on several hosts too", () => {
    const names = new Set<string>();
    const twice = [
      macvlan("web"),
      macvlan("web", { netns: "blue", settings: { "link.address": "02:00:5e:00:53:12" } }),
    ];
    const hosts = ["node1", "node2"].map((host) => ({
      host,
      ...describeHost(host, observed(twice), { all: false, names, prefix: `${host}-` }),
    }));
    assert.deepEqual([...names], ["node1-web", "node1-blue-web", "node2-web", "node2-blue-web"]);
    assert.match(
      programText(hosts),
      /\/\/ node2\n\nnew MacvlanInterface\("node2-web", \{\n {2}host: "node2",/,
    );
  });

  it("is a program even if there is nothing to describe", () => {
    assert.match(program([]), /^\/\/ there is nothing to describe$/m);
  });
});
