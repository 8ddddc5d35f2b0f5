/** The hosts of an inventory as programs use them. */
import { pathOf } from "../model/property-path";
import type { HostAddress } from "../ssh/address";
import { inventoryError } from "./error";
import { type GivenVar, type Membership, listed, resolveMembership, varsOf } from "./membership";
import { type InventoryData, type InventoryFile, type Vars, inventorySchema } from "./schema";
import type { Place } from "./yaml-file";

/** A host of an inventory: `host` is what MacvlanNetwork and all resources accept. */
export interface InventoryHost<V = Vars> {
  readonly name: string;
  readonly host: HostAddress;
  /** The groups that contain it, directly or through others; inner groups come later. */
  readonly groups: readonly string[];
  /** The values of all hosts, then of its groups, then its own. The last one wins, as a whole. */
  readonly vars: V;
}

/** Hosts with groups and values. */
export interface Inventory<V = Vars> {
  /**
   * The hosts of any of these groups, or all hosts, in the order of the inventory.
   *
   * @throws RunError if there is no such group
   */
  hosts(...groups: string[]): InventoryHost<V>[];
  /** @throws RunError if there is no such host */
  host(name: string): InventoryHost<V>;
  readonly groups: readonly string[];
  /** Everything as plain data. As an output of this stack, it can be read by another stack as its inventory. */
  readonly data: InventoryData;
}

/**
 * A schema that checks the values of a host and gives them a type: any with the Standard Schema interface (zod, valibot,
 * arktype), such as `z.object({ parent: z.string() })`.
 */
export interface VarsSchema<V> {
  readonly "~standard": {
    readonly validate: (value: unknown) => VarsResult<V> | Promise<VarsResult<V>>;
  };
}

/** The result of a schema. */
type VarsResult<V> =
  | { readonly value: V; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

export interface InventoryOptions<V> {
  /** Checks the values of each host, and gives them a type. Default: any values. */
  readonly vars?: VarsSchema<V>;
}

/** The source of the data, for messages. */
export interface Source {
  /** `hosts.yaml:12:7`, or `output fleet of the stack org/hosts/prod`. */
  readonly where: (path: readonly PropertyKey[]) => Place;
  /** Returns the matching hosts of the OpenSSH client configuration. */
  readonly sshConfigHosts: (patterns: readonly string[]) => readonly string[];
}

/**
 * Makes an inventory from unchecked data.
 *
 * @throws RunError with all problems, each with its place
 */
export function openInventory<V = Vars>(
  given: unknown,
  source: Source,
  options: InventoryOptions<V> = {},
): Inventory<V> {
  const fail = (issues: readonly { path: readonly PropertyKey[]; reason: string }[]): never => {
    const lines = issues
      .map(({ path, reason }) => ({ path, reason, place: source.where(path) }))
      .toSorted((a, b) => a.place.offset - b.place.offset)
      .map(({ path, reason, place }) => `${place.text}: ${pathOf(path) || "it"} ${reason}`)
      .filter((line, i, all) => all.indexOf(line) === i);
    throw inventoryError(`the inventory cannot be used:\n  ${lines.join("\n  ")}`);
  };
  const parsed = inventorySchema.safeParse(given);
  if (!parsed.success) {
    return fail(
      parsed.error.issues.flatMap((issue) =>
        // the message is about the unknown key, not the object that contains it
        (issue.code === "unrecognized_keys" ? issue.keys : [undefined]).map((key) => ({
          path: key === undefined ? issue.path : [...issue.path, key],
          reason: issue.message,
        })),
      ),
    );
  }
  const data = withSshConfig(parsed.data, source);
  const membership = resolveMembership(data);
  if (membership.issues.length > 0) return fail(membership.issues);
  const hosts: InventoryHost<V>[] = [];
  const issues: { path: readonly PropertyKey[]; reason: string }[] = [];
  for (const name of Object.keys(data.hosts)) {
    const given = varsOf(data, membership, name);
    const checked = checkVars(given, options.vars, ["hosts", name]);
    if ("issues" in checked)
      issues.push(...checked.issues.map((i) => ({ ...i, reason: `${i.reason} [${name}]` })));
    else hosts.push(hostOf(name, data, membership, checked.vars));
  }
  if (issues.length > 0) return fail(issues);
  return inventoryOf(hosts, data, membership);
}

function inventoryOf<V>(
  hosts: InventoryHost<V>[],
  data: InventoryData,
  { members }: Membership,
): Inventory<V> {
  return {
    hosts(...groups) {
      const unknown = groups.find((group) => !members.has(group));
      if (unknown !== undefined) {
        throw inventoryError(`the inventory has no group ${unknown}; it has ${listed(data.groups)}`);
      }
      return hosts.filter((host) => groups.length === 0 || host.groups.some((g) => groups.includes(g)));
    },
    host(name) {
      const found = hosts.find((host) => host.name === name);
      if (!found) throw inventoryError(`the inventory has no host ${name}; it has ${listed(data.hosts)}`);
      return found;
    },
    groups: Object.keys(data.groups),
    data,
  };
}

/** Adds the hosts of the client configuration by name, unless the inventory describes them itself. */
function withSshConfig({ sshConfig, ...data }: InventoryFile, source: Source): InventoryData {
  if (sshConfig.length === 0) return data;
  const found = source.sshConfigHosts(sshConfig).filter((name) => !Object.hasOwn(data.hosts, name));
  const hosts = found.map((name) => [name, { host: { address: name }, vars: {} }] as const);
  return { ...data, hosts: { ...data.hosts, ...Object.fromEntries(hosts) } };
}

function hostOf<V>(name: string, data: InventoryData, membership: Membership, vars: V): InventoryHost<V> {
  const host = data.hosts[name]?.host ?? { address: name };
  const groups = membership.order.filter((group) => membership.members.get(group)?.has(name));
  return { name, host, groups, vars };
}

function checkVars<V>(
  given: ReadonlyMap<string, GivenVar>,
  schema: VarsSchema<V> | undefined,
  hostPath: readonly PropertyKey[],
): { vars: V } | { issues: { path: readonly PropertyKey[]; reason: string }[] } {
  const vars = Object.fromEntries([...given].map(([key, { value }]) => [key, value]));
  // without a schema the type is Vars, which is the default of V
  if (!schema) return { vars: vars as V };
  const result = schema["~standard"].validate(vars);
  if (result instanceof Promise) throw new TypeError("the schema of vars must be synchronous");
  if (!result.issues) return { vars: result.value };
  return {
    issues: result.issues.map(({ message, path = [] }) => {
      const [first, ...rest] = path.map((step) => (typeof step === "object" ? step.key : step));
      const origin = given.get(String(first))?.path;
      // a missing value is reported for the host
      const missing = first === undefined ? hostPath : [...hostPath, "vars", first];
      return {
        path: [...(origin ?? missing), ...rest],
        reason: `does not match the schema of vars: ${message}`,
      };
    }),
  };
}
