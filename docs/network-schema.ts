/**
 * The part of the schema for `MacvlanNetwork`. Its types have functions, which other languages cannot pass, and unions
 * with outputs at every depth: so the forms are written here. The properties of its links and all other texts are those of the
 * resources and of the docstrings; a test compares the names with the types.
 */
import ts from "typescript";
import { KIND_OUTPUTS } from "../provider/program/outputs";
import type { ObjectSpec, PackageSpec, Spec } from "./schema";

type Resource = PackageSpec["resources"][string];

interface Sources {
  /** A resource of the schema, by the name of its class. */
  readonly resourceOf: (type: string) => Resource;
  /** Docstrings of `provider/network/args.ts`: of an interface, or of a property of it. */
  readonly textOf: (interfaceName: string, property?: string) => string;
  /** The name of a type in the schema: `macvlan:index:Host`. */
  readonly tokenOf: (name: string) => string;
  /** The documentation of the class, with its example. */
  readonly description: string;
}

const TEXT = { type: "string" };
const TEXTS = { type: "array", items: TEXT };
const TEXT_OR_TEXTS = { oneOf: [TEXT, TEXTS] };
/** A structure has to be known when the component is made. */
const PLAIN = { plain: true };

/** Properties that a network passes on to its children. */
const DEFAULTS = [
  ...["mode", "mtu", "up", "persist", "adopt", "txQueueLength", "broadcastQueueLength"],
  ...["broadcastQueueThreshold", "expectCarrier"],
];

/** @returns the component, and the types that only it has */
export function networkSpecs({ resourceOf, textOf, tokenOf, description }: Sources): {
  readonly types: Record<string, Spec>;
  readonly resource: Resource;
} {
  const macvlan = resourceOf("MacvlanInterface");
  const shim = resourceOf("HostShim");
  const vlan = resourceOf("VlanInterface");
  const ref = (name: string): Spec => ({ $ref: `#/types/${tokenOf(name)}` });
  const described = (spec: Spec, text: string): Spec => (text === "" ? spec : { ...spec, description: text });
  /** Properties with the docstrings that an interface has for them. */
  const of = (interfaceName: string, specs: Readonly<Record<string, Spec>>): Record<string, Spec> =>
    Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => [name, described(spec, textOf(interfaceName, name))]),
    );
  const type = (text: string, properties: Readonly<Record<string, Spec>>, required: string[]): Spec => ({
    type: "object",
    description: text,
    properties,
    required,
  });
  const mapOf = (spec: Spec): Spec => ({ type: "object", additionalProperties: spec });

  const parent = described(
    { oneOf: [TEXT, { ...ref("NetworkVlan"), ...PLAIN }] },
    "The link that the children are on, such as `eth0` or `eth0.10`, or a VLAN that is to be made.",
  );
  const children = described(
    { type: "array", items: { oneOf: [TEXT, { ...ref("NetworkChild"), ...PLAIN }] }, ...PLAIN },
    "The children of every host. A string is a name.",
  );
  const shimOf = described(
    { oneOf: [{ type: "boolean" }, ref("NetworkShim")], ...PLAIN },
    textOf("NetworkArgs", "shim"),
  );
  const inputs = {
    hosts: {
      type: "array",
      items: { oneOf: [TEXT, { ...ref("NetworkHost"), ...PLAIN }] },
      ...PLAIN,
      description: textOf("NetworkArgs", "hosts"),
    },
    parent,
    children,
    ...of("NetworkArgs", {
      ...{ cidr: TEXT_OR_TEXTS, range: TEXT_OR_TEXTS, exclude: TEXTS, gateway: TEXT_OR_TEXTS },
      reservations: { ...mapOf(TEXT_OR_TEXTS), ...PLAIN },
      shim: shimOf,
      grain: { type: "string", ...PLAIN },
    }),
    checks: described(
      pick(macvlan.inputProperties, ["checks"])["checks"] ?? {},
      "What has to work for each child that has no `checks` of its own.",
    ),
    ...pick(macvlan.inputProperties, DEFAULTS),
  };
  const types = {
    NetworkHost: type(
      "A host of a network.",
      {
        ...of("NetworkHost", {
          name: { ...TEXT, ...PLAIN },
          host: { oneOf: [TEXT, ref("Host")] },
        }),
        parent: { ...parent, description: "In place of the network's." },
        children: { ...children, description: "In place of the network's." },
        shim: { ...shimOf, description: "In place of the network's." },
      },
      ["name"],
    ),
    NetworkChild: type(
      "A child with the properties of `MacvlanInterface`, apart from host and parent, which are the network's.",
      {
        ...without(macvlan.inputProperties, ["host", "parent"]),
        ...of("ChildArgs", {
          name: { ...TEXT, ...PLAIN },
          linkName: { ...TEXT, ...PLAIN },
          addressing: { type: "string", ...PLAIN },
        }),
        mode: { ...pick(macvlan.inputProperties, ["mode"])["mode"], ...PLAIN },
      },
      ["name"],
    ),
    NetworkShim: type(
      textOf("NetworkShimArgs"),
      {
        ...without(shim.inputProperties, ["host", "parent", "routes"]),
        ...of("NetworkShimArgs", { name: { ...TEXT, ...PLAIN }, source: TEXT_OR_TEXTS }),
      },
      [],
    ),
    NetworkVlan: type(
      textOf("NetworkVlanArgs"),
      {
        ...without(vlan.inputProperties, ["host"]),
        ...of("NetworkVlanArgs", {
          parent: { ...TEXT, ...PLAIN },
          vlanId: { type: "integer", ...PLAIN },
          name: { ...TEXT, ...PLAIN },
        }),
      },
      ["parent", "vlanId"],
    ),
    NetworkLease: type(
      textOf("NetworkLease"),
      of("NetworkLease", {
        ...{ host: TEXT, child: TEXT, macAddress: TEXT, addresses: TEXTS, ipv4: TEXT, ipv6: TEXT },
      }),
      ["host", "child", "macAddress", "addresses"],
    ),
    NetworkChildState: type(
      textOf("NetworkChild"),
      of("NetworkChild", { host: TEXT, name: TEXT, macAddress: TEXT, addresses: TEXTS }),
      ["host", "name", "macAddress", "addresses"],
    ),
    NetworkHostState: type(
      textOf("NetworkHostOutputs"),
      of("NetworkHostOutputs", { name: TEXT, children: mapOf(ref("NetworkChildState")) }),
      ["name", "children"],
    ),
    NetworkLinks: type(
      "All outputs of the links of a host.",
      {
        children: { ...mapOf(ref("MacvlanState")), description: "By name." },
        shim: ref("ShimState"),
        vlan: { ...ref("VlanState"), description: textOf("NetworkHostOutputs", "vlan") },
      },
      ["children"],
    ),
    MacvlanState: stateOf(macvlan, KIND_OUTPUTS.macvlan, "Outputs of a child."),
    ShimState: stateOf(shim, KIND_OUTPUTS.shim, "Outputs of a shim."),
    VlanState: stateOf(vlan, KIND_OUTPUTS.vlan, "Outputs of a VLAN."),
  };
  return {
    types: Object.fromEntries(Object.entries(types).map(([name, spec]) => [tokenOf(name), spec])),
    resource: {
      isComponent: true,
      description,
      inputProperties: inputs,
      requiredInputs: ["hosts", "parent", "children"],
      properties: {
        leases: {
          type: "array",
          items: ref("NetworkLease"),
          description: "All children in the order of hosts and children. Known at preview.",
        },
        hosts: {
          ...mapOf(ref("NetworkHostState")),
          description: "The children of each host. Known at preview.",
        },
        links: {
          ...mapOf(ref("NetworkLinks")),
          description: "All outputs of the links, by the hosts' names.",
        },
      },
      required: ["leases", "hosts", "links"],
      aliases: [],
    },
  };
}

/** The docstrings of the interfaces of a file. */
export function docstringsIn(
  source: ts.SourceFile,
  documentationOf: (node: ts.Node) => string,
): Sources["textOf"] {
  const interfaces = source.statements.filter(ts.isInterfaceDeclaration);
  return (name, property) => {
    const found = interfaces.find((declaration) => declaration.name.text === name);
    if (!found) throw new Error(`there is no interface ${name}`);
    if (property === undefined) return documentationOf(found);
    const member = found.members.find((one) => one.name?.getText(source) === property);
    return member ? documentationOf(member) : "";
  };
}

/** The outputs of a link, without what only repeats its inputs. */
function stateOf({ properties, required }: ObjectSpec, outputs: object, description: string): Spec {
  const names = ["host", ...Object.keys(outputs)];
  return { type: "object", description, properties: pick(properties, names), required };
}

function pick(specs: Readonly<Record<string, Spec>>, names: readonly string[]): Record<string, Spec> {
  return Object.fromEntries(names.map((name) => [name, inPlace(specs[name] ?? {})]));
}

function without(specs: Readonly<Record<string, Spec>>, names: readonly string[]): Record<string, Spec> {
  return pick(
    specs,
    Object.keys(specs).filter((name) => !names.includes(name)),
  );
}

/** A component is never replaced. */
function inPlace({ willReplaceOnChanges: _, ...spec }: Spec): Spec {
  return spec;
}
