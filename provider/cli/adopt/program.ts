/** The TypeScript program that describes hosts. Pure. */
import type { Json } from "../../kinds/kind";
import { oneLine } from "../table";
import { type Described, type Description, asHostLinks } from "./describe";

/** One host of the program. */
export interface DescribedHost extends Description {
  /** As written in a program: `ops@node1.example`. */
  readonly host: string;
}

/** A resource per link, or one for all links of a host. */
export type ProgramForm = "links" | "host";

/** A program in TypeScript, formatted as prettier does it by default. */
export function programText(hosts: readonly DescribedHost[], form: ProgramForm = "links"): string {
  const types = [
    ...new Set(hosts.flatMap((h) => h.resources.map((r) => (form === "host" ? "HostLinks" : r.type)))),
  ].toSorted();
  const names = hosts.map((h) => oneLine(h.host)).join(", ");
  const head = [
    `// The macvlans, hairpin bridges and shims of ${names}, as observed.`,
    "// The first `pulumi up` records them as this stack's, and changes nothing on the network.",
    ...(types.length === 0 ? [] : [`import { ${types.join(", ")} } from "pulumi-macvlan";`]),
  ];
  const only = hosts.length === 1 ? hosts[0] : undefined;
  const blocks = hosts.map((host) => hostText(host, only === undefined, form));
  return `${[head.join("\n"), ...blocks].join("\n\n")}\n`;
}

function hostText({ host, resources, left }: DescribedHost, isOneOfMany: boolean, form: ProgramForm): string {
  const comments = left.map((text) => `// left out: ${oneLine(text)}`);
  const about = isOneOfMany ? [`// ${oneLine(host)}`] : [];
  const constant = isOneOfMany || resources.length === 0 ? [] : [`const host = ${literal(host)};`];
  const top = [...about, ...comments].join("\n");
  const hostProperty = isOneOfMany ? `host: ${literal(host)}` : "host";
  const parts =
    form === "links" || resources.length === 0
      ? resources.map((r) => resourceText(r, hostProperty))
      : [hostLinksText(host, resources, hostProperty)];
  const nothing = resources.length === 0 ? ["// there is nothing to describe"] : [];
  return [top, ...constant, ...parts, ...nothing].filter((part) => part !== "").join("\n\n");
}

function resourceText({ type, resource, args, notes }: Described, host: string): string {
  const lines = Object.entries(args).map(([key, value]) => `  ${property(key, value, 2)},`);
  return [
    ...notes.map((note) => `// ${oneLine(note)}`),
    `new ${type}(${literal(resource)}, {`,
    `  ${host},`,
    ...lines,
    "});",
  ].join("\n");
}

/** All links of a host; `adopt` stands beside them, as each of them has it. */
function hostLinksText(host: string, resources: readonly Described[], hostProperty: string): string {
  const links = asHostLinks(resources).flatMap(({ key, properties, notes }) => {
    return [
      ...notes.map((note) => `    // ${oneLine(note)}`),
      `    ${/^[A-Za-z_$][\w$]*$/.test(key) ? key : literal(key)}: {`,
      ...Object.entries(properties).map(([property_, value]) => `      ${property(property_, value, 6)},`),
      "    },",
    ];
  });
  const name = host.replace(/^.*@/, "");
  return [
    `new HostLinks(${literal(name)}, {`,
    `  ${hostProperty},`,
    "  adopt: true,",
    "  links: {",
    ...links,
    "  },",
    "});",
  ].join("\n");
}

/** Columns that prettier fills by default. */
const WIDTH = 80;

/** `key: value`; a list that is too long for its line has one item on each. */
function property(key: string, value: unknown, indent: number): string {
  const flat = `${key}: ${literal(value)}`;
  if (!Array.isArray(value) || indent + flat.length + 1 <= WIDTH) return flat;
  const pad = " ".repeat(indent + 2);
  const items = (value as unknown[]).map((item) => `${pad}${literal(item)},`);
  return `${key}: [\n${items.join("\n")}\n${" ".repeat(indent)}]`;
}

/** A TypeScript literal. Strings are written as JSON, which is valid; lone surrogates cannot come from a host. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return quoted(value);
  const fields = Object.entries(value as Json).filter(([, v]) => v !== undefined);
  return `{ ${fields.map(([key, v]) => `${key}: ${literal(v)}`).join(", ")} }`;
}

/** Like prettier, uses the quotes that need fewer escapes. */
function quoted(value: unknown): string {
  const json = JSON.stringify(value);
  if (typeof value !== "string" || !value.includes('"')) return json;
  const [doubles, singles] = ['"', "'"].map((quote) => value.split(quote).length - 1);
  if ((singles ?? 0) >= (doubles ?? 0)) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
