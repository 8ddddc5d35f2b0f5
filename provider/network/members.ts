/**
 * The members of a network: its hosts with their children, shims and VLANs, and the properties passed on to them. Pure.
 */
import type { Input } from "@pulumi/pulumi";
import type { DeepInput } from "../program/resource";
import type { HostArgs } from "../kinds/args";
import type { Json } from "../kinds/kind";
import { type Issue, issue } from "../model/error";
import { didYouMean } from "../model/nearest";
import type {
  ChildArgs,
  ChildDefaults,
  Grain,
  NetworkArgs,
  NetworkHost,
  NetworkParent,
  NetworkShimArgs,
  NetworkVlanArgs,
} from "./args";

/** A child to be made. */
export interface ChildMember {
  readonly name: string;
  /** `node1/web` */
  readonly key: string;
  /** Its path in the program: `children[1]`, `children("node1")[1]`. */
  readonly path: string;
  /** Arguments of the link, without host, parent and leased addresses. */
  readonly args: Json;
  /**
   * `leased`: the network puts an address on the link. `dhcp`: a DHCP server assigns the leased address. `own`: it has
   * its own.
   */
  readonly address: "leased" | "dhcp" | "own";
  /** Whether the shim has a route to it. */
  readonly isReachable: boolean;
  /** The path of checks that are not its own: `checks`, `checks("node1", "web")`. */
  readonly checksPath?: string;
  /** The origin of a name that was not given, and the property that sets another one; for messages. */
  readonly defaultName?: string;
}

/** A shim to be made. */
export interface ShimMember {
  readonly key: string;
  readonly path: string;
  readonly args: Json;
  readonly address: "leased" | "own";
  readonly source?: DeepInput<string | string[]>;
}

/** A VLAN to be made. */
export interface VlanMember {
  readonly key: string;
  readonly path: string;
  /** Arguments of the link, without host. */
  readonly args: Json;
  /** The origin of a name that was not given, and the property that sets another one; for messages. */
  readonly defaultName?: string;
}

/** A host with its members. */
export interface HostMember {
  readonly name: string;
  readonly path: string;
  readonly host: DeepInput<string | HostArgs>;
  readonly parent: Input<string>;
  readonly parentPath: string;
  readonly children: readonly ChildMember[];
  readonly shim?: ShimMember;
  /** The VLAN that is the parent, if the network makes it. */
  readonly vlan?: VlanMember;
}

/** The members, and the problems of the description. */
export interface Members {
  readonly hosts: readonly HostMember[];
  readonly issues: readonly Issue[];
}

const DEFAULTS = [
  ...["mode", "mtu", "up", "persist", "adopt", "txQueueLength", "broadcastQueueLength"],
  ...["broadcastQueueThreshold", "expectCarrier"],
] as readonly (keyof ChildDefaults)[];
/** The defaults that also apply to a shim. */
const SHIM_DEFAULTS: readonly (keyof ChildDefaults)[] = ["mtu", "persist", "adopt"];
/** The defaults that also apply to a VLAN. */
const VLAN_DEFAULTS: readonly (keyof ChildDefaults)[] = ["persist"];
const OWN = [
  ...["hosts", "parent", "children", "cidr", "range", "exclude", "gateway", "reservations", "shim"],
  ...["checks", "grain"],
];
const PROPERTIES = [...OWN, ...DEFAULTS];
const GRAINS: readonly unknown[] = [undefined, "link", "host"] satisfies (Grain | undefined)[];
/** Modes that no sibling can reach, so that a route would lead nowhere (ip-link(8)). */
const ALONE: readonly unknown[] = ["private", "passthru"];

/** Lists the members of a network, and calls the program's functions for each host. */
export function listMembers<H extends NetworkHost>(args: NetworkArgs<H>): Members {
  const issues: Issue[] = Object.keys(args)
    .filter((key) => !OWN.includes(key) && !(DEFAULTS as readonly string[]).includes(key))
    .map((property) =>
      issue(
        "invalid-input",
        property,
        `is not a property of MacvlanNetwork; ${didYouMean(property, PROPERTIES, `its properties are ${PROPERTIES.join(", ")}`)}`,
      ),
    );
  if (!GRAINS.includes(args.grain)) {
    const reason = 'must be one of "link", "host", as a plain value';
    issues.push(issue("invalid-input", "grain", reason));
  }
  if (!Array.isArray(args.hosts)) {
    return {
      hosts: [],
      issues: [...issues, issue("invalid-input", "hosts", "must be a plain list, not an output")],
    };
  }
  const names = new Map<string, string>();
  const hosts = args.hosts.flatMap((given: string | H, i): HostMember[] => {
    const path = `hosts[${i}]`;
    // a string is only allowed if H is NetworkHost
    const host = (typeof given === "string" ? { name: given, host: given } : given) as H;
    const why = whyNotName(host);
    const duplicate = names.get(String((host as Partial<NetworkHost> | null)?.name));
    if (why !== undefined || duplicate !== undefined) {
      issues.push(issue("invalid-input", path, why ?? `has the same name as ${duplicate ?? ""}`));
      return [];
    }
    names.set(host.name, path);
    return [hostMember(host, path, args, issues)];
  });
  return { hosts, issues };
}

function hostMember<H extends NetworkHost>(
  host: H,
  path: string,
  args: NetworkArgs<H>,
  issues: Issue[],
): HostMember {
  const { name } = host;
  const call = `(${JSON.stringify(name)})`;
  const isFunction = typeof args.parent === "function";
  const given = typeof args.parent === "function" ? args.parent(host) : args.parent;
  const parentPath = isFunction ? `parent${call}` : "parent";
  const vlan = isVlan(given) ? vlanMember(name, given, parentPath, args) : undefined;
  const list = typeof args.children === "function" ? args.children(host) : args.children;
  const listPath = typeof args.children === "function" ? `children${call}` : "children";
  const children = childMembers(host, list, listPath, args, issues);
  const wanted = typeof args.shim === "function" ? args.shim(host) : args.shim;
  const shimPath = typeof args.shim === "function" ? `shim${call}` : "shim";
  const hasBridge = children.some((child) => (child.args["mode"] ?? "bridge") === "bridge");
  const shim = wanted === false || (wanted === undefined && !hasBridge) ? undefined : (wanted ?? true);
  return {
    name,
    path,
    host: host.host ?? name,
    parent: isVlan(given) ? String(vlan?.args["name"]) : given,
    parentPath,
    children,
    ...(vlan === undefined ? {} : { vlan }),
    ...(shim === undefined ? {} : { shim: shimMember(name, shim === true ? {} : shim, shimPath, args) }),
  };
}

function childMembers<H extends NetworkHost>(
  host: H,
  list: unknown,
  path: string,
  args: NetworkArgs<H>,
  issues: Issue[],
): ChildMember[] {
  if (!Array.isArray(list)) {
    issues.push(issue("invalid-input", path, "must be a plain list, not an output"));
    return [];
  }
  const names = new Map<string, string>();
  return (list as (string | ChildArgs)[]).flatMap((given, i): ChildMember[] => {
    const own = `${path}[${i}]`;
    const child: ChildArgs = typeof given === "string" ? { name: given } : given;
    const why = whyNotName(child);
    const duplicate = names.get(String((child as Partial<ChildArgs> | null)?.name));
    if (why !== undefined || duplicate !== undefined) {
      issues.push(issue("invalid-input", own, why ?? `has the same name as ${duplicate ?? ""}`));
      return [];
    }
    names.set(child.name, own);
    const { name, linkName = name, addressing = "static", ...link } = child;
    if (!["static", "dhcp"].includes(addressing)) {
      issues.push(issue("invalid-input", `${own}.addressing`, 'must be one of "static", "dhcp"'));
    }
    if (addressing === "dhcp" && link.addresses !== undefined) {
      issues.push(issue("invalid-input", `${own}.addresses`, "cannot be combined with addressing dhcp"));
    }
    for (const property of ["host", "parent"]) {
      if (property in link)
        issues.push(
          issue("invalid-input", `${own}.${property}`, "is a property of the network; give it there"),
        );
    }
    const checks = link.checks === undefined ? checksOf(host, child, args) : undefined;
    const handedOn = {
      ...pick(args, DEFAULTS),
      ...defined({ checks: checks?.given }),
      ...defined(link),
      name: linkName,
    };
    const { mode } = handedOn as Json;
    if (mode !== undefined && typeof mode !== "string") {
      const reason = "must be a plain value, not an output, because the shim and its routes depend on it";
      issues.push(issue("invalid-input", `${own}.mode`, reason));
    }
    return [
      {
        ...namedAfter(child.linkName, name, "the child's name", `${own}.linkName`),
        name,
        key: `${host.name}/${name}`,
        path: own,
        args: handedOn,
        ...(checks === undefined ? {} : { checksPath: checks.path }),
        address: addressing === "dhcp" ? "dhcp" : link.addresses === undefined ? "leased" : "own",
        isReachable: !ALONE.includes((handedOn as Json)["mode"]),
      },
    ];
  });
}

/** The network's checks of a child, with their path. */
function checksOf<H extends NetworkHost>(
  host: H,
  child: ChildArgs,
  { checks }: NetworkArgs<H>,
): { readonly given: unknown; readonly path: string } | undefined {
  if (checks === undefined) return undefined;
  return typeof checks === "function"
    ? {
        given: checks(host, child),
        path: `checks(${JSON.stringify(host.name)}, ${JSON.stringify(child.name)})`,
      }
    : { given: checks, path: "checks" };
}

function isVlan(parent: NetworkParent): parent is NetworkVlanArgs {
  return typeof parent === "object" && "vlanId" in parent;
}

/** The origin of a link's name if it is not given, and the property that sets another name. */
function namedAfter(given: unknown, name: string, from: string, property: string): { defaultName?: string } {
  return given === undefined
    ? { defaultName: `"${name}", which is ${from}; give another name with ${property}` }
    : {};
}

function vlanMember(host: string, vlan: NetworkVlanArgs, path: string, args: ChildDefaults): VlanMember {
  const { name = `${vlan.parent}.${vlan.vlanId}` } = vlan;
  return {
    ...namedAfter(vlan.name, name, "parent and vlanId", "parent.name"),
    key: `${host}/${name}`,
    path,
    args: { ...pick(args, VLAN_DEFAULTS), ...defined(vlan), name },
  };
}

function shimMember(host: string, shim: NetworkShimArgs, path: string, args: ChildDefaults): ShimMember {
  const { name = "shim0", source, ...link } = shim;
  const isNumbered = link.addresses === undefined && source === undefined;
  return {
    key: `${host}/${name}`,
    path,
    args: { ...pick(args, SHIM_DEFAULTS), ...defined(link), name },
    address: isNumbered ? "leased" : "own",
    ...(source === undefined ? {} : { source }),
  };
}

/** Names are parts of keys, `node1/web`, and of the names of resources. */
function whyNotName(named: unknown): string | undefined {
  const name = typeof named === "object" && named !== null ? (named as { name?: unknown }).name : undefined;
  if (typeof name !== "string" || name === "")
    return "must have a plain name, not an output: a string, or { name, … }";
  return name.includes("/") ? "has a slash in its name, which separates host and child in keys" : undefined;
}

function pick(from: ChildDefaults, keys: readonly (keyof ChildDefaults)[]): Json {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
}

function defined(args: object): Json {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
