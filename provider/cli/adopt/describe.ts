import { knownInputs, planContextFrom, planOrIssues, problemsOf } from "../../engine/planning";
import { commandsOf, describeCommand, isNote } from "../../iproute2/commands";
import { type AnyKind, KINDS } from "../../kinds";
import { BOND_BINDINGS } from "../../kinds/bond";
import { checkInputs } from "../../kinds/check-inputs";
import type { CommonInputs, Json } from "../../kinds/kind";
import { type HostState, type LinkState, findLink, recordOf } from "../../model/host";
import type { Observation } from "../../model/observation";
import { describeLink } from "../../plan/differences";
import { BOND_OPTIONS, permanentMac, portsOf } from "../../plan/kernel/bond";
import { kernelDefaults } from "../../plan/kernel/defaults";
import { isChild, isHostShim } from "../links";

/** A resource of the program to be. */
export interface Described {
  /** Name of the resource class. */
  readonly type: string;
  /** The resource's name, unique among all that were described with the same `names`. */
  readonly resource: string;
  /** Its arguments without the host, in the order in which they are to be read. */
  readonly args: Json;
  /** What of the link is not in the arguments, and why. */
  readonly notes: readonly string[];
}

export interface Description {
  readonly resources: readonly Described[];
  /** Links that no resource describes: `docker0: none of its ports has hairpin on`. */
  readonly left: readonly string[];
}

export interface DescribeOptions {
  /** Bridges without a hairpin port, VLANs and bonds, too. */
  readonly all: boolean;
  /** Names of resources that are taken. Those that are given here are added. */
  readonly names: Set<string>;
  /** Comes before each name, where several hosts are one program. */
  readonly prefix: string;
}

/** Describes all macvlans, macvtaps and ipvlans, and the bridges that send frames back. `host` is as a program gives it. */
export function describeHost(host: string, now: Observation, options: DescribeOptions): Description {
  const resources: Described[] = [];
  const left: string[] = [];
  for (const link of inOrder(now.state.links)) {
    const label = link.netns === "" ? describeLink(link) : `${describeLink(link)} in ${link.netns}`;
    const found = describeOne(host, link, now, options);
    if (found === undefined) continue;
    if (typeof found === "string") left.push(`${label}: ${found}`);
    else {
      const resource = freeName(link, options);
      resources.push({ ...found, resource });
    }
  }
  return { resources, left };
}

/** Parents first and shims last, as a person would write them. */
function inOrder(links: readonly LinkState[]): LinkState[] {
  const parents = ["bond", "vlan", "bridge"];
  const rank = (l: LinkState): number =>
    parents.includes(l.kind) ? parents.indexOf(l.kind) : parents.length + (isHostShim(l) ? 1 : 0);
  return links.toSorted((a, b) => rank(a) - rank(b));
}

/** The resource, why there is none, or undefined for a link that is none of our business. */
function describeOne(
  host: string,
  link: LinkState,
  now: Observation,
  { all }: DescribeOptions,
): Omit<Described, "resource"> | string | undefined {
  const record = recordOf(now.state, link);
  if (link.kind === "ipvtap") return `there is no resource for ${link.kind}`;
  const isUplink = link.kind === "vlan" || link.kind === "bond";
  if (isUplink ? !all : !isChild(link) && link.kind !== "bridge") return undefined;
  if (record) return `belongs to the stack ${record.owner} (resource ${record.resource}) already`;
  if ((link.kind === "bridge" || link.kind === "bond") && link.netns !== "") {
    return `is a ${link.kind} in another namespace than the host's own`;
  }
  if (link.kind === "bond") {
    return checked(host, "Bond", link, now, bondShape(link, portsOf(now.state, link.name)));
  }
  if (link.kind === "bridge") {
    const ports = portsOf(now.state, link.name).filter((p) => all || p.settings["port.hairpin"] === "on");
    if (ports.length === 0 && !all) return "none of its ports has hairpin on";
    return checked(host, "HairpinBridge", link, now, bridgeShape(ports));
  }
  if (link.parent === "") return "its parent is in no namespace that can be seen";
  const place = { parent: link.parent, ...(link.netns === "" ? {} : { netns: link.netns }) };
  if (link.kind === "vlan") {
    const below = findLink(now.state, { name: link.parent, netns: "" })?.settings["link.address"];
    const own = below === link.settings["link.address"] ? {} : { macAddress: "" };
    return checked(host, "VlanInterface", link, now, { ...VLAN_SHAPE, ...place, ...own });
  }
  const shape = { ...CHILD_SHAPE, ...place };
  if (link.kind === "ipvlan") return checked(host, "IpvlanInterface", link, now, { ...shape, flag: "" });
  const macvlan = { ...shape, macAddress: "" };
  return isHostShim(link)
    ? checked(host, "HostShim", link, now, { ...macvlan, arp: "exclusive" })
    : checked(host, CLASS_OF[link.kind] ?? "", link, now, { ...macvlan, ...ONLY_MACVLAN });
}

/** Every property that a kind can tell of a link: which ones are there is what counts, not their values. */
const LINK_SHAPE: Json = { mtu: 0, alias: "", txQueueLength: 0, addresses: [], up: true };
const CHILD_SHAPE: Json = { ...LINK_SHAPE, mode: "", routes: [] };
const CLASS_OF: Readonly<Record<string, string>> = {
  macvlan: "MacvlanInterface",
  macvtap: "MacvtapInterface",
};
const ONLY_MACVLAN: Json = {
  sourceMacAddresses: [],
  noPromisc: false,
  nodst: false,
  broadcastQueueLength: 0,
};
const VLAN_FLAGS: Json = {
  ...{ reorderHeader: true, gvrp: false, mvrp: false, looseBinding: false, bridgeBinding: false },
  ...{ ingressQosMap: [], egressQosMap: [] },
};
const VLAN_SHAPE: Json = { ...LINK_SHAPE, ...VLAN_FLAGS, vlanId: 0, protocol: "", routes: [] };
const PORT_SHAPE: Json = { hairpin: true, isolated: false, learning: true, flood: true, mcastFlood: true };

function bridgeShape(ports: readonly LinkState[]): Json {
  return {
    ...LINK_SHAPE,
    ports: ports.map(({ name }) => ({ name, ...PORT_SHAPE, guard: false, rootBlock: false, priority: 0 })),
    ...{ stp: false, priority: 0, forwardDelay: 0, helloTime: 0, maxAge: 0, ageingTime: 0 },
    ...{ vlanFiltering: false, mcastSnooping: true },
  };
}

/** The options that a bond has in its mode, and its MAC address where neither a port nor chance has given it that. */
function bondShape(bond: LinkState, ports: readonly LinkState[]): Json {
  const has = BOND_BINDINGS.filter(({ key }) => key.startsWith("type.") && bond.settings[key] !== undefined);
  const isOwn =
    ports.length > 0 && ports.every((port) => permanentMac(port) !== bond.settings["link.address"]);
  return {
    ...LINK_SHAPE,
    ...Object.fromEntries(has.map(({ property }) => [property, ""])),
    ports: ports.map(({ name }) => ({ name })),
    ...(isOwn ? { macAddress: "" } : {}),
  };
}

const BOND_DEFAULTS: Json = Object.fromEntries(
  BOND_OPTIONS.flatMap(({ word, kernelDefault }) =>
    BOND_BINDINGS.filter(({ key }) => key === `type.${word}` && word !== "mode").flatMap((binding) =>
      Object.entries(binding.decode(kernelDefault)),
    ),
  ),
);

/** Values of a fresh link (net/bridge/br_device.c, br_if.c; drivers/net/macvlan.c; net/8021q): they need not be said. */
const KERNEL_DEFAULTS: Json = {
  ...{ alias: "", up: true, addresses: [], routes: [], mode: "bridge" },
  ...{ noPromisc: false, nodst: false, broadcastQueueLength: 1000, sourceMacAddresses: [], arp: "exclusive" },
  ...{ flag: "bridge" },
  ...{ stp: false, priority: 32_768, forwardDelay: 15, helloTime: 2, maxAge: 20, ageingTime: 300 },
  ...{ vlanFiltering: false, mcastSnooping: true },
  ...{ ...VLAN_FLAGS, protocol: "802.1Q" },
  ...BOND_DEFAULTS,
};
const PORT_DEFAULTS: Json = { ...PORT_SHAPE, guard: false, rootBlock: false, priority: 32 };

/** The resource of a link, provided that adopting it runs nothing. */
function checked(
  host: string,
  type: string,
  link: LinkState,
  now: Observation,
  shape: Json,
): Omit<Described, "resource"> | string {
  const kind = KINDS[type];
  if (!kind) throw new Error(`there is no kind ${type}`);
  const place = { host, name: link.name, ...(link.netns === "" ? {} : { netns: link.netns }) };
  const all = { ...shape, ...kind.readInputs({ ...shape, ...place } as unknown as CommonInputs, now) };
  const { args, notes } = valid(
    kind,
    inReadingOrder({ ...place, ...worthSaying(all, link, now.state), adopt: true }),
  );
  if (args === undefined) return notes.join("; ");
  const given = { ...args, __owner: "", __resource: link.name };
  const known = knownInputs(checkInputs(kind, given, undefined).inputs, []);
  const context = planContextFrom(given, now, undefined, () => false);
  const planned = planOrIssues(kind, known, context);
  const [{ steps: planSteps }, noPlan] = "steps" in planned ? [planned, []] : [{ steps: [] }, planned];
  const problems = [...problemsOf(kind, known, context), ...noPlan].map((p) => `${p.property}: ${p.reason}`);
  if (problems.length > 0) return problems.join("; ");
  const steps = planSteps.flatMap(({ step }) => commandsOf(step, now.facts.portTool));
  const run = steps.filter((c) => !isNote(c)).map(describeCommand);
  if (run.length > 0) return `adopting it would run: ${run.join("; ")}`;
  const { host: _, ...rest } = args;
  return { type, args: rest, notes: [...notes, ...dynamicNote(link)] };
}

/** What says most of a link comes first; what is not here comes after, and `adopt` last. */
const ORDER = [
  "host",
  "name",
  "netns",
  "parent",
  "vlanId",
  "mode",
  "ports",
  "macAddress",
  "mtu",
  "addresses",
  "routes",
];

function inReadingOrder(args: Json): Json {
  const rank = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  return Object.fromEntries(Object.entries(args).toSorted(([a], [b]) => rank(a) - rank(b)));
}

function worthSaying(all: Json, link: LinkState, state: HostState): Json {
  const parent = findLink(state, { name: link.parent, netns: "" });
  const usual = ["bridge", "bond"].includes(link.kind) ? "1500" : (parent?.settings["link.mtu"] ?? "");
  const isKernelDefault = ([key, value]: [string, unknown]): boolean =>
    key === "mtu"
      ? String(value) === usual
      : key === "txQueueLength"
        ? value === Number(kernelDefaults(link.kind)["link.txqueuelen"] ?? 1000)
        : JSON.stringify(value) === JSON.stringify(KERNEL_DEFAULTS[key]);
  const isReported = (key: string): boolean =>
    // the kernel gives these of itself: the parent's in passthru, 0 where a kernel knows no queue of that kind
    (key !== "macAddress" || all["mode"] !== "passthru") &&
    (key !== "broadcastQueueLength" || all["broadcastQueueLength"] !== 0);
  const told = Object.entries(all).filter((entry) => !isKernelDefault(entry) && isReported(entry[0]));
  return Object.fromEntries(told.map(([key, value]) => [key, shortened(key, value)]));
}

/** Ports and routes of which one field says all are that field's text. */
function shortened(key: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = value as readonly Json[];
  if (key === "ports") return items.map(shortPort);
  return key === "routes" ? items.map((r) => (Object.keys(r).length === 1 ? r["to"] : r)) : value;
}

/** A port as a person writes it: its name alone where only hairpin is to be said, or nothing. */
function shortPort(port: Json): Json | string {
  const told = Object.entries(port).filter(([key, value]) => value !== PORT_DEFAULTS[key]);
  const { name, ...options } = Object.fromEntries(told);
  return Object.keys(options).length === 0 ? String(name) : { name, ...options };
}

/** Leaves out what the schema refuses: what is not given is left as it is. */
function valid(kind: AnyKind, given: Json): { args: Json | undefined; notes: string[] } {
  let args = given;
  const notes: string[] = [];
  for (;;) {
    const { issues } = checkInputs(kind, { ...args, __owner: "", __resource: "x" }, undefined);
    const [issue] = issues;
    if (!issue) return { args, notes };
    const property = issue.property.split(/[.[]/)[0] ?? "";
    const needed = [...kind.identifying, ...kind.required, "name"].includes(property);
    if (needed || !(property in args)) {
      return { args: undefined, notes: [`${issue.property} ${issue.reason}`] };
    }
    notes.push(`${property} is left as it is: ${issue.property} ${issue.reason}`);
    args = Object.fromEntries(Object.entries(args).filter(([key]) => key !== property));
  }
}

function dynamicNote(link: LinkState): string[] {
  const dynamic = link.details["dynamic"] ?? "";
  return dynamic === "" ? [] : [`${dynamic} is by DHCP, and stays the client's`];
}

function freeName(link: LinkState, { names, prefix }: DescribeOptions): string {
  const wishes = [link.name, `${link.netns || "host"}-${link.name}`];
  const numbered = (n: number): string => `${prefix}${link.name}-${n}`;
  let name = wishes.map((wish) => prefix + wish).find((wish) => !names.has(wish));
  for (let n = 2; name === undefined; n++) if (!names.has(numbered(n))) name = numbered(n);
  names.add(name);
  return name;
}
