/** The model of the drawing: macvlans with the links below them, bridges with their ports, and drift. Pure. */
import { KINDS } from "../../kinds";
import { hasCarrier } from "../../kinds/lan/carrier";
import type { Observation } from "../../model/observation";
import { type LinkId, type LinkState, findLink, sameLink } from "../../model/host";
import { isChild, isHostShim } from "../links";
import { SECRET } from "../../model/redact";
import type { Seen } from "../look";
import type { ReportedHost, ReportedLink } from "../report/model";
import { oneLine } from "../table";

export type NodeKind = "nic" | "bridge" | "macvlan" | "shim";

/** A line of a box. */
export interface Line {
  readonly text: string;
  readonly tone: "plain" | "dim" | "drift" | "planned";
}

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly name: string;
  /** The mode of a macvlan, or else the link's kind. */
  readonly chip: string;
  readonly lines: readonly Line[];
  /** `absent`: desired, but not on the host. */
  readonly state: "up" | "down" | "absent";
  readonly hasDrift: boolean;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `hairpin` between such a port and its bridge. */
  readonly label: string;
}

export interface GraphHost {
  readonly label: string;
  readonly error?: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** The most routes and addresses that a box lists; the rest is counted. */
const LISTED = 6;

/**
 * The most links that are drawn of a host. The layout of 1,000 on one parent takes a second, and its work grows with the square of
 * their number; more could not be read.
 */
const DRAWN = 1000;

/** The model of a host, with the report's differences of its links. */
export function graphHost(seen: Seen, reported: ReportedHost | undefined): GraphHost {
  if ("error" in seen) return { label: seen.label, error: oneLine(seen.error), nodes: [], edges: [] };
  const links = reported?.links ?? [];
  const shown = shownLinks(seen.observation, links);
  if (shown.length > DRAWN) {
    const error = `it has ${shown.length} links that would be drawn, and ${DRAWN} of a host are drawn at most`;
    return { label: seen.label, error, nodes: [], edges: [] };
  }
  const absent = links.filter((l) => l.link && l.action !== "keep" && !shown.some((s) => isAt(s, l)));
  const nodes = [...shown.map((link) => linkNode(link, links)), ...absent.flatMap(absentNode)];
  const edges = [
    ...shown.flatMap((link) => edgesOf(link, shown)),
    ...absent.flatMap((l) => absentEdge(l, shown)),
  ];
  return { label: seen.label, nodes, edges };
}

function isAt(link: LinkState, reported: ReportedLink): boolean {
  return reported.link !== undefined && sameLink(link, reported.link);
}

/** Children, links of a report, bridges with hairpin ports, and all links below these. */
function shownLinks({ state }: Observation, reported: readonly ReportedLink[]): LinkState[] {
  const chosen = new Set<LinkState>();
  const below = (link: LinkState): (LinkState | undefined)[] => [
    link.parent === "" ? undefined : findLink(state, { name: link.parent, netns: "" }),
    ...(link.kind === "bridge" || link.kind === "bond"
      ? state.links.filter((l) => l.netns === link.netns && masterOf(l) === link.name)
      : []),
  ];
  const choose = (link: LinkState | undefined): void => {
    if (!link || chosen.has(link)) return;
    chosen.add(link);
    below(link).forEach(choose);
  };
  const parents = reported.flatMap((l) => (l.parent === undefined ? [] : [l.parent]));
  for (const link of state.links) {
    const isHairpin = link.settings["port.hairpin"] === "on";
    const isNamed = reported.some((l) => isAt(link, l)) || (link.netns === "" && parents.includes(link.name));
    if (isChild(link) || isNamed) choose(link);
    else if (isHairpin) choose(findLink(state, { name: masterOf(link), netns: link.netns }));
  }
  return state.links.filter((link) => chosen.has(link));
}

function masterOf(link: LinkState): string {
  return link.settings["link.master"] ?? "";
}

function idOf(link: LinkId): string {
  return `${link.netns}/${link.name}`;
}

function linkNode(link: LinkState, reported: readonly ReportedLink[]): GraphNode {
  const own = reported.find((l) => isAt(link, l));
  const marks = own ? marksOf(own) : [];
  const isShim = own?.type === "HostShim" || (own === undefined && isHostShim(link));
  const kind = isShim ? "shim" : isChild(link) ? "macvlan" : link.kind === "bridge" ? "bridge" : "nic";
  return {
    id: idOf(link),
    kind,
    name: oneLine(link.name),
    chip: chipOf(link, isShim, own?.secret),
    lines: [...factsOf(link, isShim, own?.secret), ...marks],
    state: link.up ? "up" : "down",
    hasDrift: marks.some((m) => m.tone === "drift"),
  };
}

function chipOf(link: LinkState, isShim: boolean, secret: readonly string[] = []): string {
  const shown = (property: string, text: string): string => (secret.includes(property) ? SECRET : text);
  const mode = shown("mode", link.settings["type.mode"] ?? "");
  if (isShim) return mode === "bridge" ? "shim" : `shim ${mode}`;
  if (link.kind === "macvlan") return mode;
  if (isChild(link)) return `${link.kind} ${mode}`.trim();
  if (link.kind === "vlan") return `vlan ${shown("vlanId", link.settings["type.id"] ?? "")}`.trim();
  return link.kind === "" ? "NIC" : link.kind;
}

function factsOf(link: LinkState, isShim: boolean, secret: readonly string[] = []): Line[] {
  const shown = (property: string, texts: readonly string[]): string[] =>
    secret.includes(property) && texts.length > 0 ? [SECRET] : some(texts);
  const dim = (text: string): Line => ({ text: oneLine(text), tone: "dim" });
  const plain = (text: string): Line => ({ text: oneLine(text), tone: "plain" });
  const dynamic = link.details["dynamic"] ?? "";
  return [
    ...(link.netns === "" ? [] : [dim(link.isOutOfReach === true ? link.netns : `netns ${link.netns}`)]),
    ...shown("macAddress", [link.settings["link.address"] ?? ""]).map(dim),
    ...shown(
      "addresses",
      link.addresses.map((a) => a.cidr),
    ).map(plain),
    ...(dynamic === "" ? [] : [plain(`${dynamic} (DHCP)`)]),
    ...(isShim
      ? shown(
          "routes",
          link.routes.map((r) => `→ ${r.to}`),
        ).map(plain)
      : []),
    ...(link.up ? (hasCarrier(link) ? [] : [dim("no carrier")]) : [dim("is down")]),
  ];
}

function some(texts: readonly string[]): string[] {
  const more = texts.length - LISTED;
  return more <= 0 ? [...texts] : [...texts.slice(0, LISTED), `and ${more} more`];
}

function marksOf(link: ReportedLink): Line[] {
  const marks = link.differences.map((d): Line => {
    const what =
      d.property === "name" && d.found === "none"
        ? "missing"
        : d.property === "name" && d.wanted === "none"
          ? "is to be deleted"
          : `${d.property}: found ${d.found}, wanted ${d.wanted}`;
    return { text: oneLine(what), tone: d.cause === "drift" ? "drift" : "planned" };
  });
  return [...marks, ...link.problems.map((p): Line => ({ text: oneLine(p), tone: "planned" }))];
}

/** How a missing link of a resource is drawn. */
function drawnAs(type: string): NodeKind {
  const kind = KINDS[type];
  if (kind?.parentUse) return type === "HostShim" ? "shim" : "macvlan";
  return kind?.link.word === "bridge" ? "bridge" : "nic";
}

function absentNode(link: ReportedLink): GraphNode[] {
  if (!link.link) return [];
  const marks = marksOf(link);
  const kind = drawnAs(link.type);
  return [
    {
      id: idOf(link.link),
      kind,
      name: oneLine(link.link.name),
      chip: link.type === "VlanInterface" ? "vlan" : kind,
      lines: [
        ...(link.link.netns === "" ? [] : [{ text: `netns ${link.link.netns}`, tone: "dim" } as const]),
        ...marks,
      ],
      state: "absent",
      hasDrift: marks.some((m) => m.tone === "drift"),
    },
  ];
}

function edgesOf(link: LinkState, shown: readonly LinkState[]): GraphEdge[] {
  const parent = shown.find((l) => sameLink(l, { name: link.parent, netns: "" }));
  const bridge = shown.find((l) => sameLink(l, { name: masterOf(link), netns: link.netns }));
  const label = link.settings["port.hairpin"] === "on" ? "hairpin" : "";
  return [
    ...(parent && link.kind !== "bridge" ? [{ from: idOf(parent), to: idOf(link), label: "" }] : []),
    ...(bridge ? [{ from: idOf(link), to: idOf(bridge), label }] : []),
  ];
}

function absentEdge(link: ReportedLink, shown: readonly LinkState[]): GraphEdge[] {
  const parent = shown.find((l) => l.netns === "" && l.name === link.parent);
  return parent && link.link ? [{ from: idOf(parent), to: idOf(link.link), label: "" }] : [];
}
