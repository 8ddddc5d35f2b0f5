/** Placed hosts as a self-contained page that searches, zooms and prints, and loads nothing. Pure. */
import { type PlacedHost, textOf } from "./layout";
import { PAGE_STYLE, STYLE } from "./style";
import { escapeXml, hostCard } from "./svg";

/** Pixels, chosen so that a usual screen has two columns. */
const WIDEST_COLUMN = 640;

export function htmlDocument(hosts: readonly PlacedHost[], title: string): string {
  const drifted = hosts.filter((h) => h.nodes.some((n) => n.hasDrift)).length;
  const summary = `${hosts.length} host${hosts.length === 1 ? "" : "s"}${drifted === 0 ? "" : `, ${drifted} with drift`}`;
  // a card that is wider than its column is drawn smaller
  const column = Math.min(WIDEST_COLUMN, Math.ceil(Math.max(0, ...hosts.map((h) => h.width))));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeXml(title)}</title>
<style>
${STYLE}
${PAGE_STYLE}
</style>
</head>
<body>
<header>
<h1>${escapeXml(title)}</h1>
<p id="summary">${summary}</p>
<div class="tools">
<label><input type="checkbox" id="drifted"> drift only</label>
<input type="search" id="search" placeholder="host, link, MAC, address" aria-label="search">
<button id="smaller" aria-label="smaller">−</button>
<button id="usual" aria-label="usual size">100 %</button>
<button id="larger" aria-label="larger">+</button>
</div>
</header>
<main id="hosts" style="--column:${column}">
${hosts.map(hostSection).join("\n")}
</main>
${LEGEND}
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function hostSection(placed: PlacedHost): string {
  const { host, nodes, width, height } = placed;
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const drift = nodes.some((n) => n.hasDrift) ? " data-drift" : "";
  const words = [host.label, host.error ?? "", ...nodes.map(textOf)].join(" ").toLowerCase();
  return `<section style="--width:${w}"${drift} data-text="${escapeXml(words)}">
<svg viewBox="0 0 ${w} ${h}" role="img" aria-label="${escapeXml(host.label)}">
${hostCard(placed)}
</svg>
</section>`;
}

const LEGEND = `<ul class="legend">
${(
  [
    ["nic", "NIC, VLAN or bond"],
    ["bridge", "bridge, with the ports that hairpin"],
    ["macvlan", "macvlan, with its mode"],
    ["shim", "shim: the host's own macvlan, through which it reaches the others"],
    ["drift", "drift: changed since the last run"],
  ] as const
)
  .map(([kind, meaning]) => `<li><i style="--of:var(--${kind})"></i>${meaning}</li>`)
  .join("\n")}
</ul>`;

/** Runs in the reader's browser. */
const SCRIPT = `
const all = [...document.querySelectorAll("section")];
const [search, drifted, summary] = ["search", "drifted", "summary"].map((id) => document.getElementById(id));
const words = summary.textContent;
function show() {
  const text = search.value.trim().toLowerCase();
  let shown = 0;
  for (const section of all) {
    const fits = section.dataset.text.includes(text) && (!drifted.checked || "drift" in section.dataset);
    section.hidden = !fits;
    if (fits) shown++;
    for (const node of section.querySelectorAll(".node")) {
      const has = text !== "" && node.querySelector("title").textContent.toLowerCase().includes(text);
      node.classList.toggle("hit", has);
    }
  }
  summary.textContent = shown === all.length ? words : shown + " of " + words;
}
search.addEventListener("input", show);
drifted.addEventListener("change", show);
addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== search) { event.preventDefault(); search.focus(); }
  if (event.key === "Escape") { search.value = ""; show(); }
});
let zoom = 1;
function scale(to) {
  zoom = Math.min(4, Math.max(0.25, to));
  document.getElementById("hosts").style.setProperty("--zoom", zoom);
  document.getElementById("usual").textContent = Math.round(zoom * 100) + " %";
}
document.getElementById("smaller").addEventListener("click", () => scale(zoom / 1.25));
document.getElementById("larger").addEventListener("click", () => scale(zoom * 1.25));
document.getElementById("usual").addEventListener("click", () => scale(1));
`;
