/** All links of a host as one resource: its canonical form, and the plan of the whole. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SHARED, hostLinks } from "../../../provider/engine/host-links";
import { digest } from "../../../provider/engine/inputs";
import { resourceId } from "../../../provider/engine/outputs";
import { knownInputs, planContextFrom, planLeaving } from "../../../provider/engine/planning";
import { matchMembers } from "../../../provider/engine/resource-type";
import { secretsOf, withNamingIssues, withoutSecretPaths } from "../../../provider/engine/secrets";
import { type Transaction, issuesOf, planTransaction } from "../../../provider/engine/transaction";
import { KINDS_BY_WORD } from "../../../provider/kinds";
import { inDependencyOrder } from "../../../provider/kinds/dependencies";
import type { Json } from "../../../provider/kinds/kind";
import { type HostState, type LinkState, findLink } from "../../../provider/model/host";
import { UNKNOWN } from "../../../provider/model/unknown";
import { simulate } from "../../../provider/plan/kernel/simulate";
import { outcome } from "../../../provider/plan/plan";
import { BARE, HOST, macvlan, observationOf } from "../../support/hosts";
import { assertUndoes, comparable } from "../../support/plans";

const GIVEN = { host: "node1", __owner: "fleet/dev", __resource: "node1" };

function canonical(links: Json, more: Json = {}, before?: Json): Json {
  const { inputs, issues } = hostLinks.check({ ...GIVEN, ...more, links }, before);
  assert.deepEqual(issues, []);
  return inputs;
}

/** The plan from what the last run had to these inputs, without what other resources of the run claim. */
function transaction(state: HostState, before: Json | undefined, inputs: Json): Transaction {
  const members = hostLinks.members(inputs);
  const { previousOf, leaving } = matchMembers(before ? hostLinks.members(before) : [], members);
  return planTransaction(
    members.map((member) => ({
      ...{ path: member.path, kind: member.kind, known: knownInputs(member.props, []) },
      contextOn: (now) => planContextFrom(member.props, now, previousOf(member), () => false),
    })),
    leaving.map(({ kind, props }) => ({
      known: knownInputs(props, []),
      planOn: (now, keeps) =>
        planLeaving(
          kind,
          knownInputs(props, []),
          planContextFrom(props, now, undefined, () => false),
          keeps,
        ),
    })),
    observationOf(state),
  );
}

describe("all links of a host", () => {
  it("have these canonical inputs, this digest and this ID", () => {
    const inputs = canonical(
      {
        web: { kind: "macvlan", parent: "eth0.10", mtu: 1400 },
        "eth0.10": { kind: "vlan", parent: "eth0", vlanId: 10 },
        shim0: { kind: "shim", parent: "eth0.10", routes: ["192.0.2.10"] },
      },
      { persist: true, mtu: 1300 },
    );
    assert.deepEqual(inputs, {
      host: { address: "node1" },
      links: {
        "eth0.10": {
          ...{ kind: "vlan", parent: "eth0", vlanId: 10, protocol: "802.1Q", up: true, name: "eth0.10" },
          ...{ mtu: 1300, persist: true, label: "eth0.10@eth0" },
        },
        web: {
          ...{ kind: "macvlan", parent: "eth0.10", mode: "bridge", up: true, name: "web", mtu: 1400 },
          ...{ persist: true, macAddress: "3a:2c:19:a2:94:c2", label: "web@eth0.10" },
        },
        shim0: {
          ...{ kind: "shim", parent: "eth0.10", mode: "bridge", arp: "exclusive", up: true, name: "shim0" },
          ...{ routes: [{ to: "192.0.2.10/32" }], mtu: 1300, persist: true },
          ...{ macAddress: "b6:b2:46:29:a4:97", label: "shim0@eth0.10" },
        },
      },
      __owner: "fleet/dev",
      __resource: "node1",
      __derived: { web: ["macAddress"], shim0: ["macAddress"] },
    });
    assert.equal(digest(inputs), "ad36763e6d377f37");
    assert.equal(resourceId(inputs), "node1");
  });

  it("keep a derived MAC address under another key, name and namespace", () => {
    const before = canonical({
      web: { kind: "macvlan", parent: "eth0" },
      api: { kind: "macvlan", parent: "eth0" },
    });
    const macs = (inputs: Json): unknown[] =>
      hostLinks.members(inputs).map(({ props }) => props["macAddress"]);
    const after = canonical(
      {
        other: { kind: "macvlan", parent: "eth0", name: "web" },
        api: { kind: "macvlan", parent: "eth0", netns: "x" },
      },
      {},
      before,
    );
    assert.deepEqual(macs(after), macs(before));
  });

  it("have no MAC address twice if one gets the name that another gives up", () => {
    const web = { kind: "macvlan", parent: "eth0" };
    const before = canonical({ web });
    const after = canonical({ web: { ...web, name: "old" }, next: { ...web, name: "web" } }, {}, before);
    const macs = new Map(hostLinks.members(after).map(({ key, props }) => [key, props["macAddress"]]));
    assert.equal(macs.get("next"), hostLinks.members(before)[0]?.props["macAddress"]);
    assert.notEqual(macs.get("web"), macs.get("next"));
  });

  it("can be called as what every object has", () => {
    for (const { key, props } of hostLinks.members(canonical({ constructor: { kind: "bridge" } })))
      assert.deepEqual([key, props["__derived"]], ["constructor", undefined]);
  });

  it("are planned as far as they are known", () => {
    const inputs = canonical({
      web: { kind: "macvlan", parent: UNKNOWN, mtu: 1400 },
      later: UNKNOWN,
      br0: { kind: "bridge", ports: ["eth1"] },
    });
    assert.equal((inputs["links"] as Json)["later"], UNKNOWN);
    assert.deepEqual(
      hostLinks
        .members(inputs)
        .map(({ key }) => key)
        .toSorted(),
      ["br0", "web"],
    );
    assert.equal(hostLinks.isPending(inputs, "later"), true);
    assert.equal(hostLinks.isPending(canonical(UNKNOWN as unknown as Json), "any"), true);
  });

  it("pass on what is ignored within them, without the path to the link", () => {
    const ignored = (...paths: string[]): unknown =>
      hostLinks.members({ ...canonical({ "a.b": { kind: "macvlan", parent: "eth0" } }), __ignored: paths })[0]
        ?.props["__ignored"];
    assert.deepEqual(ignored('links["a.b"].mtu', "links.c.mtu", "links[*].routes[0].metric"), [
      "mtu",
      "routes[0].metric",
    ]);
    assert.deepEqual(ignored("links", "host"), ["*"]);
    assert.deepEqual(ignored('links["a.b"]'), ["*"]);
  });

  it("are refused by path if one of them, or its host, is or holds a credential", () => {
    const inputs = {
      ...GIVEN,
      links: {
        "a.b": { kind: "macvlan", parent: "eth0", password: "hush", host: "ops:hush2@node1" },
        web: { kind: "macvlan", parent: "eth0", mtu: 1477 },
      },
      __secrets: ["links.web.mtu"],
    };
    const secrets = secretsOf(inputs);
    assert.deepEqual(
      [...secrets.properties],
      ["links.web.mtu", 'links["a.b"].password', 'links["a.b"].host'],
    );
    assert.deepEqual(secrets.values, [1477, "hush", ["hush2"]]);
    const { issues } = hostLinks.check(inputs, undefined);
    assert.deepEqual(issues.map(({ code, property }) => [code, property]).toSorted(), [
      ["invalid-input", 'links["a.b"].host'],
      ["invalid-input", 'links["a.b"].password'],
    ]);
    const shown = withoutSecretPaths(withNamingIssues(issues, secrets), secrets);
    assert.deepEqual(
      shown.map(({ property }) => property),
      ["", ""],
    );
    assert.ok(!JSON.stringify(shown).includes("hush"));
  });

  it("have what stands beside them at its own path, once, unless a link has its own", () => {
    const [web, db] = ["macvlan", "macvlan"].map((kind) => ({ kind, parent: "eth0" }));
    const links = { web, db, own: { ...web, mtu: 1400 } };
    const given = { ...GIVEN, links, mtu: 1477, persist: true };
    const at = (property: string): string => hostLinks.statedAt(given, property);
    assert.deepEqual(
      ["links.web.host", "links.db.mtu", "links.own.mtu", "links.web.parent", "links.web", "drift"].map(at),
      ["host", "mtu", "links.own.mtu", "links.web.parent", "links.web", "drift"],
    );
    const { issues } = hostLinks.check({ ...given, mtu: "x", host: { address: "a b" } }, undefined);
    assert.deepEqual(
      issues.map(({ property }) => property),
      ["host.address", "mtu"],
    );
  });

  it("cannot have a secret beside them, which the engine would show in each of them", () => {
    const links = { web: { kind: "macvlan", parent: "eth0" } };
    const { issues } = hostLinks.check({ ...GIVEN, links, mtu: 1477, __secrets: ["mtu"] }, undefined);
    assert.deepEqual(
      issues.map(({ code, property }) => [code, property]),
      [["invalid-input", ""]],
    );
  });

  /** The paths of what is wrong with a link of this kind, with what stands beside the links. */
  const pathsOf = (kind: string, given: Json, more: Json = {}): string[] => {
    const required = { vlanId: 10, mode: "active-backup", parent: "eth0" };
    const { schema } = KINDS_BY_WORD[kind] ?? { schema: {} };
    const valid = Object.entries(required).filter(
      ([name]) => name in schema && (name !== "mode" || kind === "bond"),
    );
    const links = { "bond0.10": { kind, ...Object.fromEntries(valid), ...given } };
    return hostLinks.check({ ...GIVEN, ...more, links }, undefined).issues.map(({ property }) => property);
  };
  const LINK = 'links["bond0.10"]';

  for (const [kind, { schema, required }] of Object.entries(KINDS_BY_WORD)) {
    it(`are refused by the exact path of each property of a ${kind}`, () => {
      for (const property of Object.keys(schema).filter((name) => name !== "host" && name !== "label")) {
        const [path = "", ...others] = pathsOf(kind, { [property]: { nothing: "of this" } });
        assert.deepEqual(
          [path.slice(0, LINK.length + 1 + property.length), others],
          [`${LINK}.${property}`, []],
        );
        assert.match(path.slice(LINK.length + 1 + property.length), /^(?:$|\[|\.)/);
        if ((SHARED as readonly string[]).includes(property)) {
          assert.deepEqual(pathsOf(kind, {}, { [property]: { nothing: "of this" } }), [property]);
        }
      }
      for (const property of required.filter((name) => name !== "host")) {
        assert.deepEqual(pathsOf(kind, { [property]: undefined }), [`${LINK}.${property}`]);
      }
      assert.deepEqual(pathsOf(kind, { nothing: 1 }), [`${LINK}.nothing`]);
    });
  }

  it("are refused by the exact path within a property", () => {
    const wrong: readonly (readonly [kind: string, given: Json, path: string])[] = [
      ...["macvlan", "macvtap", "ipvlan", "shim", "vlan"].flatMap((kind): [string, Json, string][] => [
        [kind, { routes: ["192.0.2.1", { to: "192.0.2.300" }] }, "routes[1].to"],
        [kind, { routes: [{ to: "192.0.2.1", via: "x" }] }, "routes[0].via"],
        [kind, { routes: [{ to: "192.0.2.1", source: "x" }] }, "routes[0].source"],
        [kind, { routes: [{ to: "192.0.2.1", metric: -1 }] }, "routes[0].metric"],
        [kind, { routes: [{ to: "192.0.2.1", dev: "eth0" }] }, "routes[0].dev"],
      ]),
      ...Object.keys(KINDS_BY_WORD).flatMap((kind): [string, Json, string][] => [
        [kind, { addresses: ["192.0.2.1/24", "192.0.2.2/99"] }, "addresses[1]"],
        [kind, { checks: [{ ping: "192.0.2.1" }, { ping: "x y" }] }, "checks[1].ping"],
        [kind, { checks: [{ ping: "192.0.2.1", from: { host: {} } }] }, "checks[0].from.host.address"],
        [kind, { checks: [{ tcp: "192.0.2.1:99999" }] }, "checks[0].tcp"],
      ]),
      [
        "macvlan",
        { mode: "source", sourceMacAddresses: ["02:00:00:00:00:01", "x"] },
        "sourceMacAddresses[1]",
      ],
      ["vlan", { ingressQosMap: [{ from: 9, to: 1 }] }, "ingressQosMap[0].from"],
      ["vlan", { egressQosMap: [{ from: 1, to: 9 }] }, "egressQosMap[0].to"],
      ["bond", { ports: ["eth0", "a name that is too long"] }, "ports[1]"],
      ["bond", { ports: [{ name: "eth0", hairpin: true }] }, "ports[0].hairpin"],
      ["bond", { arpInterval: 100, arpIpTargets: ["192.0.2.1", "x"] }, "arpIpTargets[1]"],
      ["bridge", { ports: [{ name: "eth0", hairpin: "yes" }] }, "ports[0].hairpin"],
      ["bridge", { ports: [{ name: "eth0", vlans: [{ vid: 5000 }] }] }, "ports[0].vlans[0].vid"],
      ["bridge", { ports: [{ hairpin: true }] }, "ports[0].name"],
      ["bridge", { ports: [{ name: "bond0.10" }] }, "ports[0].name"],
      ["bridge", { vlans: [{ vid: 10 }, { vid: 10, pvid: 1 }] }, "vlans[1].pvid"],
    ];
    for (const [kind, given, path] of wrong) {
      assert.deepEqual(pathsOf(kind, given), [`${LINK}.${path}`], JSON.stringify({ kind, ...given }));
    }
  });

  it("are refused at their key if it cannot be the link's name, and at their name if they have one", () => {
    const paths = (links: Json): unknown[] =>
      hostLinks.check({ ...GIVEN, links }, undefined).issues.map(({ property }) => property);
    const long = { kind: "macvlan", parent: "eth0" };
    assert.deepEqual(paths({ "longer-than-15-bytes": long }), ['links["longer-than-15-bytes"]']);
    assert.deepEqual(paths({ a: { ...long, name: "longer-than-15-bytes" } }), ["links.a.name"]);
    assert.deepEqual(paths({ "longer-than-15-bytes": { ...long, name: "a" } }), []);
  });

  it("are refused with the word that was probably meant", () => {
    for (const [links, more, word] of [
      [{ web: { kind: "macvlan", parent: "eth0", adresses: [] } }, {}, "addresses"],
      [{ web: { kind: "macvlam", parent: "eth0" } }, {}, '"macvlan"'],
      [{ web: { kind: "HostShim", parent: "eth0" } }, {}, '"shim"'],
      [{}, { persists: true }, "persist"],
    ] as const) {
      const [first, ...others] = hostLinks.check({ ...GIVEN, ...more, links }, undefined).issues;
      assert.ok(first?.reason.endsWith(`did you mean ${word}?`), first?.reason);
      assert.deepEqual(others, []);
    }
  });

  it("have options for what stands beside them in each link, where the state has it", () => {
    const links = { web: { kind: "macvlan", parent: "eth0" } };
    const reasons = (more: Json): string[] =>
      hostLinks.check({ ...GIVEN, links, mtu: 1477, ...more }, undefined).issues.map(({ reason }) => reason);
    for (const option of ["__ignored", "__replaceOnChanges"]) {
      const [reason = "", ...others] = reasons({ [option]: ["mtu", "links.web.mtu", "links", "*", "host"] });
      assert.ok(reason.endsWith(" links[*].mtu"), reason);
      assert.deepEqual(others, []);
    }
  });

  it("exchange VLANs, names and MAC addresses in one transaction", () => {
    const child = (parent: string, mac: string, name: string): Json => ({
      ...{ kind: "macvlan", parent, name, macAddress: `02:00:5e:00:53:0${mac}` },
    });
    const links = (ids: readonly number[], macs: string, names: readonly string[]): Json => ({
      t0: { kind: "vlan", parent: "eth0", vlanId: ids[0] },
      t1: { kind: "vlan", parent: "eth0", vlanId: ids[1] },
      a: child("t0", macs[0] ?? "", names[0] ?? ""),
      b: child("t0", macs[1] ?? "", names[1] ?? ""),
    });
    const before = canonical(links([10, 20], "12", ["a", "b"]));
    const made = outcome(BARE, transaction(BARE, undefined, before).plan);
    for (const now of [
      links([20, 10], "12", ["a", "b"]),
      links([10, 20], "21", ["a", "b"]),
      links([20, 10], "21", ["b", "a"]),
    ]) {
      const inputs = canonical(now, {}, before);
      const planned = transaction(made, before, inputs);
      assert.deepEqual(issuesOf(planned.parts), []);
      const after = outcome(made, planned.plan);
      assert.deepEqual(transaction(after, inputs, inputs).plan.differences, []);
      assertUndoes(made, planned.plan);
      let state = made;
      for (const { step } of planned.plan.steps) {
        state = simulate(state, step);
        // the kernel has each VLAN of a link once, and each name
        const keys = state.links.map((l) =>
          l.kind === "vlan" ? `${l.parent} ${l.settings["type.id"] ?? ""}` : l.name,
        );
        assert.equal(new Set(keys).size, keys.length, JSON.stringify(step));
      }
    }
  });

  it("give a bond that an undo makes again the address that it had, before its port is back", () => {
    const before = canonical({
      bond0: { kind: "bond", mode: "active-backup", ports: ["eth1"] },
      web: { kind: "macvlan", parent: "eth0" },
    });
    const made = outcome(BARE, transaction(BARE, undefined, before).plan);
    const address = findLink(made, { name: "bond0", netns: "" })?.settings["link.address"];
    assert.ok(address);
    const now = canonical({ web: { kind: "macvlan", parent: "eth0" } }, {}, before);
    const { plan } = transaction(made, before, now);
    const again = plan.steps
      .flatMap(({ undo }) => undo)
      .flatMap((step) => (step.do === "addLink" ? [step.settings["link.address"]] : []));
    assert.deepEqual(again, [address]);
  });

  it("leave the link of another program in place of one that leaves, and no record", () => {
    const before = canonical({
      web: { kind: "macvlan", parent: "eth0" },
      api: { kind: "macvlan", parent: "eth1" },
    });
    const made = outcome(BARE, transaction(BARE, undefined, before).plan);
    const web = findLink(made, { name: "web", netns: "" });
    assert.ok(web);
    for (const kind of ["bridge", "macvlan"]) {
      const other: LinkState = { ...web, kind, ifIndex: 77 };
      const state = { ...made, links: [...made.links.filter((l) => l !== web), other] };
      const now = canonical({ api: { kind: "macvlan", parent: "eth1" } }, {}, before);
      const after = outcome(state, transaction(state, before, now).plan);
      assert.equal(findLink(after, web), other);
      assert.deepEqual(
        after.records.map(({ name }) => name),
        ["api"],
      );
    }
  });

  it("take no link of others along, unless that link is forced to, and may take each other along", () => {
    const tag = { kind: "vlan", parent: "eth0", vlanId: 10 };
    const web = { kind: "macvlan", parent: "tag" };
    const before = canonical({ tag, web });
    const made = outcome(BARE, transaction(BARE, undefined, before).plan);
    const lostIn = (state: HostState, now: Json): readonly unknown[] => {
      const { removals, parts } = transaction(state, before, canonical(now, {}, before));
      return [...removals, ...parts].flatMap(({ known, harm }) =>
        harm === undefined ? [] : [[known.name, harm]],
      );
    };
    const other = { ...made, links: [...made.links, macvlan("theirs", { parent: "tag" })] };
    for (const now of [{}, { tag: { ...tag, vlanId: 20 }, web }]) {
      assert.deepEqual(lostIn(made, now), []);
      assert.deepEqual(lostIn(other, now), [["tag", "the macvlan theirs is deleted with tag"]]);
    }
    // a link of others is left to them, even if the program needs its place
    const alike = lostIn(other, { tag: { ...tag, vlanId: 20 }, web, theirs: web });
    assert.deepEqual(alike, [["tag", "the macvlan theirs is deleted with tag"]]);
  });

  it("pass addresses on from port to master to its master, and back, and leave them there in the next update", () => {
    const takes = { takeOverAddresses: true };
    const before = canonical({
      bond0: { kind: "bond", mode: "active-backup", ports: ["eth1"], ...takes, persist: true },
      br0: { kind: "bridge", ports: ["bond0"], ...takes, persist: true },
    });
    const made = outcome(HOST, transaction(HOST, undefined, before).plan);
    const has = (name: string): unknown => findLink(made, { name, netns: "" })?.addresses.length;
    assert.deepEqual(["eth1", "bond0", "br0"].map(has), [0, 0, 2]);
    assert.deepEqual(transaction(made, before, before).plan.steps, []);
    assert.deepEqual(transaction(made, undefined, before).plan.steps, []);
    const { plan } = transaction(made, before, canonical({}, {}, before));
    assert.deepEqual(comparable(outcome(made, plan)), comparable(HOST));
  });

  it("come in an order in which they can be created, and otherwise in that of the program", () => {
    const links = [
      { name: "web", parent: "bond0.10" },
      { name: "shim", parent: "eth0", routes: [{ source: "192.0.2.1" }] },
      { name: "bond0.10", parent: "bond0" },
      { name: "br0", ports: [{ name: "eth1" }], addresses: ["192.0.2.1/24"] },
      { name: "bond0" },
    ];
    const { order, circular } = inDependencyOrder(links, (link) => link);
    assert.deepEqual(
      order.map(({ name }) => name),
      ["bond0", "bond0.10", "web", "br0", "shim"],
    );
    assert.equal(circular, undefined);
    // a source is where the order stays as it is, rather than a circle
    const circle = [
      { name: "a", addresses: ["192.0.2.1/24"], routes: [{ source: "192.0.2.2" }] },
      { name: "b", parent: "a", addresses: ["192.0.2.2/24"] },
    ];
    assert.equal(inDependencyOrder(circle, (link) => link).circular, undefined);
    assert.equal(
      inDependencyOrder(
        [
          { name: "a", parent: "b" },
          { name: "b", parent: "a" },
        ],
        (link) => link,
      ).circular?.name,
      "b",
    );
  });

  /** Two links never have the same address at the same time: `check` refuses that. */
  const child = (parents: readonly string[], addresses: readonly string[]): fc.Arbitrary<Json> =>
    fc.record(
      {
        kind: fc.constantFrom("macvlan", "macvtap", "ipvlan"),
        parent: fc.constantFrom(...parents),
        netns: fc.constantFrom("red", "green"),
        mtu: fc.constantFrom(1500, 1400),
        addresses: fc.uniqueArray(fc.constantFrom(...addresses), { maxLength: 2 }),
        alias: fc.constantFrom("", "web"),
        up: fc.boolean(),
      },
      { requiredKeys: ["kind", "parent"] },
    );
  const PARENTS = ["eth0", "lag", "tag"] as const;
  /** Links that can sit on each other, under keys that are their names, or that swap them. */
  const SETS = [
    ["192.0.2.10/24", "2001:db8::1/64"],
    ["192.0.2.11/24", "2001:db8::2/64"],
  ] as const;
  const links: fc.Arbitrary<Json> = fc
    .constantFrom(SETS, [SETS[1], SETS[0]] as const)
    .chain((own) =>
      fc.record(
        {
          lag: fc.oneof(
            fc.record({
              kind: fc.constant("bridge"),
              ports: fc.constantFrom([], ["eth1"]),
              addresses: fc.constantFrom([], ["192.0.2.1/24"]),
            }),
            fc.record({
              kind: fc.constant("bond"),
              mode: fc.constantFrom("active-backup", "balance-xor"),
              ports: fc.constantFrom([], ["eth1"]),
            }),
          ),
          tag: fc.record({
            kind: fc.constant("vlan"),
            parent: fc.constantFrom("eth0", "lag"),
            vlanId: fc.constantFrom(10, 20),
          }),
          a: child(PARENTS, own[0]),
          b: child(PARENTS, own[1]),
          shim: fc.record({
            kind: fc.constant("shim"),
            parent: fc.constantFrom(...PARENTS),
            routes: fc.constantFrom([], ["192.0.2.10/32"]),
          }),
        },
        { requiredKeys: [] },
      ),
    )
    .chain((map) =>
      fc
        .boolean()
        .map((swaps): Json =>
          swaps && "a" in map && "b" in map
            ? { ...map, a: { ...map.a, name: "b" }, b: { ...map.b, name: "a" } }
            : map,
        ),
    );

  it("change from any to any others in one transaction, and back by its undo", () => {
    let done = 0;
    fc.assert(
      fc.property(fc.array(links, { minLength: 1, maxLength: 3 }), (maps) => {
        let state = BARE;
        let before: Json | undefined;
        for (const map of [...maps, {}]) {
          const checked = hostLinks.check({ ...GIVEN, links: map }, before);
          if (checked.issues.length > 0) continue;
          const { inputs } = checked;
          const planned = transaction(state, before, inputs);
          // what the host or the kernel refuses is said before anything is touched
          if (issuesOf(planned.parts).length > 0) continue;
          const after = outcome(state, planned.plan);
          assert.deepEqual(
            transaction(after, before, inputs).plan.steps.map(({ step }) => step),
            [],
          );
          assert.deepEqual(transaction(after, inputs, inputs).plan.differences, []);
          assertUndoes(state, planned.plan);
          state = after;
          before = inputs;
          done += 1;
        }
        assert.deepEqual(comparable(state), comparable(BARE));
      }),
      { numRuns: 200 },
    );
    assert.ok(done > 300, `${done} transactions`);
  });
});
