/** Placed hosts as SVG. Pure. */
import {
  type PlacedEdge,
  type PlacedHost,
  type PlacedNode,
  SIZE,
  arrangeCards,
  shorten,
  textOf,
} from "./layout";
import { STYLE } from "./style";

/** A self-contained drawing of all hosts, which follows the reader's light or dark setting. */
export function svgDocument(hosts: readonly PlacedHost[], title: string): string {
  const { places, width, height } = arrangeCards(hosts);
  const margin = SIZE.gap;
  const cards = hosts.map((host, i) => {
    const { x, y } = places[i] ?? { x: 0, y: 0 };
    return `<g transform="translate(${round(x + margin)} ${round(y + margin)})">\n${hostCard(host)}\n</g>`;
  });
  const [w, h] = [round(width + 2 * margin), round(height + 2 * margin)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
<rect class="page" width="${w}" height="${h}"/>
${cards.join("\n")}
</svg>
`;
}

/** A host's card, without the surrounding element. */
export function hostCard({ host, nodes, edges, message, width, height }: PlacedHost): string {
  const drifted = nodes.filter((n) => n.hasDrift).length;
  const children = nodes.filter((n) => n.kind === "macvlan" || n.kind === "shim").length;
  const counts = host.error === undefined ? `${children} macvlan${children === 1 ? "" : "s"}` : "not read";
  const { padding, head } = SIZE.card;
  const lines = message.map((line, i) => text("dim", padding, head + (i + 0.7) * SIZE.line, line));
  return [
    `<rect class="card" x=".5" y=".5" width="${round(width - 1)}" height="${round(height - 1)}" rx="9"/>`,
    text("host", padding, 28, host.label),
    text("count", width - padding, 28, drifted === 0 ? counts : `${counts}, ${drifted} drifted`),
    ...lines,
    ...edges.map(edgePath),
    ...nodes.map(nodeBox),
    ...edges.map(edgeLabel).filter((label) => label !== ""),
  ].join("\n");
}

function nodeBox(node: PlacedNode): string {
  const { x, y, width, height } = node;
  const classes = ["node", node.kind, node.state, ...(node.hasDrift ? ["drifted"] : [])].join(" ");
  const left = x + SIZE.box.x;
  const first = y + SIZE.box.y + 12;
  return [
    `<g class="${classes}">`,
    `<title>${escapeXml(textOf(node))}</title>`,
    `<rect class="box" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="6"/>`,
    `<rect class="stripe" x="${round(x)}" y="${round(y + 6)}" width="3.5" height="${round(height - 12)}" rx="1.5"/>`,
    text("name", left, first, node.name),
    text("chip", x + width - SIZE.box.x, first, node.chip),
    ...node.lines.map((line, i) => text(line.tone, left, first + (i + 1) * SIZE.line, shorten(line.text))),
    "</g>",
  ].join("\n");
}

/** A curve with horizontal ends. */
function edgePath({ points, label }: PlacedEdge): string {
  const [start, ...rest] = points;
  if (!start) return "";
  let from = start;
  const curves = rest.map((to) => {
    const middle = round((from.x + to.x) / 2);
    const curve = `C${middle} ${round(from.y)} ${middle} ${round(to.y)} ${round(to.x)} ${round(to.y)}`;
    from = to;
    return curve;
  });
  return `<path class="edge${label === "" ? "" : " hairpin"}" d="M${round(start.x)} ${round(start.y)}${curves.join("")}"/>`;
}

function edgeLabel({ label, at }: PlacedEdge): string {
  if (label === "") return "";
  const width = label.length * SIZE.chip.character + 10;
  return (
    `<rect class="label" x="${round(at.x - width / 2)}" y="${round(at.y - 8)}" width="${round(width)}" height="16"/>` +
    `<text class="on" x="${round(at.x)}" y="${round(at.y + 3.5)}">${escapeXml(label)}</text>`
  );
}

function text(classes: string, x: number, y: number, content: string): string {
  return `<text class="${classes}" x="${round(x)}" y="${round(y)}">${escapeXml(content)}</text>`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

/** Text for XML and HTML. Characters that XML 1.0 does not allow have been escaped before. */
export function escapeXml(raw: string): string {
  return raw.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
