/** Arbitrary inputs for property tests: valid ones, with everything that a kind can set. */
import fc from "fast-check";
import { type BondInputs, bond } from "../../provider/kinds/bond";
import type { BridgeInputs } from "../../provider/kinds/bridge";
import type { IpvlanInputs } from "../../provider/kinds/ipvlan";
import type { MacvlanInputs } from "../../provider/kinds/macvlan";
import { BOND_MODES } from "../../provider/plan/kernel/bond";

const host = { address: "node1" };

export const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"];

const cidrs = fc.uniqueArray(
  fc.constantFrom(
    ...["192.0.2.10/24", "192.0.2.11/24", "192.0.2.12/24", "198.51.100.7/25", "203.0.113.1/32"],
    ...["2001:db8::10/64", "2001:db8::11/64", "2001:db8:1::1/128", "2001:db8::10/80"],
  ),
  { selector: (cidr) => cidr.split("/")[0], maxLength: 5 },
);

const route = fc
  .record(
    {
      to: fc.constantFrom("192.0.2.50/32", "192.0.2.51/32", "198.51.100.128/25", "2001:db8:2::/64"),
      metric: fc.constantFrom(10, 20),
    },
    { requiredKeys: ["to"] },
  )
  .map((r) => r);

const routes = fc.uniqueArray(route, {
  selector: (r) => `${r.to} ${r.metric ?? ""}`,
  maxLength: 3,
});

/** An MTU below 1280 takes IPv6 from a link, and check refuses what needs it there. */
function withoutIPv6IfSmall<I extends { mtu?: number; addresses?: string[]; routes?: { to: string }[] }>(
  inputs: I,
): I {
  if (inputs.mtu === undefined || inputs.mtu >= 1280) return inputs;
  const { addresses, routes: given } = inputs;
  return {
    ...inputs,
    ...(addresses === undefined ? {} : { addresses: addresses.filter((a) => !a.includes(":")) }),
    ...(given === undefined ? {} : { routes: given.filter(({ to }) => !to.includes(":")) }),
  };
}

/** Inputs of a macvlan on eth0 or eth1. */
export const macvlanInputs: fc.Arbitrary<MacvlanInputs> = fc
  .record(
    {
      name: fc.constantFrom("mac0", "mac1"),
      netns: fc.constantFrom("blue", "red"),
      parent: fc.constantFrom("eth0", "eth1"),
      mode: fc.constantFrom("bridge", "vepa", "private", "passthru", "source"),
      up: fc.boolean(),
      mtu: fc.constantFrom(1500, 1400, 1300, 1200),
      macAddress: fc.constantFrom(...MACS),
      addresses: cidrs,
      alias: fc.constantFrom("", "web", "a text with spaces and 'quotes'"),
      txQueueLength: fc.constantFrom(500, 1000),
      broadcastQueueLength: fc.constantFrom(500, 1000),
      broadcastQueueThreshold: fc.constantFrom(-1, 1, 7),
      sources: fc.uniqueArray(fc.constantFrom(...MACS), { maxLength: 3 }),
      flagged: fc.boolean(),
      routes,
    },
    { requiredKeys: ["name", "parent", "mode", "up", "sources", "flagged"] },
  )
  .map(withoutIPv6IfSmall)
  .map(({ sources, flagged, routes: given, ...rest }) => ({
    host,
    ...rest,
    ...(rest.mode === "source" ? { sourceMacAddresses: sources, nodst: flagged } : {}),
    ...(given === undefined || !rest.up ? {} : { routes: given }),
  }));

/** Inputs of an ipvlan on eth0 or eth1. */
export const ipvlanInputs: fc.Arbitrary<IpvlanInputs> = fc
  .record(
    {
      host: fc.constant(host),
      name: fc.constantFrom("ipv0", "ipv1"),
      netns: fc.constantFrom("blue", "red"),
      parent: fc.constantFrom("eth0", "eth1"),
      mode: fc.constantFrom("l2", "l3", "l3s"),
      flag: fc.constantFrom("bridge", "private", "vepa"),
      up: fc.boolean(),
      mtu: fc.constantFrom(1500, 1400, 1300, 1200),
      addresses: cidrs,
      alias: fc.constantFrom("", "web"),
      txQueueLength: fc.constantFrom(500, 1000),
      routes,
    },
    { requiredKeys: ["host", "name", "parent", "mode", "flag", "up"] },
  )
  .map(withoutIPv6IfSmall)
  .map(({ routes: given, ...rest }) => ({
    ...rest,
    ...(given === undefined || !rest.up ? {} : { routes: given }),
  }));

/** In canonical form: one VLAN beside the default one of a bridge, or in its place. */
const vlans = fc.constantFrom<NonNullable<BridgeInputs["vlans"]>>(
  [],
  [{ vid: 1, pvid: true, untagged: true }],
  [{ vid: 1, untagged: true }, { vid: 10, pvid: true, untagged: true }, { vid: "20-24" }],
  [{ vid: 7, pvid: true }, { vid: "21-30" }],
);

const port = fc
  .record(
    {
      name: fc.constantFrom("eth0", "eth1"),
      hairpin: fc.boolean(),
      isolated: fc.boolean(),
      cost: fc.constantFrom(2, 100),
      vlans,
    },
    { requiredKeys: ["name", "hairpin"] },
  )
  .map((p) => p);

/** Inputs of a bridge over none, one or both of the NICs. */
export const bridgeInputs: fc.Arbitrary<BridgeInputs> = fc
  .record(
    {
      host: fc.constant(host),
      name: fc.constantFrom("br0", "br1"),
      up: fc.boolean(),
      ports: fc.uniqueArray(port, { selector: ({ name }) => name, maxLength: 2 }),
      mtu: fc.constantFrom(1500, 1400),
      macAddress: fc.constantFrom(...MACS),
      addresses: cidrs,
      stp: fc.boolean(),
      forwardDelay: fc.constantFrom(0, 2, 15),
      ageingTime: fc.constantFrom(0, 30, 300),
      vlanFiltering: fc.boolean(),
      vlanDefaultPvid: fc.constantFrom(0, 1, 7),
      vlans,
      takeOverAddresses: fc.boolean(),
    },
    { requiredKeys: ["host", "name", "up"] },
  )
  // what bridgeRules refuses
  .map(({ forwardDelay, ...rest }) =>
    forwardDelay === undefined || (forwardDelay < 2 && rest.stp !== false) ? rest : { ...rest, forwardDelay },
  );

/** Inputs of a bond over none, one or both of the NICs. */
export const bondInputs: fc.Arbitrary<BondInputs> = fc
  .record(
    {
      host: fc.constant(host),
      name: fc.constantFrom("bond0", "bond1"),
      mode: fc.constantFrom(...BOND_MODES),
      up: fc.boolean(),
      ports: fc.uniqueArray(fc.constantFrom("eth0", "eth1"), { maxLength: 2 }),
      mtu: fc.constantFrom(1500, 1400),
      macAddress: fc.constantFrom(...MACS),
      addresses: cidrs,
      takeOverAddresses: fc.boolean(),
      miimon: fc.constantFrom(0, 50, 100),
      updelay: fc.constantFrom(0, 200),
      downdelay: fc.constantFrom(0, 300),
      arpInterval: fc.constantFrom(0, 250),
      arpIpTargets: fc.constantFrom([], ["192.0.2.1"], ["192.0.2.1", "198.51.100.1"]),
      arpValidate: fc.constantFrom("none", "all"),
      arpAllTargets: fc.constantFrom("any", "all"),
      primary: fc.constantFrom("", "eth0", "eth1"),
      primaryReselect: fc.constantFrom("always", "failure"),
      failOverMac: fc.constantFrom("none", "active", "follow"),
      xmitHashPolicy: fc.constantFrom("layer2", "layer3+4"),
      lacpRate: fc.constantFrom("slow", "fast"),
      adSelect: fc.constantFrom("stable", "count"),
      minLinks: fc.constantFrom(0, 1),
      numPeerNotifications: fc.constantFrom(1, 3),
      allPortsActive: fc.boolean(),
    },
    { requiredKeys: ["host", "name", "mode", "up"] },
  )
  .map(({ ports, ...rest }): BondInputs =>
    ports === undefined ? rest : { ...rest, ports: ports.map((name) => ({ name })) },
  )
  // what delayProblems refuses: it hangs on what the bond has
  .map(({ updelay, downdelay, ...rest }) =>
    rest.miimon === undefined
      ? rest
      : {
          ...rest,
          ...(updelay === undefined ? {} : { updelay }),
          ...(downdelay === undefined ? {} : { downdelay }),
        },
  )
  .map(withoutRefused);

/** What is left when all that the rules refuse is taken out. */
function withoutRefused(inputs: BondInputs): BondInputs {
  const refused = new Set(bond.rules(inputs).map(({ property }) => property));
  const kept = Object.entries(inputs).filter(([property]) => !refused.has(property));
  return refused.size === 0 ? inputs : withoutRefused(Object.fromEntries(kept) as unknown as BondInputs);
}
