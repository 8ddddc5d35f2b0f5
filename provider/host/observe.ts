/**
 * Reads a host: `observe.sh` prints all that any resource needs, in marked sections. This is the pure parser of its
 * output. The output of iproute2 is parsed in `iproute2/`.
 */
import { parseBootFiles, parseInit } from "../boot/read";
import {
  linksAndRoutes,
  parseHolders,
  parseNamespace,
  parseNewLinkSysctls,
  parseUnnamed,
  readNamespace,
} from "../iproute2/parse";
import { choosePortTool, parseSysfs } from "../iproute2/sysfs";
import { OLDEST_IPROUTE2, iproute2Version, isOlder } from "../iproute2/version";
import type { HostState, Netns } from "../model/host";
import { type HostFacts, type Observation, UNFINISHED } from "../model/observation";
import { parseMark } from "../model/owner";
import { shellScript, shellText } from "../shell/library";
import { sections } from "../shell/quote";
import { parseFeatures } from "./features";
import { parseManagementPath } from "./management-path";
import { parseManagers, parseNetworkFiles, parseProfiles } from "./managers";
import { parseRecord } from "./records";
/** The output of the script has no end: its shell was killed, or the connection was lost. */
export class TruncatedOutput extends Error {}

/**
 * Parses what `pm_observe` printed.
 *
 * @param known facts from an earlier observation of the host, which the script left out
 * @throws TruncatedOutput
 */
export function parseObservation(output: string, marker: string, known?: HostFacts): Observation {
  const all = sections(output, marker);
  // the first section of a name counts
  const texts = new Map(all.toReversed().map((s) => [s.name, s.text]));
  if (!texts.has("end")) throw new TruncatedOutput("the output of the script is incomplete");
  const text = (name: string): string => texts.get(name) ?? "";
  const namespaces = all.filter((s) => s.name.startsWith("netns ")).map((s) => s.name.slice("netns ".length));
  const records = jsonLines(text("records")).flatMap(({ id, value }) => parseRecord(id, value));
  const made = jsonLines(text("namespaces"));
  const iproute2 = known ? known.iproute2 : usableIproute2(text);
  const host = iproute2 === undefined ? undefined : readNamespace("", text, iproute2);
  const own = host ? parseNamespace(host, []) : parseSysfs(text("sysfs"));
  const inside = host ? namespaces.map((n) => readNamespace(n, text, host.iproute2)) : [];
  const others = inside.map((n) => parseNamespace(n, own));
  const hidden =
    iproute2 === undefined
      ? []
      : readUnnamed(all).flatMap(({ label, links }) => parseUnnamed(label, links, iproute2, own));
  const names = new Map(own.map((l) => [l.ifIndex, l.name]));
  const nameOf = (index: number): string | undefined => names.get(index);
  const facts = parseFacts(text, nameOf, known ?? parseLastingFacts(text, iproute2));
  const state: HostState = {
    links: [own, ...others, hidden].flat(),
    netns: namespaces.map((n, i) => ({
      ...parseNetns(n, text(`netns ${n}`), made),
      // each namespace has a link lo, but only root can enter a namespace
      ...(facts.root && others[i]?.length === 0 ? { isStale: true as const } : {}),
    })),
    records,
    bootFiles: parseBootFiles(all),
    newLinkSysctls: Object.fromEntries(
      (host ? [host, ...inside] : []).flatMap((n) => {
        const sysctls = parseNewLinkSysctls(n);
        return sysctls ? [[n.netns, sysctls]] : [];
      }),
    ),
  };
  const { addresses, routes } = host ? parseHolders(host) : NO_HOLDERS;
  return {
    facts,
    state,
    unreadable: [...(host ? [host] : []), ...inside].flatMap((n) => n.unreadable),
    ...(texts.has("unnamedleft") ? { unreadNamespaces: Number(text("unnamedleft").trim()) } : {}),
    managementPath: parseManagementPath(text("client"), state.links, addresses, routes),
    ...parseUnfinished(text("unfinished")),
    boots: text("boots").trim(),
  };
}

/** A namespace without a name, of a container or of any other process. */
interface UnnamedNamespace {
  readonly label: string;
  /** What `ip` printed of its links. */
  readonly links: string;
}

/** The namespaces without a name that have children of links, each with a label of its own. */
function readUnnamed(all: ReturnType<typeof sections>): UnnamedNamespace[] {
  const labels = new Set<string>();
  return all
    .filter((s) => s.name.startsWith("unnamed "))
    .map(({ name, text }) => {
      const pid = name.slice("unnamed ".length);
      const lines = text.split("\n");
      const label = labelOfNamespace(pid, lines);
      const own = labels.has(label) ? `${label}, process ${pid}` : label;
      labels.add(own);
      return { label: own, links: lines.find((line) => line.startsWith("[")) ?? "" };
    });
}

const RUNTIMES: ReadonlyMap<string, string> = new Map([
  ["docker", "docker"],
  ["libpod", "podman"],
  ["cri-containerd", "containerd"],
  ["crio", "CRI-O"],
]);

/** `container web (docker)`, `container 0123456789ab (containerd)` or `process 4242 (sleep)`. */
function labelOfNamespace(pid: string, lines: readonly string[]): string {
  const find = (word: string): string =>
    lines.find((l) => l.startsWith(`${word} `))?.slice(word.length + 1) ?? "";
  // the names of processes and containers are their users' to choose
  const plain = (text: string): string => text.replaceAll(/[^\w.:@+-]/g, "?");
  const [runtime = "", id = "", ...rest] = find("container").split(" ");
  const by = RUNTIMES.get(runtime);
  if (by === undefined) return `process ${pid} (${plain(find("process"))})`;
  const [, name] = /"\/?([^"/]+)"$/.exec(rest.join(" ")) ?? [];
  return `container ${name === undefined ? id.slice(0, 12) : plain(name)} (${by})`;
}

function parseUnfinished(text: string): Pick<Observation, "unfinished"> {
  const unfinished = UNFINISHED.find((state) => state === text.trim());
  return unfinished === undefined ? {} : { unfinished };
}

/** sysfs has no addresses. */
const NO_HOLDERS: ReturnType<typeof parseHolders> = { addresses: [], routes: [] };

/** Facts that no change of links affects. */
type LastingFacts = Pick<
  HostFacts,
  "machine" | "kernel" | "iproute2" | "ipVersionText" | "root" | "tools" | "lacks" | "portTool"
>;

function parseFacts(
  text: (name: string) => string,
  nameOf: (ifIndex: number) => string | undefined,
  lasting: LastingFacts & Partial<Pick<HostFacts, "vlanFiltering">>,
): HostFacts {
  const vlan = text("vlanfiltering").trim();
  return {
    ...lasting,
    vlanFiltering: vlan === "" ? lasting.vlanFiltering : vlan === "yes",
    wireless: [
      ...new Set(
        text("wireless")
          .split("\n")
          .flatMap((l) => l.split("/")[4] ?? []),
      ),
    ],
    ...parseInit(text("init")),
    managers: parseManagers(text("managers"), nameOf),
    networkFiles: parseNetworkFiles(text("managers")),
    ...parseProfiles(text("managers")),
  };
}

/** Parses the output of `pm_observe_facts`. */
function parseLastingFacts(text: (name: string) => string, iproute2: string | undefined): LastingFacts {
  const ipText = text("ip").trim();
  const tools = text("tools").split("\n").filter(Boolean);
  const features = Object.entries(parseFeatures(text("features")));
  return {
    machine: text("machine").trim().replace("\n", " "),
    kernel: text("kernel").trim(),
    iproute2,
    ipVersionText: ipText.split("\n")[0] ?? "",
    root: text("user").trim() === "0",
    tools,
    lacks: features.filter(([, feature]) => feature === "no").map(([module]) => module),
    portTool: choosePortTool(ipText, tools, text("brctl")),
  };
}

/** The version, if it prints links and routes as JSON. An older one counts as none. */
function usableIproute2(text: (name: string) => string): string | undefined {
  const version = iproute2Version(text("ip"));
  if (version === undefined || isOlder(version, OLDEST_IPROUTE2)) return undefined;
  const isJson = (printed: string): boolean => /^\s*(?:\[|$)/.test(printed);
  const [links, routes4] = linksAndRoutes(text("links"));
  return links.startsWith("[") && isJson(routes4) && isJson(text("routes6")) ? version : undefined;
}

/** Lines `NUMBER JSON`, the form of our records. Other lines are ignored. */
function jsonLines(text: string): { id: number; value: unknown }[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9]+) (.*)$/.exec(line);
    if (!match) return [];
    try {
      return [{ id: Number(match[1]), value: JSON.parse(match[2] ?? "") as unknown }];
    } catch {
      return []; // interrupted while it was written; the change that wrote it has been undone
    }
  });
}

/** @param made the records of namespaces that resources of this package made */
function parseNetns(name: string, text: string, made: ReturnType<typeof jsonLines>): Netns {
  const inode = Number(/^\s*([0-9]+)/.exec(text)?.[1]);
  const record = made.find(
    ({ id, value }) => id === inode && (value as { name?: unknown } | null)?.name === name,
  );
  const mark = parseMark(record?.value);
  return mark === undefined ? { name } : { name, mark };
}

/** Defines `pm_observe`, which prints all that any resource needs to know. It only reads. */
export function observeFunction(): string {
  return shellText("holder", "sysfs", "client", "managers", "features", "boot-observe", "observe");
}

/** The script that only reads the host. */
export function observeScript(marker: string): string {
  return shellScript({ M: marker, PM_KNOWN: "" }, observeFunction(), "pm_observe\n");
}
