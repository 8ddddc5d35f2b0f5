/** The boot files of a host: parses the output of `boot-observe.sh`. */
import { bootNameOf } from "../model/boot-names";
import type { BootFile } from "../model/host";
import type { Init } from "../model/observation";
import { type OwnerMark, markOf, parseMark } from "../model/owner";
import { sections } from "../shell/quote";

/** The line that marks a file as ours, with its owner and link. */
const MARK = "# pulumi-macvlan ";

/** The owner and the link of a boot file. */
export interface BootMark extends OwnerMark {
  readonly resource: string;
  readonly name: string;
  readonly netns: string;
}

/** The mark line of a boot file. Its JSON has no line break, and ends with a brace. */
export function markLine({ resource, name, netns, ...mark }: BootMark): string {
  return MARK + JSON.stringify({ ...markOf(mark), resource, name, netns });
}

/** The init system that is running, and whether udev reports links to it. */
export function parseInit(text: string): { init: Init | undefined; udev: boolean } {
  const found = text.split("\n");
  const init = found.includes("/run/systemd/system")
    ? "systemd"
    : found.includes("/run/openrc")
      ? "openrc"
      : found.includes("/etc/network/interfaces")
        ? "ifupdown"
        : undefined;
  return { init, udev: found.includes("/run/udev/control") };
}

/** The boot files that `pm_observe_boot` has listed. */
export function parseBootFiles(all: ReturnType<typeof sections>): BootFile[] {
  const lines = (name: string): string[] => all.find((s) => s.name === name)?.text.split("\n") ?? [];
  const digests = new Map(
    lines("bootdigests").flatMap((line) => {
      const match = /^([0-9a-f]{64}) [ *](\/.*)$/.exec(line);
      return match ? [[match[2] ?? "", match[1] ?? ""] as const] : [];
    }),
  );
  const marks = new Map(
    lines("bootmarks").flatMap((line) => {
      const at = line.indexOf(`:${MARK}`);
      const mark = at < 0 ? undefined : readMark(line.slice(at + 1 + MARK.length));
      return mark === undefined ? [] : [[line.slice(0, at), mark] as const];
    }),
  );
  return lines("bootlist").flatMap((line) => {
    // mode, links, user, group, size, a date of several forms, path (POSIX.1, ls: -l and -n)
    const match = /^([-l][-a-zA-Z]{9})\S* +[0-9]+ +([0-9]+) +([0-9]+) .*? (\/etc\/.*)$/.exec(line);
    const [, mode = "", user = "", group = "", name = ""] = match ?? [];
    const [path = "", target] = mode.startsWith("l") ? name.split(" -> ") : [name];
    const bootName = bootNameOf(path);
    if (bootName === undefined) return [];
    const mark = marks.get(path);
    const writer = user === "0" && group === "0" ? "" : ` of ${user}:${group}`;
    const is =
      target === undefined ? `${octal(mode)} ${digests.get(path) ?? "unread"}${writer}` : `-> ${target}`;
    return [{ path, bootName, ...(mark === undefined ? {} : { mark }), is }];
  });
}

function readMark(json: string): OwnerMark | undefined {
  try {
    return parseMark(JSON.parse(json));
  } catch {
    return undefined; // not our line
  }
}

/** `-rwxr-xr-x` → `755`; a letter for anything that is neither set nor clear (set-user-ID, sticky). */
function octal(mode: string): string {
  const groups = mode.slice(1).match(/.../g) ?? [];
  const bits = (g: string): number[] => [4, 2, 1].map((bit, i) => (g[i] === "-" ? 0 : bit));
  const digit = (g: string): string =>
    /^[r-][w-][x-]$/.test(g) ? String(bits(g).reduce((sum, bit) => sum + bit)) : g;
  return groups.map(digit).join("");
}
