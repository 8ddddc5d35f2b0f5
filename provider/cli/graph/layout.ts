/** Places boxes and lines. dagre lays out each host (layered, left to right); hosts are arranged in columns. */
import { widthOf, wrapText } from "../table";
import { type PlacedLine, loadDagre } from "./dagre";
import type { GraphEdge, GraphHost, GraphNode, Line } from "./model";

/** Pixels. A character is a little wider than in the usual monospaced fonts, 0.6 em. */
export const SIZE = {
  name: { font: 13, character: 7.95 },
  text: { font: 12, character: 7.35 },
  chip: { font: 10.5, character: 6.45, padding: 7, height: 17 },
  line: 17,
  box: { x: 13, y: 10, minimum: 150 },
  card: { padding: 18, head: 44 },
  gap: 22,
} as const;

export interface PlacedNode extends GraphNode {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedEdge extends GraphEdge {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Middle of the label. */
  readonly at: { readonly x: number; readonly y: number };
}

/** A host's card; positions are within it. */
export interface PlacedHost {
  readonly host: GraphHost;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  /** Lines of the error, or a note that there is nothing to show. */
  readonly message: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** The longest line of a box, in characters. The full text is in the tooltip. */
const LONGEST = 46;

export function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

/** Places the boxes of a host. */
export async function placeHost(host: GraphHost): Promise<PlacedHost> {
  const { padding, head } = SIZE.card;
  const message = messageOf(host);
  const headWidth = widthOf(host.label) * 9 + 150;
  if (message.length > 0) {
    const width = Math.max(headWidth, ...message.map((l) => widthOf(l) * SIZE.text.character)) + 2 * padding;
    return {
      host,
      nodes: [],
      edges: [],
      message,
      width,
      height: head + message.length * SIZE.line + padding,
    };
  }
  const { Graph, layout } = await loadDagre();
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, edgesep: 8, ranksep: 46, marginx: 0, marginy: 0 });
  // without other constraints, dagre puts the last node on top
  for (const node of host.nodes.toReversed()) graph.setNode(node.id, sizeOf(node));
  for (const { from, to, label } of host.edges.toReversed()) {
    const size =
      label === "" ? {} : { width: widthOf(label) * SIZE.chip.character + 16, height: 18, labelpos: "c" };
    graph.setEdge(from, to, size);
  }
  layout(graph);
  const box = graph.graph();
  const nodes = inColumns(
    host.nodes.map((node): PlacedNode => {
      const { width, height } = sizeOf(node);
      const { x, y } = graph.node(node.id);
      return { ...node, x: x - width / 2 + padding, y: y - height / 2 + head, width, height };
    }),
  );
  const edges = host.edges.flatMap((edge) => placeEdge(edge, nodes, graph.edge(edge.from, edge.to)));
  return {
    host,
    nodes,
    edges,
    message,
    width: Math.max(box.width, headWidth) + 2 * padding,
    height: box.height + head + padding,
  };
}

/** Aligns the left sides of the boxes of a layer, which dagre has centred. */
function inColumns(nodes: readonly PlacedNode[]): PlacedNode[] {
  const middle = (node: PlacedNode): number => Math.round(node.x + node.width / 2);
  const left = new Map<number, number>();
  for (const node of nodes) left.set(middle(node), Math.min(node.x, left.get(middle(node)) ?? Infinity));
  return nodes.map((node) => ({ ...node, x: left.get(middle(node)) ?? node.x }));
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Box {
  readonly width: number;
  readonly height: number;
}

function sizeOf(node: GraphNode): Box {
  const { name, text, chip, box, line } = SIZE;
  const head =
    widthOf(node.name) * name.character + 12 + widthOf(node.chip) * chip.character + 2 * chip.padding;
  const widest = Math.max(
    box.minimum - 2 * box.x,
    head,
    ...node.lines.map((l) => widthOf(shorten(l.text)) * text.character),
  );
  return { width: Math.ceil(widest) + 2 * box.x, height: 2 * box.y + line * (1 + node.lines.length) + 1 };
}

/** From the right side of one box to the left side of the next, through the gaps that dagre keeps free. */
function placeEdge(
  edge: GraphEdge,
  nodes: readonly PlacedNode[],
  { points, x, y }: PlacedLine,
): PlacedEdge[] {
  const from = nodes.find((n) => n.id === edge.from);
  const to = nodes.find((n) => n.id === edge.to);
  if (!from || !to) return [];
  const { padding, head } = SIZE.card;
  const start = { x: from.x + from.width, y: from.y + from.height / 2 };
  const end = { x: to.x, y: to.y + to.height / 2 };
  // three points are a straight line between neighbours
  const between =
    points.length <= 3 ? [] : points.slice(1, -1).map((p) => ({ x: p.x + padding, y: p.y + head }));
  const at = { x: (x ?? 0) + padding, y: (y ?? 0) + head };
  return [{ ...edge, points: [start, ...(edge.label === "" ? between : [at]), end], at }];
}

function messageOf(host: GraphHost): string[] {
  if (host.error !== undefined) return wrapText(host.error, 64);
  return host.nodes.length === 0 ? ["no macvlans, and no bridge with a hairpin port"] : [];
}

/** Arranges cards in columns, about as wide as a screen in total; each card goes to the shortest column. */
export function arrangeCards(cards: readonly Pick<PlacedHost, "width" | "height">[]): {
  places: Point[];
  width: number;
  height: number;
} {
  const column = Math.max(0, ...cards.map((c) => c.width)) + SIZE.gap;
  const area = cards.reduce((sum, c) => sum + column * (c.height + SIZE.gap), 0);
  const count = Math.max(1, Math.min(cards.length, Math.round(Math.sqrt(area * 1.5) / column)));
  const heights = Array<number>(count).fill(0);
  const places = cards.map(({ height }) => {
    const shortest = heights.indexOf(Math.min(...heights));
    const y = heights[shortest] ?? 0;
    heights[shortest] = y + height + SIZE.gap;
    return { x: shortest * column, y };
  });
  return { places, width: count * column - SIZE.gap, height: Math.max(0, ...heights) - SIZE.gap };
}

/** All text of a box, for the search. */
export function textOf(node: GraphNode): string {
  return [node.name, node.chip, ...node.lines.map((l: Line) => l.text)].join(" ");
}
