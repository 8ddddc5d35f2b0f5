/** The report as Markdown for a comment on a change request (GitHub's and GitLab's dialects). Pure. */
import { oneLine } from "../table";
import {
  type Report,
  type ReportedHost,
  type ReportedLink,
  count,
  countActions,
  countWords,
  hasDrift,
  isQuiet,
  summarise,
} from "./model";

/** The longest comment for GitHub (its API refuses more than 65,536 characters), with room for a job's own text. */
export const COMMENT_LENGTH = 60_000;

/**
 * The report for a comment. It begins with an invisible HTML comment, by which a job finds its previous one. Hosts
 * whose details would exceed `limit` characters are only in the table.
 */
export function reportMarkdown(report: Report, limit = COMMENT_LENGTH): string {
  const head = [
    `<!-- pulumi-macvlan report ${report.stack.replace(/-{2,}|[<>]/g, "")} -->`,
    `### pulumi-macvlan: ${code(report.stack)}`,
    summarise(report),
    ...report.errors.map((error) => `**The preview failed:**\n\n${fence(error, "")}`),
    ...hostTable(report.hosts),
  ];
  const others = countWords(Object.entries(report.others).flatMap(([op, n]) => Array<string>(n).fill(op)));
  const foot = others === "" ? [] : [`Resources of other providers: ${others}.`];
  const parts = [...head, ...foot];
  let length = parts.join("\n\n").length + 200;
  let left = 0;
  const details: string[] = [];
  for (const host of report.hosts.filter(hasDetails)) {
    const text = hostDetails(host);
    length += text.length + 2;
    if (length > limit) left++;
    else details.push(text);
  }
  const more =
    left === 0
      ? []
      : [`The details of ${count(left, "host")} are too long for a comment: see the job's log.`];
  return `${[...head, ...details, ...more, ...foot].join("\n\n")}\n`;
}

function hasDetails(host: ReportedHost): boolean {
  return host.error !== undefined || host.notes.length > 0 || host.links.some((l) => !isQuiet(l));
}

function hostTable(hosts: readonly ReportedHost[]): string[] {
  if (hosts.length === 0) return [];
  const rows = hosts.map((host) => {
    const actions = countActions(host.links) || "nothing";
    const drifted = host.links.filter(hasDrift).map((l) => code(l.label));
    return [
      code(host.host),
      String(host.links.length),
      host.error === undefined ? actions : "**could not be read**",
      drifted.join(", "),
    ];
  });
  return [table(["host", "links", "to do", "drift"], rows)];
}

function hostDetails(host: ReportedHost): string {
  const parts = [
    `#### ${code(host.host)}`,
    ...(host.error === undefined ? [] : [fence(host.error, "")]),
    ...host.notes.map((note) => `_${text(note)}_`),
    ...host.links.filter((l) => !isQuiet(l)).map((link) => linkDetails(link, host.host)),
  ];
  return parts.join("\n\n");
}

function linkDetails(link: ReportedLink, host: string): string {
  const rows = link.differences.map((d) => [code(d.property), code(d.wanted), code(d.found), d.cause]);
  const commands = link.commands.join("\n");
  const parts = [
    `**${link.action}** ${code(link.label)} (${link.type} ${code(link.resource)})`,
    ...(rows.length === 0 ? [] : [table(["property", "wanted", "found", "cause"], rows)]),
    ...checkRows(link),
    ...link.problems.map((problem) => `**would fail:** ${code(problem)}`),
    ...link.notes.map((note) => `_${text(note)}_`),
    ...(commands === ""
      ? []
      : [
          `<details><summary>${count(link.commands.length, "command")} on ${html(host)}</summary>\n\n` +
            `${fence(commands, "sh")}\n\n</details>`,
        ]),
  ];
  return parts.join("\n\n");
}

function checkRows({ checks = [] }: ReportedLink): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map(({ check, property, passed, ms = 0, failure = "" }) => {
    if (passed === true) return [code(check), "passed", `${ms} ms`];
    if (passed === false) return [code(check), "**failed**", code(failure)];
    return [`${code(property)} ${code(check)}`, "not run", "–"];
  });
  return [table(["check", "result", "round trip or answer"], rows)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => ":--")), ...rows.map(line)].join("\n");
}

/**
 * Text from outside as code, also in tables, so that it contains no link, mention or HTML (GFM 6.3, and 4.10 on the
 * pipe). A backtick within needs a longer fence.
 */
function code(raw: string): string {
  const shown = oneLine(raw).replaceAll("|", "\\|");
  if (shown.trim() === "") return "–";
  const fenced = "`".repeat(longestRun(shown) + 1);
  const pad = shown.startsWith("`") || shown.endsWith("`") ? " " : "";
  return `${fenced}${pad}${shown}${pad}${fenced}`;
}

function fence(raw: string, language: string): string {
  const marks = "`".repeat(Math.max(3, longestRun(raw) + 1));
  const lines = raw.split("\n").map(oneLine).join("\n");
  return `${marks}${language}\n${lines}\n${marks}`;
}

function longestRun(raw: string): number {
  return Math.max(0, ...[...raw.matchAll(/`+/g)].map(([run]) => run.length));
}

function html(raw: string): string {
  return oneLine(raw).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function text(raw: string): string {
  return oneLine(raw).replace(/[\\`*_{}[\]<>#|@~]/g, "\\$&");
}
