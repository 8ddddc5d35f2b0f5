/** What follows from the tables of properties, for all kinds. The types below are tests, too: they compile or not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { KINDS } from "../../../provider/kinds";
import type {
  BondArgs,
  BondOutputs,
  BridgeArgs,
  BridgeOutputs,
  IpvlanArgs,
  IpvlanOutputs,
  LinkOutputs,
  MacvlanArgs,
  MacvlanOutputs,
  MacvtapArgs,
  MacvtapOutputs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../../../provider/kinds/args";
import type { bond, BondInputs } from "../../../provider/kinds/bond";
import type { bridge, BridgeInputs } from "../../../provider/kinds/bridge";
import { checkInputs, visibleInputs } from "../../../provider/kinds/check-inputs";
import type { ipvlan, IpvlanInputs } from "../../../provider/kinds/ipvlan";
import type { CommonInputs, Json, Kind } from "../../../provider/kinds/kind";
import type { macvlan, MacvlanInputs } from "../../../provider/kinds/macvlan";
import type { macvtap } from "../../../provider/kinds/macvtap";
import type { shim, ShimInputs } from "../../../provider/kinds/shim";
import type { vlan, VlanInputs } from "../../../provider/kinds/vlan";

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** Properties that canonical inputs of every kind may have by their type, and only some kinds by their table. */
type OfSome = "netns" | "maxMacs" | "macAddress";

/** A program may give what the table has, nothing else, and the canonical form is one that it may give. */
type Takes<Args, Inputs> = [Exclude<keyof Args, keyof Inputs>] extends [never]
  ? [Exclude<keyof Inputs, keyof Args | OfSome>] extends [never]
    ? Inputs extends Omit<Frozen<Args>, "ports">
      ? true
      : "a canonical form that no program may give"
    : ["not among the arguments", Exclude<keyof Inputs, keyof Args | OfSome>]
  : ["not in the table", Exclude<keyof Args, keyof Inputs>];

type OwnOf<K> = K extends Kind<CommonInputs, infer O> ? O : never;

/** All outputs that programs see are given by the kind, or are inputs; and the kind gives none of another type. */
type Tells<Outputs, K, Inputs> = [
  Exclude<keyof Outputs, keyof OwnOf<K> | keyof LinkOutputs | keyof Inputs>,
] extends [never]
  ? [Exclude<keyof OwnOf<K>, keyof Outputs>] extends [never]
    ? OwnOf<K> extends Frozen<Pick<Outputs, keyof OwnOf<K> & keyof Outputs>>
      ? true
      : "another type than programs see"
    : ["not among the outputs", Exclude<keyof OwnOf<K>, keyof Outputs>]
  : ["not told", Exclude<keyof Outputs, keyof OwnOf<K> | keyof LinkOutputs | keyof Inputs>];

const HELD: readonly true[] = [
  true satisfies Takes<VlanArgs, VlanInputs>,
  true satisfies Takes<MacvlanArgs, MacvlanInputs>,
  true satisfies Takes<MacvtapArgs, MacvlanInputs>,
  true satisfies Takes<IpvlanArgs, IpvlanInputs>,
  true satisfies Takes<ShimArgs, ShimInputs>,
  true satisfies Takes<BridgeArgs, BridgeInputs>,
  true satisfies Takes<BondArgs, BondInputs>,
  true satisfies Tells<VlanOutputs, typeof vlan, VlanInputs>,
  true satisfies Tells<MacvlanOutputs, typeof macvlan, MacvlanInputs>,
  true satisfies Tells<MacvtapOutputs, typeof macvtap, MacvlanInputs>,
  true satisfies Tells<IpvlanOutputs, typeof ipvlan, IpvlanInputs>,
  true satisfies Tells<ShimOutputs, typeof shim, ShimInputs>,
  true satisfies Tells<BridgeOutputs, typeof bridge, BridgeInputs>,
  true satisfies Tells<BondOutputs, typeof bond, BondInputs>,
];

const name = fc.constantFrom("eth0", "eth1", "eth2", "br0");
const byte = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(byte, byte).map(([a, b]) => `198.18.${a}.${b}`);
const ipv6 = fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:DB8:0:0::${n.toString(16)}`);
const mac = byte.map((b) => `02-00-5E-00-53-${b.toString(16).padStart(2, "0").toUpperCase()}`);
const route = fc.oneof(
  ipv4,
  ipv6,
  fc.constantFrom("default", "::/0"),
  fc.record({ to: ipv4, metric: fc.nat(3), via: ipv4 }, { requiredKeys: ["to"] }),
  fc.record({ to: ipv6, metric: fc.constantFrom(0, 7, 1024) }, { requiredKeys: ["to"] }),
);
const qosMap = fc.array(fc.record({ from: fc.nat(7), to: fc.nat(7) }), { maxLength: 3 });

const vid = fc.oneof(
  fc.integer({ min: 1, max: 30 }),
  fc.integer({ min: 1, max: 30 }).map((n) => `${n}-${n + 3}`),
  fc.constantFrom("4094", "7-7"),
);
const vlans = fc.array(
  fc.oneof(
    vid,
    fc.record({ vid, untagged: fc.boolean() }),
    fc.record({ vid: fc.integer({ min: 1, max: 30 }), pvid: fc.boolean(), untagged: fc.boolean() }),
  ),
  { maxLength: 3 },
);

const check = fc
  .tuple(
    fc.oneof(
      fc.record({ ping: fc.oneof(ipv4, ipv6) }),
      fc.record({ arp: ipv4 }),
      fc.record({
        tcp: fc.oneof(
          ipv4.map((ip) => `${ip}:443`),
          ipv6.map((ip) => `[${ip}]:0443`),
        ),
      }),
      fc.record({ http: fc.constantFrom("http://192.0.2.1", "https://WWW.example.com/a b'?c=d") }),
      fc.record({ dns: fc.constantFrom("www.example.com", "www.example.com@2001:DB8::53") }),
      fc.record({ command: fc.constantFrom(" true\n", "test \"$X\" = 'y'") }),
    ),
    fc.record({ within: fc.constantFrom(1, 2.5), required: fc.boolean() }, { requiredKeys: [] }),
    fc.record(
      {
        from: fc.constantFrom(
          "link",
          "host",
          { host: "ops@node2", link: "web" },
          { host: { address: "node2" } },
        ),
      },
      { requiredKeys: [] },
    ),
  )
  .map((parts) => Object.assign({}, ...parts) as object);

/** What programs give of each property, in forms that are not canonical as well. */
const GIVEN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  host: fc.constantFrom("ops@node1.example:2222", { address: "192.0.2.1", jump: "root@gate" }),
  name: fc.constantFrom("web", "mac0"),
  mtu: fc.integer({ min: 1280, max: 9000 }),
  macAddress: mac,
  addresses: fc.array(
    fc.oneof(
      ipv4.map((ip) => `${ip}/16`),
      ipv6.map((ip) => `${ip}/64`),
    ),
    { maxLength: 3 },
  ),
  alias: fc.constantFrom("", "the web's"),
  txQueueLength: fc.nat(2000),
  duplicateAddressDetection: fc.constantFrom("off", "warn", "error"),
  checks: fc.uniqueArray(check, { maxLength: 3, selector: (one) => JSON.stringify(one) }),
  parent: name,
  netns: fc.constantFrom("blue", "red"),
  routes: fc.array(route, { maxLength: 3 }),
  maxMacs: fc.integer({ min: 1, max: 100 }),
  vlanId: fc.nat(4094),
  protocol: fc.constantFrom("802.1Q", "802.1ad"),
  ingressQosMap: qosMap,
  egressQosMap: qosMap,
  sourceMacAddresses: fc.array(mac, { maxLength: 3 }),
  broadcastQueueLength: fc.nat(2000),
  broadcastQueueThreshold: fc.integer({ min: -1, max: 100 }),
  flag: fc.constantFrom("bridge", "private", "vepa"),
  arp: fc.constantFrom("exclusive", "kernel"),
  vlans,
  vlanDefaultPvid: fc.nat(4094),
  forwardDelay: fc.integer({ min: 2, max: 30 }),
  helloTime: fc.integer({ min: 1, max: 10 }),
  maxAge: fc.constantFrom(6, 20.5),
  ageingTime: fc.nat(1000),
  priority: fc.nat(65_535),
  miimon: fc.constant(100),
  updelay: fc.constantFrom(100, 200),
  downdelay: fc.constantFrom(0, 200),
  arpInterval: fc.constant(0),
  arpIpTargets: fc.array(ipv4, { maxLength: 3 }),
  arpValidate: fc.constant("none"),
  arpAllTargets: fc.constantFrom("any", "all"),
  primary: fc.constant(""),
  primaryReselect: fc.constantFrom("always", "better"),
  failOverMac: fc.constantFrom("none", "active"),
  xmitHashPolicy: fc.constantFrom("layer2", "layer3+4"),
  lacpRate: fc.constantFrom("slow", "fast"),
  adSelect: fc.constantFrom("stable", "count"),
  minLinks: fc.nat(255),
  numPeerNotifications: fc.nat(255),
};

/** What differs from kind to kind. */
const OF_KIND: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<unknown>>>>> = {
  MacvlanInterface: { mode: fc.constantFrom("bridge", "vepa", "private", "passthru", "source") },
  MacvtapInterface: { mode: fc.constantFrom("bridge", "vepa", "private", "passthru", "source") },
  HostShim: { mode: fc.constantFrom("bridge", "vepa") },
  IpvlanInterface: { mode: fc.constantFrom("l2", "l3", "l3s") },
  Bond: {
    mode: fc.constantFrom("active-backup", "802.3ad", "balance-rr"),
    ports: fc.uniqueArray(name, { maxLength: 3 }),
  },
  HairpinBridge: {
    ports: fc.uniqueArray(
      fc.oneof(
        name,
        fc.record(
          { name, hairpin: fc.boolean(), cost: fc.integer({ min: 1, max: 9 }), vlans },
          { requiredKeys: ["name"] },
        ),
      ),
      { maxLength: 3, selector: (port) => (typeof port === "string" ? port : port.name) },
    ),
  },
};

/** Of a bond's inputs one in forty is valid: with 1,000 runs, there were once only 17. */
const RUNS = 4000;

describe("the properties of kinds", () => {
  it("are those of the arguments and the outputs, by their types", () => {
    assert.equal(HELD.length, 14);
  });

  for (const [type, kind] of Object.entries(KINDS)) {
    const check = (given: Json): ReturnType<typeof checkInputs> =>
      checkInputs(kind, { ...given, __owner: "fleet/dev", __resource: "web" }, undefined);

    it(`of ${type} have canonical forms that are accepted as inputs, and stay as they are`, () => {
      const arbitraries = Object.fromEntries(
        Object.keys(kind.schema).map((key) => [key, OF_KIND[type]?.[key] ?? GIVEN[key] ?? fc.boolean()]),
      );
      let taken = 0;
      fc.assert(
        fc.property(fc.record(arbitraries, { requiredKeys: [...kind.required] }), (given) => {
          const first = check(given);
          if (first.issues.length > 0) return;
          taken += 1;
          const { label, ...canonical } = visibleInputs(first.inputs);
          const again = check(canonical);
          assert.deepEqual(again.issues, []);
          assert.deepEqual(visibleInputs(again.inputs), { ...canonical, label });
        }),
        { numRuns: RUNS },
      );
      assert.ok(taken > 20, `only ${taken} of ${RUNS} were inputs that are taken`);
    });

    it(`of ${type} have defaults and kernel defaults that are canonical`, () => {
      for (const [key, property] of Object.entries({ ...kind.properties, ...kind.portProperties })) {
        const { schema, default: ours, kernelDefault, form } = property;
        if (ours !== undefined) assert.deepEqual(schema.parse(ours), ours, key);
        if (kernelDefault === undefined || form === undefined) continue;
        const value = form.decode(kernelDefault);
        assert.deepEqual(schema.parse(value), value, key);
        assert.equal(form.encode(value), kernelDefault, key);
      }
    });
  }
});
