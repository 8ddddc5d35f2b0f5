/* eslint-disable @typescript-eslint/no-require-imports -- the checks come with a schema library: only programs that have a network load it; a literal require is what bundlers follow */
/** What a network does, over the resource classes of either provider. */
import * as pulumi from "@pulumi/pulumi";
import { type Issue, uniqueIssues, withCode } from "../model/error";
import type { HostLinkArgs, HostLinks, HostLinksArgs } from "../program/host-links";
import type { DeepInput, InputArgs, LinkResource, Outputs } from "../program/resource";
import type {
  HostArgs,
  MacvlanArgs,
  MacvlanOutputs,
  RouteArgs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../kinds/args";
import type { Grain, NetworkArgs, NetworkChild, NetworkHost, NetworkHostOutputs, NetworkLease } from "./args";
import type { ChildMember, HostMember, ShimMember, VlanMember } from "./members";
import type { PoolArgs } from "./pool";

/** The resource classes that a network is made of. */
export interface NetworkClasses {
  /** The type that a class has in the other provider: the stacks of one become stacks of the other. */
  readonly otherTypeOf: (name: string) => string;
  readonly MacvlanInterface: LinkResource<MacvlanArgs, MacvlanOutputs>;
  readonly HostShim: LinkResource<ShimArgs, ShimOutputs>;
  readonly VlanInterface: LinkResource<VlanArgs, VlanOutputs>;
  readonly HostLinks: new (
    name: string,
    args: HostLinksArgs,
    opts?: pulumi.CustomResourceOptions,
  ) => HostLinks;
  readonly LeaseBook: new (
    name: string,
    args: Record<string, unknown>,
    opts: pulumi.CustomResourceOptions,
  ) => LeaseBook;
}

/** The leases as a resource, because they are kept in the state. */
export interface LeaseBook extends pulumi.CustomResource {
  // not by the name that the schema has for it: programs would compile the declarations of the schema library
  readonly leases: pulumi.Output<Readonly<Record<string, readonly string[]>> | undefined>;
}

/** The problems of a network's arguments, before anything is made. */
export class InvalidNetwork extends pulumi.RunError {
  constructor(
    name: string,
    readonly issues: readonly Issue[],
  ) {
    const lines = issues.map(({ code, property, reason }) => `  ${withCode(`${property} ${reason}`, code)}`);
    super(`MacvlanNetwork ${name} cannot be made:\n${lines.join("\n")}`);
  }
}

/** The base of the classes that are called `MacvlanNetwork`. */
export abstract class NetworkComponent<H extends NetworkHost, G extends Grain>
  extends pulumi.ComponentResource
{
  /** What was made, by the hosts' names. */
  readonly hosts: Readonly<Record<string, NetworkHostOutputs<G>>>;
  /** All children in the order of hosts and children. Known at preview. */
  readonly leases: pulumi.Output<NetworkLease[]>;

  /** @throws InvalidNetwork with all errors in the arguments, before anything is made */
  protected constructor(
    classes: NetworkClasses,
    name: string,
    args: NetworkArgs<H, G>,
    opts: pulumi.ComponentResourceOptions = {},
  ) {
    const { members, pool, bookArgs } = describeNetwork(name, args);
    super("macvlan:index:MacvlanNetwork", name, {}, opts);
    // a component passes on protect and providers, but not these two
    const { dependsOn, retainOnDelete } = opts;
    const common: pulumi.CustomResourceOptions = {
      parent: this,
      ...(dependsOn === undefined ? {} : { dependsOn }),
      ...(retainOnDelete === undefined ? {} : { retainOnDelete }),
    };
    const book =
      pool.keys.length === 0
        ? undefined
        : new classes.LeaseBook(`${name}/addresses`, bookArgs, withAlias(classes, "LeaseBook", common));
    const addressesOf = (member: ChildMember | ShimMember): pulumi.Output<string[]> =>
      member.address === "own" || book === undefined
        ? pulumi.output((member.args["addresses"] ?? []) as pulumi.Input<string[]>)
        : leasedTo(member.key, book);

    const made = members.map((host): NetworkHostOutputs<Grain> => {
      const reached = host.children.filter((child) => child.isReachable).map(addressesOf);
      const described: DescribedHost = {
        member: host,
        children: host.children.map((member) => {
          const addresses = addressesOf(member);
          return { member, addresses, args: childArgs(member, addresses, pool.gateway) };
        }),
        ...(host.shim
          ? { shim: { key: host.shim.key, args: shimArgs(host.shim, addressesOf(host.shim), reached) } }
          : {}),
      };
      return args.grain === "host"
        ? makeHostLinks(classes, `${name}/${host.name}`, described, common)
        : makeLinks(classes, name, described, common);
    });
    // the two forms differ only in their types, which the grain determines
    this.hosts = Object.fromEntries(made.map((host) => [host.name, host as NetworkHostOutputs<G>]));
    this.leases = pulumi.all(made.flatMap((host) => Object.values(host.children).map(leaseOf)));
    this.registerOutputs({ leases: this.leases });
  }

  /**
   * One child, for programs in which the compiler believes that `hosts["node1"]` may be undefined.
   *
   * @throws RunError if the network has no such host, or the host no such child
   * @example
   * const lan = new MacvlanNetwork("lan", { hosts: ["node1"], parent: "eth0", children: ["web"], cidr: "192.0.2.0/24" });
   * export const mac = lan.child("node1", "web").macAddress;
   */
  child(host: string, child: string): NetworkChild<G> {
    const found = this.hosts[host]?.children[child];
    if (found !== undefined) return found;
    const known = Object.values(this.hosts).flatMap((h) =>
      Object.keys(h.children).map((name) => `${h.name}/${name}`),
    );
    throw new pulumi.RunError(
      `the macvlan network has no child ${host}/${child}; it has ${known.join(", ") || "none"}`,
    );
  }
}

function leasedTo(key: string, book: LeaseBook): pulumi.Output<string[]> {
  return book.leases.apply((leases) => {
    // with mocks, in a program's unit tests, nothing is leased
    if (leases === undefined) return [];
    const addresses = leases[key];
    if (addresses !== undefined) return [...addresses];
    // with --target the engine returns the leases of an earlier run
    throw new pulumi.RunError(
      `${key} has no address yet, because --target leaves out the network's lease book; add its URN to --target`,
    );
  });
}

interface Description {
  readonly members: readonly HostMember[];
  readonly pool: PoolArgs;
  readonly bookArgs: Record<string, unknown>;
}

/** @throws InvalidNetwork */
function describeNetwork<H extends NetworkHost>(name: string, args: NetworkArgs<H>): Description {
  const { listMembers } = require("./members") as typeof import("./members");
  const { poolOf, bookArgs } = require("./pool") as typeof import("./pool");
  const { networkProblems } = require("./problems") as typeof import("./problems");
  const members = listMembers(args);
  const pool = poolOf(args, members.hosts);
  const problems = uniqueIssues(networkProblems(args, members, pool));
  if (problems.length > 0) throw new InvalidNetwork(name, problems);
  const absent = Object.keys(args.reservations ?? {}).filter(
    (key) => !members.hosts.some((h) => [...h.children, h.shim].some((member) => member?.key === key)),
  );
  if (absent.length > 0) {
    void pulumi.log.warn(
      `MacvlanNetwork ${name} has no ${absent.join(", ")}; the addresses that are reserved for it stay unused`,
    );
  }
  return { members: members.hosts, pool, bookArgs: bookArgs(pool) };
}

/** A host with the arguments of its links, apart from host and parent. */
interface DescribedHost {
  readonly member: HostMember;
  readonly children: readonly {
    readonly member: ChildMember;
    readonly addresses: pulumi.Output<string[]>;
    readonly args: LinkOf<MacvlanArgs>;
  }[];
  readonly shim?: { readonly key: string; readonly args: LinkOf<ShimArgs> };
}

type LinkOf<A> = Omit<InputArgs<A>, "host" | "parent">;

/** A program cannot give the parts of a component their aliases. */
function withAlias(
  { otherTypeOf }: NetworkClasses,
  name: string,
  opts: pulumi.CustomResourceOptions,
): pulumi.CustomResourceOptions {
  return { ...opts, aliases: [{ type: otherTypeOf(name) }] };
}

/** The links of a host, a resource each. */
function makeLinks(
  classes: NetworkClasses,
  network: string,
  { member, children, shim }: DescribedHost,
  opts: pulumi.CustomResourceOptions,
): NetworkHostOutputs {
  const { name, host } = member;
  const vlan =
    member.vlan &&
    new classes.VlanInterface(
      `${network}/${member.vlan.key}`,
      { ...vlanArgs(member.vlan), host },
      withAlias(classes, "VlanInterface", opts),
    );
  const on = { host, parent: vlan?.name ?? member.parent };
  const childOpts = withAlias(classes, "MacvlanInterface", opts);
  const links = children.map(({ member: child, addresses, args }): NetworkChild => {
    const link = new classes.MacvlanInterface(`${network}/${child.key}`, { ...args, ...on }, childOpts);
    return { host: name, name: child.name, link, macAddress: link.macAddress, addresses };
  });
  return {
    name,
    children: Object.fromEntries(links.map((child) => [child.name, child])),
    ...(vlan ? { vlan } : {}),
    ...(shim
      ? {
          shim: new classes.HostShim(
            `${network}/${shim.key}`,
            { ...shim.args, ...on },
            withAlias(classes, "HostShim", opts),
          ),
        }
      : {}),
  };
}

/** All links of a host as one resource. */
function makeHostLinks(
  classes: NetworkClasses,
  resource: string,
  { member, children, shim }: DescribedHost,
  opts: pulumi.CustomResourceOptions,
): NetworkHostOutputs<"host"> {
  const { name, parent, vlan } = member;
  // as the names of resources of their own, which no two of a host share
  const keyOf = ({ key }: { readonly key: string }): string => key.slice(name.length + 1);
  const links: readonly (readonly [key: string, HostLinkArgs])[] = [
    ...(vlan ? [[keyOf(vlan), { kind: "vlan" as const, ...vlanArgs(vlan) }] as const] : []),
    ...children.map(
      ({ member: child, args }) => [child.name, { kind: "macvlan" as const, ...args, parent }] as const,
    ),
    ...(shim ? [[keyOf(shim), { kind: "shim" as const, ...shim.args, parent }] as const] : []),
  ];
  const made = new classes.HostLinks(
    resource,
    { host: member.host, links: Object.fromEntries<HostLinkArgs>(links) },
    withAlias(classes, "HostLinks", opts),
  );
  const outputs = <O>(key: string): Outputs<O> => outputsOf(made, key) as Outputs<O>;
  const outputsOfChildren = children.map(({ member: child, addresses }): NetworkChild<"host"> => {
    const link = outputs<MacvlanOutputs>(child.name);
    return { host: name, name: child.name, link, macAddress: link.macAddress, addresses };
  });
  return {
    name,
    resource: made,
    children: Object.fromEntries(outputsOfChildren.map((child) => [child.name, child])),
    ...(vlan ? { vlan: outputs<VlanOutputs>(keyOf(vlan)) } : {}),
    ...(shim ? { shim: outputs<ShimOutputs>(keyOf(shim)) } : {}),
  };
}

/** The outputs of one link of a host's, with the host as a resource of its own has it. */
function outputsOf({ links, host }: HostLinks & Outputs<{ host: HostArgs }>, key: string): object {
  const link: object = links[key] ?? {};
  return Object.defineProperty(link, "host", { value: host, enumerable: true });
}

function vlanArgs({ args }: VlanMember): Omit<InputArgs<VlanArgs>, "host"> {
  return args as Omit<InputArgs<VlanArgs>, "host">;
}

function childArgs(
  child: ChildMember,
  addresses: pulumi.Output<string[]>,
  gateway: PoolArgs["gateway"],
): LinkOf<MacvlanArgs> {
  const args = child.args as Partial<InputArgs<MacvlanArgs>>;
  const isStatic = child.address === "leased";
  // never in the host's own namespace, which has the host's default route
  const hasGateway = !(Array.isArray(gateway) && gateway.length === 0);
  // without a gateway, routes is not given, so that other routes stay
  const routes =
    hasGateway && isStatic && args.netns !== undefined && args.routes === undefined
      ? pulumi.output(gateway).apply((routers) => routers.map(defaultRoute))
      : undefined;
  return {
    ...args,
    ...(isStatic ? { addresses } : {}),
    ...(routes === undefined ? {} : { routes }),
  };
}

function defaultRoute(via: string): RouteArgs {
  return { to: via.includes(":") ? "::/0" : "default", via };
}

function shimArgs(
  shim: ShimMember,
  addresses: pulumi.Output<string[]>,
  children: pulumi.Output<string[]>[],
): LinkOf<ShimArgs> {
  const source: DeepInput<string | string[]> = shim.source ?? [];
  const { aggregateAddresses } = require("../leases/aggregate") as typeof import("../leases/aggregate");
  const routes = pulumi.all([pulumi.all(children), source] as const).apply(([lists, sources]) =>
    aggregateAddresses(lists.flat()).map((to): RouteArgs => {
      const own = [sources].flat().find((ip) => ip.includes(":") === to.includes(":"));
      return { to, ...(own === undefined ? {} : { source: own }) };
    }),
  );
  // as a single host: with the LAN's prefix length, the LAN's traffic would leave through the shim instead of the
  // parent
  const alone = addresses.apply((cidrs) =>
    cidrs.map((cidr) => cidr.replace(/\/\d+$/, cidr.includes(":") ? "/128" : "/32")),
  );
  return {
    ...(shim.args as Partial<InputArgs<ShimArgs>>),
    ...(shim.address === "leased" ? { addresses: alone } : {}),
    routes,
  };
}

function leaseOf({ host, name, macAddress, addresses }: NetworkChild<Grain>): pulumi.Output<NetworkLease> {
  return pulumi.all([macAddress, addresses]).apply(([mac, cidrs]) => {
    const ips = cidrs.map((cidr) => cidr.split("/")[0] ?? cidr);
    const ipv4 = ips.find((ip) => !ip.includes(":"));
    const ipv6 = ips.find((ip) => ip.includes(":"));
    return {
      host,
      child: name,
      macAddress: mac,
      addresses: ips,
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    };
  });
}
