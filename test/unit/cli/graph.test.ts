import assert from "node:assert/strict";
import fc from "fast-check";
import { htmlDocument } from "../../../provider/cli/graph/html";
import { type PlacedNode, arrangeCards, placeHost } from "../../../provider/cli/graph/layout";
import { mermaidText } from "../../../provider/cli/graph/mermaid";
import { type GraphHost, type GraphNode, graphHost } from "../../../provider/cli/graph/model";
import { svgDocument } from "../../../provider/cli/graph/svg";
import type { ReportedHost, ReportedLink } from "../../../provider/cli/report/model";
import { CORPUS, answersOf, observe } from "../iproute2/corpus";
import { link, macvlan, observed } from "../../support/hosts";

const seen = {
  label: "node1",
  observation: observed([
    macvlan("web", { netns: "blue", addresses: [{ cidr: "192.0.2.10/24" }] }),
    macvlan("shim0", { routes: [{ to: "192.0.2.10/32" }] }),
    link("br0", "bridge"),
    link("v0", "veth", { settings: { "link.master": "br0", "port.hairpin": "on" } }),
    link("docker0", "bridge"),
    link("eth0.10", "vlan", { parent: "eth0", settings: { "type.id": "10" } }),
  ]),
};

const reported = (name: string, more: Partial<ReportedLink>): ReportedLink => ({
  resource: name,
  type: "MacvlanInterface",
  label: `${name}@eth0`,
  link: { name, netns: "" },
  parent: "eth0",
  action: "update",
  differences: [],
  commands: [],
  problems: [],
  notes: [],
  ...more,
});

const drift = { property: "mtu", found: "1400", wanted: "1500", cause: "drift" } as const;
const gone = { property: "name", found: "none", wanted: "old@eth0", cause: "drift" } as const;
const report: ReportedHost = {
  host: "node1",
  notes: [],
  links: [
    reported("web", { link: { name: "web", netns: "blue" }, differences: [drift] }),
    reported("old", { differences: [gone] }),
  ],
};

const boxes = (host: GraphHost): string[] => host.nodes.map((n) => `${n.kind} ${n.name} ${n.chip}`);
const lines = (host: GraphHost): string[] => host.edges.map((e) => `${e.from} ${e.to} ${e.label}`.trim());

describe("the drawing of a host", () => {
  it("draws links of any name and kind, as versions of iproute2 print them", async () => {
    for (const { told, file } of CORPUS.filter(({ from }) => from.startsWith("package"))) {
      const { batch, routes6 } = answersOf(file);
      const odd = batch.replaceAll("snow☃", "snow\uFFFE\uD800").replaceAll('"dummy"', '"macvlan"');
      const host = graphHost(
        { label: "node1", observation: observe(told, { batch: odd, routes6 }) },
        undefined,
      );
      const drawing = svgDocument([await placeHost(host)], "hosts");
      // https://www.w3.org/TR/xml/#charsets
      assert.doesNotMatch(drawing, /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u, file);
      for (const name of ["constructor", "__proto__", "snow\\ufffe\\ud800", "}],[{"])
        assert.ok(drawing.includes(name), name);
      assert.ok(mermaidText([host]).includes("constructor"));
    }
  });

  it("has macvlans and what they sit on, hairpin ports and their bridge, and nothing else", () => {
    const host = graphHost(seen, undefined);
    assert.deepEqual(boxes(host), [
      "nic eth0 NIC",
      "macvlan web bridge",
      "shim shim0 shim",
      "bridge br0 bridge",
      "nic v0 veth",
    ]);
    assert.deepEqual(lines(host), ["/eth0 blue/web", "/eth0 /shim0", "/v0 /br0 hairpin"]);
  });

  it("marks drift, and shows what is gone", () => {
    const { nodes } = graphHost(seen, report);
    const marks = nodes.filter((n) => n.hasDrift).map((n) => [n.name, n.state, n.lines.at(-1)]);
    assert.deepEqual(marks, [
      ["web", "up", { text: "mtu: found 1400, wanted 1500", tone: "drift" }],
      ["old", "absent", { text: "missing", tone: "drift" }],
    ]);
  });

  it("lists some routes and counts the rest", () => {
    const routes = Array.from({ length: 20 }, (_, i) => ({ to: `192.0.2.${i}/32` }));
    const many = graphHost(
      { label: "node1", observation: observed([macvlan("shim0", { routes })]) },
      undefined,
    );
    const shim = many.nodes.find((n) => n.name === "shim0");
    assert.deepEqual(
      shim?.lines.slice(-2).map((l) => l.text),
      ["→ 192.0.2.5/32", "and 14 more"],
    );
  });

  it("is a flowchart in Mermaid in which text stays text", () => {
    const evil = { label: 'a"];b', observation: observed([macvlan('x"<b>#`')]) };
    assert.equal(
      mermaidText([graphHost(seen, report), graphHost(evil, undefined)]),
      `flowchart LR
  subgraph h0["node1"]
    h0n0["<b>eth0</b> NIC<br/>02:77:00:00:00:02"]
    h0n1["<b>web</b> bridge<br/>netns blue<br/>02:00:5e:00:53:10<br/>192.0.2.10/24<br/>drift: mtu: found 1400, wanted 1500"]
    h0n2["<b>shim0</b> shim<br/>02:00:5e:00:53:10<br/>→ 192.0.2.10/32"]
    h0n3["<b>br0</b> bridge<br/>02:77:00:00:00:09"]
    h0n4["<b>v0</b> veth<br/>02:77:00:00:00:09"]
    h0n5["<b>old</b> macvlan<br/>drift: missing"]
    h0n0 --- h0n1
    h0n0 --- h0n2
    h0n4 ---|hairpin| h0n3
    h0n0 --- h0n5
  end
  subgraph h1["a#34;#93;#59;b"]
    h1n0["<b>eth0</b> NIC<br/>02:77:00:00:00:02"]
    h1n1["<b>x#34;#60;b#62;#35;#96;</b> bridge<br/>02:00:5e:00:53:10"]
    h1n0 --- h1n1
  end
  classDef drift stroke:#a8500a,stroke-width:2px
  class h0n1,h0n5 drift
`,
    );
  });

  it("lets nothing of a host be markup, and loads nothing", async () => {
    const evil = { label: "</title><script>x", observation: observed([macvlan('"><script>')]) };
    const placed = await placeHost(graphHost(evil, undefined));
    for (const text of [htmlDocument([placed], "</title><script>x"), svgDocument([placed], "<x")]) {
      assert.ok(!/<script>[x"]|"><script>/.test(text));
      assert.ok(!/(?:src|href)=|url\(|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/.test(text));
    }
  });

  it("says why a host is not drawn", async () => {
    const placed = await placeHost(
      graphHost({ label: "node9", error: `cannot connect: ${"x".repeat(100)}` }, undefined),
    );
    assert.deepEqual(placed.message, ["cannot connect:", "x".repeat(64), "x".repeat(36)]);
  });
});

const overlaps = (a: PlacedNode, b: PlacedNode): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const node = (id: string, text: string): GraphNode => ({
  ...{ id, kind: "macvlan", name: id, chip: "bridge", state: "up", hasDrift: false },
  lines: [{ text, tone: "plain" }],
});

describe("the layout", () => {
  it("lets no two boxes overlap, and keeps all of them on their card", async () => {
    const shape = fc.array(
      fc.record({ below: fc.nat(30), text: fc.string({ maxLength: 50 }), label: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 25,
      },
    );
    await fc.assert(
      fc.asyncProperty(shape, async (links) => {
        const nodes = links.map(({ text }, i) => node(`n${i}`, text));
        const edges = links.flatMap(({ below, label }, i) =>
          i > 0 ? [{ from: `n${below % i}`, to: `n${i}`, label: label ? "hairpin" : "" }] : [],
        );
        const placed = await placeHost({ label: "node1", nodes, edges });
        placed.nodes.forEach((a, i) => {
          for (const b of placed.nodes.slice(i + 1)) assert.ok(!overlaps(a, b), `${a.id} ${b.id}`);
          assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= placed.width && a.y + a.height <= placed.height);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("puts siblings in the order in which they are given", async () => {
    const nodes = ["top", "a", "b", "c"].map((id) => node(id, ""));
    const edges = ["a", "b", "c"].map((to) => ({ from: "top", to, label: "" }));
    const placed = await placeHost({ label: "node1", nodes, edges });
    const children = placed.nodes.slice(1).toSorted((one, other) => one.y - other.y);
    assert.deepEqual(
      children.map((n) => n.id),
      ["a", "b", "c"],
    );
  });

  it("arranges cards without overlap, about as wide as a screen", () => {
    const cards = Array.from({ length: 50 }, (_, i) => ({ width: 400, height: 100 + ((i * 37) % 300) }));
    const { places, width, height } = arrangeCards(cards);
    const ratio = width / height;
    assert.ok(ratio > 1 && ratio < 2.4, String(ratio));
    const at = places.map((p, i) => ({ ...p, ...(cards[i] ?? { width: 0, height: 0 }) }));
    at.forEach((a, i) => {
      for (const b of at.slice(i + 1)) assert.ok(!overlaps(a as PlacedNode, b as PlacedNode));
    });
    assert.equal(arrangeCards([]).places.length, 0);
  });
});
