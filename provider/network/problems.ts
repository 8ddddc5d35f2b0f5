/**
 * Problems of a network as a whole, found before any of its resources is made: the checks of its resources, and
 * conflicts between them. Outputs count as unknown, and are checked when they are known.
 */
import { Output } from "@pulumi/pulumi";
import { KINDS } from "../kinds";
import { checkInputs, schemaIssues } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { type Leases, leaseAddresses, poolSchema } from "../leases/lease";
import { contains, numberOf, rangeOfCidr } from "../leases/ranges";
import { type Issue, issue } from "../model/error";
import { UNKNOWN, isUnknown } from "../model/unknown";
import type { NetworkArgs, NetworkHost } from "./args";
import type { ChildMember, HostMember, Members, ShimMember, VlanMember } from "./members";
import { type PoolArgs, leasedKeys } from "./pool";

/** All problems, each on its path in the network's arguments: `children[1].mtu`, `reservations["node1/web"]`. */
export function networkProblems<H extends NetworkHost>(
  args: NetworkArgs<H>,
  members: Members,
  pool: PoolArgs,
): Issue[] {
  if (members.issues.length > 0) return [...members.issues];
  const { issues, leases } = poolProblems(args, members.hosts, pool);
  const links = members.hosts.flatMap((host) => [
    ...host.children.flatMap((child) => argumentProblems("MacvlanInterface", host, child, leases, args)),
    ...(host.shim ? argumentProblems("HostShim", host, host.shim, {}, args) : []),
    ...(host.vlan ? argumentProblems("VlanInterface", host, host.vlan, {}, args) : []),
    ...hostProblems(host),
  ]);
  const all = [...issues, ...links, ...duplicateProblems(members.hosts)];
  return all.filter((issue, i) => all.findIndex((other) => sameIssue(other, issue)) === i);
}

function sameIssue(a: Issue, b: Issue): boolean {
  return a.property === b.property && a.reason === b.reason;
}

/** A value as in a preview: outputs and promises are unknown. */
function plainOf(value: unknown): unknown {
  if (Output.isInstance(value) || value instanceof Promise) return UNKNOWN;
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plainOf(v)]));
}

function poolProblems<H extends NetworkHost>(
  args: NetworkArgs<H>,
  hosts: readonly HostMember[],
  pool: PoolArgs,
): { issues: Issue[]; leases: Leases } {
  const nothing = (...issues: Issue[]): { issues: Issue[]; leases: Leases } => ({ issues, leases: {} });
  const [first] = leasedKeys(hosts);
  if (first !== undefined && args.cidr === undefined) {
    return nothing(issue("invalid-input", "cidr", `is not given, and ${first} has no addresses of its own`));
  }
  const plain = plainOf({ ...pool, taken: undefined, gateway: undefined }) as Json;
  const unknown = Object.keys(plain).filter((key) => isUnknown(plain[key]));
  const given = Object.fromEntries(
    Object.entries(plain).filter(([key, value]) => value !== undefined && !unknown.includes(key)),
  );
  // of a pool that is partly unknown, only the known parts are checked
  const parsed = poolSchema.partial().safeParse(given);
  if (!parsed.success) {
    return nothing(...schemaIssues(parsed.error).map((i) => ({ ...i, property: asGiven(i.property, args) })));
  }
  const gateway = gatewayProblems(args, parsed.data.cidr);
  const { cidr, keys } = parsed.data;
  const taken = plainOf([pool.taken, pool.gateway].flat(2)) as string[];
  if (gateway.length > 0 || unknown.length > 0 || isUnknown(taken) || !cidr || !keys)
    return nothing(...gateway);
  const exclude = [...(parsed.data.exclude ?? []), ...taken.flatMap((ip) => (numberOf(ip) ? [ip] : []))];
  const { leases, problems } = leaseAddresses({ ...parsed.data, cidr, keys, exclude }, {});
  return { issues: problems.map((p) => ({ ...p, property: asGiven(p.property, args) })), leases };
}

function gatewayProblems(
  args: { readonly gateway?: unknown },
  cidrs: readonly string[] | undefined,
): Issue[] {
  const isList = Array.isArray(args.gateway);
  const gateways: unknown[] = isList ? args.gateway : [args.gateway];
  return gateways.map(plainOf).flatMap((gateway, i) => {
    if (gateway === undefined || isUnknown(gateway)) return [];
    const number = typeof gateway === "string" ? numberOf(gateway) : undefined;
    const isNear = number !== undefined && (!cidrs || cidrs.some((c) => contains(rangeOfCidr(c), number)));
    if (isNear) return [];
    const reason = number
      ? `is not in ${(cidrs ?? []).join(" or ")}`
      : "is not an IP address without a prefix";
    return [issue("invalid-input", isList ? `gateway[${i}]` : "gateway", reason)];
  });
}

/** `range[0]` becomes `range` if one string was given instead of a list. */
function asGiven(property: string, args: object): string {
  const [, name = "", rest = ""] = /^(\w+)\[\d+\](.*)$/.exec(property) ?? [];
  const given = (args as Json)[name];
  return name !== "" && !Array.isArray(given) ? name + rest : property.replace(/(\["[^"]+"\])\[\d+\]$/, "$1");
}

/** The issues of the link's kind with its arguments. */
function argumentProblems(
  type: "MacvlanInterface" | "HostShim" | "VlanInterface",
  host: HostMember,
  member: ChildMember | ShimMember | VlanMember,
  leases: Leases,
  args: object,
): Issue[] {
  const kind = KINDS[type];
  if (!kind) throw new Error(`there is no kind ${type}`);
  const isLeased = "address" in member && member.address === "leased";
  const leased = isLeased ? leases[member.key] : undefined;
  const given = {
    ...(plainOf(member.args) as Json),
    ...(leased === undefined ? {} : { addresses: leased }),
    host: plainOf(host.host),
    ...("parent" in member.args ? {} : { parent: plainOf(host.parent) }),
    __owner: "",
    __resource: member.key,
  };
  return checkInputs(kind, given, undefined).issues.map(({ code, property, reason }) => {
    const [first = ""] = property.split(/[.[]/);
    const rest = property.slice(first.length);
    if (first === "host") return issue(code, `${host.path}.host${rest}`, reason);
    if (first === "name") {
      // a child's link has the child's name, unless linkName is given
      const own = "name" in member ? "linkName" : "name";
      const from = "defaultName" in member ? member.defaultName : undefined;
      return issue(code, `${member.path}.${own}`, from === undefined ? reason : `${reason}: it is ${from}`);
    }
    if (first === "parent" && member !== host.vlan) return issue(code, host.parentPath + rest, reason);
    if (first === "checks" && "checksPath" in member) return issue(code, member.checksPath + rest, reason);
    // the child has the property from the network
    const isHandedOn = (args as Json)[first] !== undefined && (args as Json)[first] === member.args[first];
    return issue(code, isHandedOn ? property : `${member.path}.${property}`, reason);
  });
}

/** Conflicts between the links of one host. */
function hostProblems(host: HostMember): Issue[] {
  const issues: Issue[] = [];
  const links = new Map<string, string>();
  const all = [...(host.vlan ? [host.vlan] : []), ...host.children, ...(host.shim ? [host.shim] : [])];
  for (const member of all) {
    const { name, netns = "" } = plainOf(member.args) as { name: string; netns?: string };
    const place = JSON.stringify([netns, name]);
    const duplicate = links.get(place);
    if (duplicate === undefined) links.set(place, member.path);
    else
      issues.push(
        issue("program-conflict", member.path, `has the same link ${name} of ${host.name} as ${duplicate}`),
      );
  }
  const passthru = host.children.find((child) => child.args["mode"] === "passthru");
  const [other] = [...host.children, ...(host.shim ? [host.shim] : [])].filter((m) => m !== passthru);
  if (passthru && other) {
    issues.push(
      issue(
        "program-conflict",
        other.path,
        `shares its parent on ${host.name} with ${passthru.path}, whose mode passthru excludes other children`,
      ),
    );
  }
  const besides = [["shim", host.shim] as const, ["VLAN", host.vlan] as const];
  for (const [what, member] of besides) {
    const named = member && host.children.find((child) => child.key === member.key);
    if (!named) continue;
    const reason = `has the same name as the ${what}, ${member.key}; rename one of them`;
    issues.push(issue("program-conflict", named.path, reason));
  }
  return issues;
}

/** Duplicate addresses and MAC addresses: all hosts of a network share one LAN. */
function duplicateProblems(hosts: readonly HostMember[]): Issue[] {
  const seen = new Map<string, string>();
  const members = hosts.flatMap((host) => [...host.children, ...(host.shim ? [host.shim] : [])]);
  const said = members.flatMap((member) => {
    const { macAddress, addresses } = plainOf(member.args) as { macAddress?: unknown; addresses?: unknown };
    const ips = (Array.isArray(addresses) ? addresses : []).map((a) => [
      "addresses",
      String(a).split("/")[0],
    ]);
    return [["macAddress", macAddress], ...ips].map(([property, value]) => ({ member, property, value }));
  });
  return said.flatMap(({ member, property, value }) => {
    if (typeof value !== "string" || value === UNKNOWN) return [];
    const text = value.toLowerCase();
    const duplicate = seen.get(text);
    seen.set(text, duplicate ?? member.key);
    // duplicates within one list are reported by the link's kind
    return duplicate === undefined || duplicate === member.key
      ? []
      : [
          issue(
            "program-conflict",
            `${member.path}.${String(property)}`,
            `${value} is already used by ${duplicate}`,
          ),
        ];
  });
}
