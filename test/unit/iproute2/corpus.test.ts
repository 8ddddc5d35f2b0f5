import assert from "node:assert/strict";
import { isOlder, iproute2Version } from "../../../provider/iproute2/version";
import { type LinkState, type Route, findLink } from "../../../provider/model/host";
import type { Observation } from "../../../provider/model/observation";
import { readPage } from "../docs/pages";
import { CORPUS, type CorpusVersion, answersOf, observe } from "./corpus";

/** Of the bytes that are no UTF-8 each is one U+FFFD, as everywhere in what a host prints. */
const ODD_NAMES = [
  "q\"u'o",
  "back\\",
  "\u0001ctl\u007f",
  "bytes\uFFFD",
  "snow☃",
  "}],[{",
  "constructor",
  "__proto__",
];

const NAMES = [
  ...[
    "lo",
    "far",
    "eth1",
    "cell",
    "br0",
    "p1",
    "d0",
    "bond0",
    "d1",
    "eth1.10",
    "ipvl0",
    "gre1",
    "er2",
    "vx0",
    "vrf0",
  ],
  ...ODD_NAMES,
];

/** What `ip link help bridge` lists. */
const WORDS_OF_BRIDGE: readonly string[] = [
  ...["forward_delay", "hello_time", "max_age", "ageing_time", "stp_state", "mst_enabled", "priority"],
  ...["group_fwd_mask", "group_address", "no_linklocal_learn", "fdb_max_learned"],
  ...["vlan_filtering", "vlan_protocol", "vlan_default_pvid", "vlan_stats_enabled", "vlan_stats_per_port"],
  ...["mcast_snooping", "mcast_vlan_snooping", "mcast_router", "mcast_query_use_ifaddr", "mcast_querier"],
  ...["mcast_hash_elasticity", "mcast_hash_max", "mcast_last_member_count", "mcast_startup_query_count"],
  ...["mcast_last_member_interval", "mcast_membership_interval", "mcast_querier_interval"],
  ...["mcast_query_interval", "mcast_query_response_interval", "mcast_startup_query_interval"],
  ...["mcast_stats_enabled", "mcast_igmp_version", "mcast_mld_version"],
  ...["nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables"],
];

function linkOf({ state }: Observation, name: string): LinkState {
  const link = findLink(state, { name, netns: "" });
  assert.ok(link, name);
  return link;
}

function sorted(routes: readonly Route[] = []): Route[] {
  return routes.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

describe("links and routes of others, as versions of iproute2 print them", () => {
  const observations = new Map<CorpusVersion, Observation>();
  const each = (test: (observation: Observation, version: CorpusVersion) => void): void => {
    for (const version of CORPUS) {
      const observation = observations.get(version) ?? observe(version.told, answersOf(version.file));
      observations.set(version, observation);
      test(observation, version);
    }
  };

  it("give a bridge settings by the words of ip link, with which an undo makes it again", () => {
    each((observation, { release }) => {
      const keys = Object.keys(linkOf(observation, "br0").settings);
      const words = keys.flatMap((key) => (key.startsWith("type.") ? [key.slice("type.".length)] : []));
      assert.ok(words.includes("mcast_query_response_interval"), release);
      assert.deepEqual(
        words.filter((word) => !WORDS_OF_BRIDGE.includes(word)),
        [],
        release,
      );
    });
  });

  it("covers all releases from 4.17 to 5.15, and others up to 7.3", () => {
    const releases = new Set(CORPUS.map(({ release }) => release));
    const all = [
      ...[17, 18, 19, 20].map((n) => `4.${n}.0`),
      ...Array.from({ length: 16 }, (_, n) => `5.${n}.0`),
    ];
    assert.deepEqual(
      all.filter((release) => !releases.has(release)),
      [],
    );
    assert.equal(releases.size, 34);
    assert.equal(CORPUS.filter(({ from }) => from.startsWith("package")).length, 4);
  });

  it("give their release, or the one before it for packages of 5.8 to 5.10", () => {
    const told = new Map(
      CORPUS.map(({ release, told: text, from }) => [`${release} ${from}`, iproute2Version(text)]),
    );
    for (const { release, from } of CORPUS) {
      const version = told.get(`${release} ${from}`) ?? "";
      const before = { "5.8.0": "5.7.0", "5.9.0": "5.8.0", "5.10.0": "5.9.0" }[release];
      assert.ok(version === before || `${version}.0`.startsWith(release), `${release}, ${from}: ${version}`);
    }
  });

  it("are listed in docs/compatibility.md, packages apart from sources", () => {
    const rows = readPage("docs/compatibility.md")
      .split("\n")
      .filter((line) => /^\| (?:packages|released sources) /.test(line));
    const listed = (from: string): string[] =>
      rows
        .filter((row) => row.startsWith(`| ${from} `))
        .flatMap((row) => row.split("|")[2]?.split(",") ?? [])
        .map((release) => `${release.trim()}.0`);
    const had = (from: string): string[] =>
      CORPUS.filter((v) => v.from.startsWith(from)).map(({ release }) => release);
    assert.deepEqual(listed("packages"), had("package"));
    assert.deepEqual(listed("released sources"), had("released source"));
  });

  it("are read whole", () => {
    each(({ unreadable, state }, { release }) => {
      assert.deepEqual(unreadable, [], release);
      assert.deepEqual(
        state.links.map(({ name }) => name),
        NAMES,
        release,
      );
    });
  });

  it("leave ours as they are in every version", () => {
    each((observation, { release }) => {
      const cell = linkOf(observation, "cell");
      assert.deepEqual([cell.kind, cell.parent, cell.up], ["macvlan", "eth1", true], release);
      assert.equal(cell.settings["type.macaddr"], "02:00:5e:00:53:0b", release);
      assert.deepEqual(
        cell.addresses.map(({ cidr }) => cidr),
        ["198.51.100.1/28", "2001:db8:0:1::1/64"],
        release,
      );
      const threshold = isOlder(observation.facts.iproute2 ?? "", "6.4") ? undefined : "1";
      assert.equal(cell.settings["type.bclim"], threshold, release);
      const bridge = linkOf(observation, "br0");
      assert.equal(bridge.settings["type.vlan_filtering"], "1", release);
      assert.equal(bridge.settings["type.ageing_time"], "3000", release);
      const port = linkOf(observation, "p1");
      assert.deepEqual([port.settings["link.master"], port.settings["port.hairpin"]], ["br0", "on"], release);
    });
  });

  it("distinguish our route from those that differ in a tos, a tunnel, or the link", () => {
    each((observation, { release }) => {
      const { routes, opaqueRoutes } = linkOf(observation, "cell");
      assert.deepEqual(
        sorted(routes),
        sorted([
          { to: "198.51.100.64/28", source: "198.51.100.1", metric: 7, protocol: "static" },
          { to: "198.51.100.64/28", selector: "tos 0x10", protocol: "boot" },
          { to: "198.51.100.193/32", foreign: "encap ip id 2 dst 192.0.2.11", protocol: "boot" },
          { to: "2001:db8:7::/48", protocol: "static" },
        ]),
        release,
      );
      assert.equal(opaqueRoutes, undefined, release);
    });
  });

  it("show a gateway of another family, a source and options in the words that set them", () => {
    each((observation, { release }) => {
      const { routes, opaqueRoutes } = linkOf(observation, "eth1");
      const knowsObjects = !isOlder(release, "5.3");
      assert.deepEqual(
        routes
          .map(({ to, via, selector, foreign }) => [to, via, selector, foreign].filter(Boolean).join(" | "))
          .toSorted(),
        [
          "198.51.100.64/28 | 192.0.2.9",
          "198.51.100.80/28 | 192.0.2.9",
          ...(knowsObjects ? [] : ["198.51.100.128/28 | 192.0.2.71", "2001:db8:3::/48 | 2001:db8::74"]),
          "198.51.100.176/28 | 2001:db8::9",
          "198.51.100.194/32 | 192.0.2.10 | encap mpls 100/200",
          "2001:db8:2::/48",
          "2001:db8:2::/48 | 2001:db8::b",
          "2001:db8:6::/48 | 2001:db8::9 | encap mpls 16",
          "2001:db8:8::/48 | from 2001:db8::/64",
          // before 5.3 options are numbers without a name
          ...(knowsObjects ? ["2001:db8:9::/48 | 2001:db8::9 | mtu 1300 hoplimit 7"] : []),
        ].toSorted(),
        release,
      );
      // what a next hop object leads to is not the route's, and a round trip time is printed in another unit than it is given in
      const alone = [
        "198.51.100.208/28",
        "239.2.0.0/16",
        ...(knowsObjects ? ["198.51.100.128/28", "2001:db8:3::/48"] : ["2001:db8:9::/48"]),
      ];
      assert.deepEqual(opaqueRoutes?.map(({ to }) => to).toSorted(), alone.toSorted(), release);
    });
  });

  it("leave routes alone that no command could restore", () => {
    each((observation, { release }) => {
      const { routes, opaqueRoutes } = linkOf(observation, "d0");
      assert.deepEqual(
        routes.map(({ to, foreign }) => `${to} ${foreign ?? ""}`).toSorted(),
        [
          "198.51.100.192/32 encap ip id 1 dst 192.0.2.10 ttl 5 tos 0x4",
          "198.51.100.195/32 encap ip6 id 3 dst 2001:db8::5",
        ],
        release,
      );
      assert.deepEqual(
        opaqueRoutes?.map(({ to }) => to).toSorted(),
        ["203.0.113.120/32", "203.0.113.121/32"],
        release,
      );
    });
  });
});
