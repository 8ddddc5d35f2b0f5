import { knownInputs, planAndIssues, planContextFrom } from "../../engine/planning";
import { commandsOf, describeCommand, isNote } from "../../iproute2/commands";
import { type AnyKind, KINDS, KINDS_BY_WORD, kernelOf } from "../../kinds";
import { readBindings } from "../../kinds/bindings";
import { checkInputs } from "../../kinds/check-inputs";
import type { Json } from "../../kinds/kind";
import { type HostState, type LinkId, type LinkState, findLink, recordOf } from "../../model/host";
import { groupBy } from "../../model/lists";
import type { Observation } from "../../model/observation";
import { describeLink } from "../../plan/differences";
import { permanentMac, portsOf } from "../../plan/kernel/bond";
import { isChild, isHostShim } from "../links";

/** A resource of the generated program. */
export interface Described {
  /** Name of the resource class. */
  readonly type: string;
  /** The resource's name, unique among all with the same `names`. */
  readonly resource: string;
  /** Its arguments without the host, in the order in which they are written. */
  readonly args: Json;
  /** Properties of the link that are not in the arguments, and why. */
  readonly notes: readonly string[];
}

export interface Description {
  readonly resources: readonly Described[];
  /** Links that no resource describes: `docker0: none of its ports has hairpin on`. */
  readonly left: readonly string[];
}

export interface DescribeOptions {
  /** Also describe bridges without a hairpin port, VLANs and bonds. */
  readonly all: boolean;
  /** Names of resources that are taken. New names are added. */
  readonly names: Set<string>;
  /** A prefix for each name, if one program has several hosts. */
  readonly prefix: string;
}

/** Describes all macvlans, macvtaps and ipvlans, and bridges with hairpin ports. `host` is as written in a program. */
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

/** A link of a `HostLinks`. */
export interface DescribedLink {
  readonly key: string;
  readonly properties: Json;
  readonly notes: readonly string[];
}

/** The same resources as the links of one `HostLinks`, which has `adopt: true` for all of them. */
export function asHostLinks(resources: readonly Described[]): DescribedLink[] {
  const byName = groupBy(resources, ({ args }) => args["name"]);
  const isOnly = (name: unknown): boolean => byName.get(name)?.length === 1;
  const names = new Set([...byName.keys()].filter(isOnly).map(String));
  return resources.map(({ type, args, notes }) => {
    const { adopt: _, name, ...rest } = args;
    const netns = typeof rest["netns"] === "string" ? rest["netns"] : "";
    const key = isOnly(name) ? String(name) : freeName({ name: String(name), netns }, { names, prefix: "" });
    const word = Object.entries(KINDS_BY_WORD).find(([, kind]) => kind.type === type)?.[0];
    return { key, properties: { kind: word, ...(key === name ? {} : { name }), ...rest }, notes };
  });
}

/** Parents first and shims last, as one would write them. */
function inOrder(links: readonly LinkState[]): LinkState[] {
  const parents = ["bond", "vlan", "bridge"];
  const rank = (l: LinkState): number =>
    parents.includes(l.kind) ? parents.indexOf(l.kind) : parents.length + (isHostShim(l) ? 1 : 0);
  return links.toSorted((a, b) => rank(a) - rank(b));
}

/** The resource, why there is none, or undefined for a link that is not described. */
function describeOne(
  host: string,
  link: LinkState,
  now: Observation,
  { all }: DescribeOptions,
): Omit<Described, "resource"> | string | undefined {
  if (link.kind === "ipvtap") return `there is no resource for ${link.kind}`;
  const kind = kindOf(link);
  const isAsked = all || isChild(link) || link.kind === "bridge";
  if (!kind || !isAsked) return undefined;
  if (link.isOutOfReach === true) return "is in a namespace without a name, which no resource can manage";
  const record = recordOf(now.state, link);
  if (record) return `already belongs to the stack ${record.owner} (resource ${record.resource})`;
  return describeAs(kind, host, link, now, all);
}

/**
 * Describes a link as a resource of a kind, or says why it cannot be one.
 *
 * @param all also ports of a bridge without hairpin
 * @param owner the hidden inputs that name the stack, if it may own the link already
 */
export function describeAs(
  kind: AnyKind,
  host: string,
  link: LinkState,
  now: Observation,
  all: boolean,
  owner: Json = { __owner: "" },
): Omit<Described, "resource"> | string {
  if (link.netns !== "" && !("netns" in kind.properties)) {
    return `is a ${link.kind} in another namespace than the host's own`;
  }
  if ("parent" in kind.properties && link.parent === "")
    return "its parent is in a namespace that is not visible";
  const { ports, ...told } = kind.describe(link, now.state);
  if (!Array.isArray(ports)) return checked(host, kind, link, now, told, owner);
  const chosen = (ports as readonly Json[]).filter((port) => all || port["hairpin"] !== false);
  if (chosen.length === 0 && !all) return "no port has hairpin on";
  return checked(host, kind, link, now, { ...told, ports: chosen }, owner);
}

function kindOf(link: LinkState): AnyKind | undefined {
  const kinds = Object.values(KINDS).filter(({ link: { word } }) => word === link.kind);
  return kinds.find(({ type }) => (type === "HostShim") === isHostShim(link));
}

/** The resource of a link, if adopting it runs no command. */
function checked(
  host: string,
  kind: AnyKind,
  link: LinkState,
  now: Observation,
  told: Json,
  owner: Json,
): Omit<Described, "resource"> | string {
  const place = { host, name: link.name, ...(link.netns === "" ? {} : { netns: link.netns }) };
  const { args, notes } = valid(
    kind,
    inReadingOrder({ ...place, ...worthSaying(kind, told, link, now.state), adopt: true }),
  );
  if (args === undefined) return notes.join("; ");
  const given = { ...args, ...owner, __resource: link.name };
  const known = knownInputs(checkInputs(kind, given, undefined).inputs, []);
  const context = planContextFrom(given, now, undefined, () => false);
  const { plan, issues } = planAndIssues(kind, known, context);
  if (issues.length > 0) return issues.map((p) => `${p.property}: ${p.reason}`).join("; ");
  const steps = plan.steps.flatMap(({ step }) => commandsOf(step, now.facts.portTool));
  const run = steps.filter((c) => !isNote(c)).map(describeCommand);
  if (run.length > 0) return `adopting it would run: ${run.join("; ")}`;
  const { host: _, ...rest } = args;
  return { type: kind.type, args: rest, notes: [...notes, ...dynamicNote(link)] };
}

/** The order of arguments. Others come after these, and `adopt` last. */
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

function worthSaying(kind: AnyKind, told: Json, link: LinkState, state: HostState): Json {
  const defaults = defaultsOf(kind, link, state);
  const isDefault = (key: string, value: unknown): boolean =>
    kind.properties[key]?.required !== true && JSON.stringify(value) === JSON.stringify(defaults[key]);
  const isOwn = (key: string): boolean =>
    (key !== "macAddress" || hasOwnMac(kind, told, link, state)) &&
    // the value of kernels without such a queue
    (key !== "broadcastQueueLength" || told["broadcastQueueLength"] !== 0);
  return Object.fromEntries(
    Object.entries(told)
      .filter(([key, value]) => !isDefault(key, value) && isOwn(key))
      .map(([key, value]) => [key, shortened(kind, key, value)]),
  );
}

/** Values that a new link has by default: ours, and the kernel's. */
function defaultsOf(kind: AnyKind, link: LinkState, state: HostState): Json {
  const parent = findLink(state, { name: link.parent, netns: "" });
  return {
    ...readBindings(kind.bindings, kernelOf("").newLink(link.kind)),
    ...{ addresses: [], routes: [], mtu: Number(parent?.settings["link.mtu"] ?? 1500) },
    ...kind.defaults,
  };
}

/** Whether a link's MAC address is neither its parent's, nor a port's, nor random. */
function hasOwnMac(kind: AnyKind, told: Json, link: LinkState, state: HostState): boolean {
  const mac = link.settings["link.address"];
  if (kind.derivesMac(told)) return true;
  if (kind.type === "VlanInterface") {
    return findLink(state, { name: link.parent, netns: "" })?.settings["link.address"] !== mac;
  }
  const ports = link.kind === "bond" ? portsOf(state, link.name) : [];
  return ports.length > 0 && ports.every((port) => permanentMac(port) !== mac);
}

/** Ports and routes with one relevant field are written as a string. */
function shortened(kind: AnyKind, key: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = value as readonly Json[];
  if (key === "ports") return items.map((port) => shortPort(kind, port));
  return key === "routes" ? items.map((r) => (Object.keys(r).length === 1 ? r["to"] : r)) : value;
}

/** A port in its short form: just its name if it only has hairpin. */
function shortPort({ portProperties = {} }: AnyKind, { name, ...options }: Json): Json | string {
  const told = Object.entries(options).filter(([key, value]) => {
    const { default: ours, kernelDefault, form } = portProperties[key] ?? {};
    return JSON.stringify(value) !== JSON.stringify(ours ?? form?.decode(kernelDefault ?? ""));
  });
  return told.length === 0 ? String(name) : { name, ...Object.fromEntries(told) };
}

/** Leaves out what the schema refuses, so that it is not managed. */
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
    notes.push(`${property} is not managed: ${issue.property} ${issue.reason}`);
    args = Object.fromEntries(Object.entries(args).filter(([key]) => key !== property));
  }
}

function dynamicNote(link: LinkState): string[] {
  const dynamic = link.details["dynamic"] ?? "";
  return dynamic === "" ? [] : [`${dynamic} comes from DHCP, and is not managed`];
}

function freeName(link: LinkId, { names, prefix }: Omit<DescribeOptions, "all">): string {
  const wishes = [link.name, `${link.netns || "host"}-${link.name}`];
  const numbered = (n: number): string => `${prefix}${link.name}-${n}`;
  let name = wishes.map((wish) => prefix + wish).find((wish) => !names.has(wish));
  for (let n = 2; name === undefined; n++) if (!names.has(numbered(n))) name = numbered(n);
  names.add(name);
  return name;
}
