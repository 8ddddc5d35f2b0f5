/**
 * Seconds by the number of hosts as lines over a logarithmic grid, or as bars if there is one number of hosts only, in SVG:
 * a panel per round trip. Pure.
 */
import { threeDigits } from "./statistics";

export interface Line {
  readonly title: string;
  /** Of one of the classes of the style below. */
  readonly look: "own" | "floor" | "rival";
  /** Hosts and seconds; both above 0. */
  readonly points: readonly (readonly [hosts: number, seconds: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const WIDTH = 920;
const PANEL_HEIGHT = 380;
const LEFT = 56;
const RIGHT = 236;
const TOP = 44;
const BOTTOM = 44;
/** Between labels at the lines' ends, so that none covers another. */
const LABEL_STEP = 16;

const STYLE = `
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
    .title { font-weight: 600 }
    .small { font-size: 12px; fill: #57606a }
    .grid { stroke: #d8dee4; stroke-width: 1 }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round }
    .rival { stroke: #9a6700 }
    .own { stroke: #0969da; stroke-width: 4 }
    .floor { stroke: #57606a; stroke-dasharray: 6 4 }
    .dot.own { fill: #0969da }
    .dot.floor { fill: #57606a; stroke: none }
    .dot.rival { fill: #9a6700 }
    .lead { fill: none; stroke: #afb8c1; stroke-width: 1 }
    text.own { fill: #0969da; stroke: none; font-weight: 600 }
    text.floor { fill: #57606a; stroke: none }
    text.rival { fill: #7d4e00; stroke: none }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .small { fill: #9da7b3 }
      .grid { stroke: #30363d }
      .rival { stroke: #d29922 }
      .own { stroke: #58a6ff }
      .floor { stroke: #9da7b3 }
      .dot.own { fill: #0969da }
    .dot.floor { fill: #57606a; stroke: none }
    .dot.rival { fill: #9a6700 }
    .lead { stroke: #6e7681 }
      text.own { fill: #58a6ff }
      text.floor { fill: #9da7b3 }
      text.rival { fill: #e3b341 }
    }
  `;

/** @param described what the drawing shows, for those who do not see it */
export function renderPlot(title: string, described: string, panels: readonly Panel[]): string {
  const height = panels.length * PANEL_HEIGHT;
  const drawn = panels.map(
    (panel, i) => `<g transform="translate(0 ${i * PANEL_HEIGHT})">${drawPanel(panel)}\n  </g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
  <title id="title">${escape(title)}</title>
  <desc id="desc">${escape(described)}</desc>
  <style>${STYLE}</style>
  ${drawn.join("\n  ")}
</svg>
`;
}

function drawPanel({ title, lines }: Panel): string {
  const points = lines.flatMap((line) => line.points);
  const hosts = [...new Set(points.map(([n]) => n))].sort((a, b) => a - b);
  if (hosts.length === 1) return drawBars({ title, lines });
  const seconds = points.map(([, s]) => s);
  const x = scale([hosts[0] ?? 1, hosts.at(-1) ?? 1], [LEFT, WIDTH - RIGHT]);
  const [low, high] = decades(Math.min(...seconds), Math.max(...seconds));
  const y = scale([low, high], [PANEL_HEIGHT - BOTTOM, TOP]);
  const grid = ticks(low, high).map(
    (s) =>
      `<path class="grid" d="M${LEFT} ${at(y(s))}H${WIDTH - RIGHT}"/><text class="small" x="${LEFT - 8}" y="${at(y(s) + 4)}" text-anchor="end">${s} s</text>`,
  );
  const columns = hosts.map(
    (n) =>
      `<path class="grid" d="M${at(x(n))} ${TOP}V${PANEL_HEIGHT - BOTTOM}"/><text class="small" x="${at(x(n))}" y="${PANEL_HEIGHT - BOTTOM + 18}" text-anchor="middle">${n}</text>`,
  );
  const drawn = lines
    .filter((line) => line.points.length > 0)
    .flatMap(({ look, points: list }) => [
      `<path class="line ${look}" d="M${list.map(([n, s]) => `${at(x(n))} ${at(y(s))}`).join("L")}"/>`,
      ...list.map(([n, s]) => `<circle class="dot ${look}" cx="${at(x(n))}" cy="${at(y(s))}" r="3"/>`),
    ]);
  const ends = lines.flatMap((line) => {
    const end = line.points.at(-1);
    return end === undefined ? [] : [{ line, x: x(end[0]), y: y(end[1]), seconds: end[1] }];
  });
  const places = spreadOut(
    ends.map((end) => end.y),
    LABEL_STEP,
  );
  const edge = WIDTH - RIGHT + 6;
  const labels = ends.map(({ line, x: endX, y: endY }, i) => {
    const place = places[i] ?? endY;
    return (
      `<path class="lead" d="M${at(endX)} ${at(endY)}L${edge + 10} ${at(place)}"/>` +
      `<text class="${line.look}" x="${edge + 14}" y="${at(place + 4)}">${escape(line.title)}</text>`
    );
  });
  const heading = `<text class="title" x="${LEFT}" y="24">${escape(title)}</text>`;
  const axis = `<text class="small" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${PANEL_HEIGHT - 8}" text-anchor="middle">hosts</text>`;
  return ["", heading, ...grid, ...columns, ...labels, ...drawn, axis].join("\n    ");
}

/** A bar per line, each with its name and its seconds at its end. */
function drawBars({ title, lines }: Panel): string {
  const bars = lines.flatMap(({ title: name, look, points: [point] }) =>
    point === undefined ? [] : [{ name, look, seconds: point[1] }],
  );
  const step = Math.min(24, (PANEL_HEIGHT - TOP - BOTTOM) / bars.length);
  const most = Math.max(...bars.map(({ seconds }) => seconds));
  const drawn = bars.map(({ name, look, seconds }, i) => {
    const width = (seconds / most) * (WIDTH - RIGHT - LEFT);
    const y = TOP + i * step;
    return (
      `<rect class="dot ${look}" x="${LEFT}" y="${at(y)}" width="${at(width)}" height="${at(step - 4)}"/>` +
      `<text class="${look}" x="${at(LEFT + width + 8)}" y="${at(y + step / 2 + 3)}">${escape(name)}: ${threeDigits(seconds)} s</text>`
    );
  });
  return ["", `<text class="title" x="${LEFT}" y="24">${escape(title)}</text>`, ...drawn].join("\n    ");
}

/** A logarithmic scale. */
export function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  const length = Math.log(high / low);
  return (value) => (length === 0 ? (from + to) / 2 : from + (Math.log(value / low) / length) * (to - from));
}

/** 1, 2 and 5 of each power of ten in a range. */
export function ticks(low: number, high: number): number[] {
  const list: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const step of [1, 2, 5]) list.push(Number((step * 10 ** power).toPrecision(1)));
  return list.filter((tick) => tick >= low && tick <= high);
}

/** The range of ticks around some values. */
function decades(least: number, most: number): [number, number] {
  const around = ticks(least / 10, most * 10);
  const low = around.filter((tick) => tick <= least).at(-1) ?? least;
  const high = around.find((tick) => tick >= most && tick > low) ?? most;
  return [low, high];
}

/** Moves places apart until each two are at least `step` from each other, as little as possible, in their order. */
export function spreadOut(places: readonly number[], step: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  // groups of neighbours that touch are centred on the mean of where they want to be
  const groups: { wanted: number[]; start: number }[] = [];
  for (const { place } of order) {
    let group = { wanted: [place], start: place };
    for (
      let before = groups.at(-1);
      before && before.start + before.wanted.length * step > group.start;
      before = groups.at(-1)
    ) {
      groups.pop();
      const wanted: number[] = [...before.wanted, ...group.wanted];
      const starts = wanted.map((w, k) => w - k * step);
      group = { wanted, start: starts.reduce((sum, s) => sum + s, 0) / starts.length };
    }
    groups.push(group);
  }
  const moved = groups.flatMap(({ wanted, start }) => wanted.map((_, k) => start + k * step));
  const result = [...places];
  for (const [k, { i }] of order.entries()) result[i] = moved[k] ?? 0;
  return result;
}

const at = (value: number): string => String(Math.round(value * 10) / 10);

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
