/** Hosts as a Mermaid flowchart, which GitHub and GitLab draw in Markdown. Pure. */
import type { GraphHost, GraphNode } from "./model";

/** A flowchart with one subgraph per host. */
export function mermaidText(hosts: readonly GraphHost[]): string {
  const lines = ["flowchart LR"];
  const drifted: string[] = [];
  hosts.forEach((host, h) => {
    const ids = new Map(host.nodes.map((node, n) => [node.id, `h${h}n${n}`]));
    lines.push(`  subgraph h${h}["${escape(host.label)}"]`);
    if (host.nodes.length === 0) lines.push(`    h${h}e["${escape(host.error ?? "no macvlans")}"]`);
    for (const node of host.nodes) {
      const id = ids.get(node.id) ?? "";
      lines.push(`    ${id}["${nodeText(node)}"]`);
      if (node.hasDrift) drifted.push(id);
    }
    for (const { from, to, label } of host.edges) {
      const arrow = label === "" ? "---" : `---|${escape(label)}|`;
      lines.push(`    ${ids.get(from) ?? ""} ${arrow} ${ids.get(to) ?? ""}`);
    }
    lines.push("  end");
  });
  if (drifted.length > 0) {
    lines.push("  classDef drift stroke:#a8500a,stroke-width:2px", `  class ${drifted.join(",")} drift`);
  }
  return `${lines.join("\n")}\n`;
}

function nodeText(node: GraphNode): string {
  const lines = node.lines.map(({ text, tone }) => escape(tone === "drift" ? `drift: ${text}` : text));
  return [`<b>${escape(node.name)}</b> ${escape(node.chip)}`, ...lines].join("<br/>");
}

/** Escapes characters that are special in Mermaid or HTML (Mermaid, entity codes). */
function escape(text: string): string {
  return text.replace(/[^A-Za-z0-9 .,:/_→-]/gu, (c) => `#${c.codePointAt(0) ?? 0};`);
}
