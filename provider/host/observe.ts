/**
 * Reading a host: one POSIX shell fragment that prints all that any resource needs, in marked sections, and the
 * parser of what it printed, which is pure. What iproute2 prints of links is for `iproute2.ts` to read.
 */
import { OBSERVE_BOOT_FUNCTION, parseBootFiles, parseInit } from "../boot/read";
import { linksAndRoutes, parseHolders, parseNamespace, readNamespace } from "../iproute2/parse";
import { SYSFS_FUNCTION, choosePortTool, parseSysfs } from "../iproute2/sysfs";
import { OLDEST_IPROUTE2, iproute2Version, isOlder } from "../iproute2/version";
import type { HostState, LinkRecord, Netns } from "../model/host";
import { type HostFacts, type Observation, UNFINISHED } from "../model/observation";
import { ENVIRONMENT, RUN_DIRECTORY } from "../shell/library";
import { quote, sections } from "../shell/quote";
import { FEATURES_FUNCTION, parseFeatures } from "./features";
import { CLIENT_FUNCTION, parseManagementPath } from "./management-path";
import { MANAGERS_FUNCTION, parseManagers } from "./managers";
/** The sysctls that are looked at, and set, a link. */
const SYSCTLS = ["ipv4/arp_filter", "ipv4/arp_notify", "ipv6/ndisc_notify"] as const;

/**
 * Defines `pm_observe`. `$M` is the marker. Only reads. `ip -n` and `ip netns exec` are given names that the host
 * itself listed. sysfs is read where iproute2 cannot print JSON, so that such a host is recognised for what it is.
 * Where `$PM_KNOWN` is set, what no change of links changes is left out: kernel, login, programs.
 *
 * Starting a program takes a host one or two milliseconds, and on a fleet that adds up: files of a few lines are read
 * by the shell itself, and programs are started for what only they can tell.
 */
export const OBSERVE_FUNCTION = `${SYSFS_FUNCTION}${CLIENT_FUNCTION}${MANAGERS_FUNCTION}${FEATURES_FUNCTION}${OBSERVE_BOOT_FUNCTION}
PM_SYSCTLS='grep -H "" ${SYSCTLS.map((s) => `/proc/sys/net/${s.replace("/", "/conf/*/")}`).join(" ")} 2>/dev/null'
pm_section_of() { # NAMESPACE-OR-NOTHING PREFIX...
  s=$1; shift
  # one process for both: a line of JSON each
  echo "$M links$s"; "$@" -j -d -batch - 2>/dev/null <<'pm_end'
address show
route show table main
pm_end
  r=$("$@" -j -6 route show table main 2>/dev/null)
  # iproute2 4.14 has -j, and prints routes as text all the same
  case $r in "["*) PM_JSON=yes;; *) PM_JSON='';; esac
  echo "$M routes6$s"; printf '%s\\n' "$r"
}
pm_vlan_filtering() { # a bridge tells; while there is none the kernel's configuration does, where it is to be had
  for b in /sys/class/net/*/bridge; do
    [ -e "$b" ] || continue
    [ -e "$b/vlan_filtering" ] && echo yes || echo no
    return
  done
  [ -z "$PM_KNOWN" ] || return
  pm_config
  case $PM_CONFIG in *CONFIG_BRIDGE_VLAN_FILTERING=y*) echo yes;; *CONFIG_BRIDGE=*) echo no;; esac
}
pm_cat() { # FILE...: those of them that are there
  for f in "$@"; do
    [ -e "$f" ] && while IFS= read -r l || [ -n "$l" ]; do printf '%s\\n' "$l"; done 2>/dev/null < "$f"
  done
}
pm_unfinished() { # a change that has begun and not ended holds the lock, or nobody does
  [ -e ${RUN_DIRECTORY}/undo ] || [ -e ${RUN_DIRECTORY}/undo.left ] || return
  if command -v flock >/dev/null 2>&1; then
    flock -n -s ${RUN_DIRECTORY}/lock true 2>/dev/null
    [ $? = 1 ] && echo "under way" || echo "cut off"
  else
    h=; w=; read -r h w 2>/dev/null < ${RUN_DIRECTORY}/lock.d/pid
    { [ -n "$h" ] && { kill -0 "$h" || kill -0 "\${w:-$h}"; } 2>/dev/null; } && echo "under way" || echo "cut off"
  fi
}
pm_user() { # the number of the effective one (proc_pid_status(5))
  while read -r k r e l; do
    [ "$k" = Uid: ] && { echo "$e"; return; }
  done 2>/dev/null < /proc/self/status
  id -u
}
pm_observe_facts() {
  echo "$M machine"; pm_cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/net
  echo "$M kernel"; pm_kernel; echo "$PM_KERNEL"
  echo "$M user"; pm_user
  v=; command -v ip >/dev/null 2>&1 && v=$(ip -V 2>&1)
  echo "$M ip"; printf '%s\\n' "$v"
  echo "$M tools"
  for t in ip bridge brctl flock systemctl sha256sum; do command -v "$t" >/dev/null 2>&1 && echo "$t"; done
  echo "$M brctl"
  case $v in
    *iproute2*) ;; # sets the ports' options itself
    *) command -v brctl >/dev/null 2>&1 && brctl --version 2>&1 | head -n 2;;
  esac
  echo "$M features"; pm_features
}
pm_observe() {
  echo "$M client"; pm_client
  [ -n "$PM_KNOWN" ] || pm_observe_facts
  pm_section_of "" ip; j=$PM_JSON
  echo "$M sysctls"; eval "$PM_SYSCTLS"
  for n in /run/netns/* /var/run/netns/*; do
    [ -e "$n" ] || continue
    case $n in /var/run/*) [ -e "/run/netns/\${n##*/}" ] && continue;; esac
    n=\${n##*/}
    # no resource can name others, and what echo and the reader make of these is anybody's guess
    case $n in *[!A-Za-z0-9_.:@+-]*) continue;; esac
    echo "$M netns $n"; ls -di "/run/netns/$n" 2>/dev/null
    pm_section_of " $n" ip -n "$n"
    # sysctl files are of the namespace of the process that lists them
    echo "$M sysctls $n"; ip netns exec "$n" sh -c "$PM_SYSCTLS" </dev/null 2>/dev/null
  done
  echo "$M wireless"
  for w in /sys/class/net/*/phy80211 /sys/class/net/*/wireless; do [ -e "$w" ] && echo "$w"; done
  echo "$M vlanfiltering"; pm_vlan_filtering
  echo "$M managers"; pm_managers
  echo "$M records"; pm_cat ${RUN_DIRECTORY}/links/*
  echo "$M namespaces"; pm_cat ${RUN_DIRECTORY}/netns/*
  pm_observe_boot
  echo "$M boots"; pm_cat ${RUN_DIRECTORY}/boots
  echo "$M unfinished"; pm_unfinished
  echo "$M sysfs"; [ -n "$j" ] || pm_sysfs
  echo "$M end"
}
`;

/** The host's answer has no end: its shell was killed, or the connection went away under it. */
export class TruncatedOutput extends Error {}

/**
 * Parses what `pm_observe` printed.
 *
 * @param known what was left out, from an earlier reading of the host
 * @throws CutShort
 */
export function parseObservation(output: string, marker: string, known?: HostFacts): Observation {
  const all = sections(output, marker);
  // the first of a name counts
  const texts = new Map(all.toReversed().map((s) => [s.name, s.text]));
  if (!texts.has("end")) throw new TruncatedOutput("the host's answer was cut short before its end");
  const text = (name: string): string => texts.get(name) ?? "";
  const namespaces = all.filter((s) => s.name.startsWith("netns ")).map((s) => s.name.slice("netns ".length));
  const records = jsonLines(text("records")).flatMap(({ id, value }) => parseRecord(id, value));
  const made = jsonLines(text("namespaces"));
  const iproute2 = known ? known.iproute2 : usableIproute2(text);
  const host = iproute2 === undefined ? undefined : readNamespace("", text);
  const own = host ? parseNamespace(host, []) : parseSysfs(text("sysfs"));
  const inside = host ? namespaces.map((n) => readNamespace(n, text)) : [];
  const others = inside.map((n) => parseNamespace(n, own));
  const names = new Map(own.map((l) => [l.ifIndex, l.name]));
  const nameOf = (index: number): string | undefined => names.get(index);
  const facts = parseFacts(text, nameOf, known ?? parseLastingFacts(text, iproute2));
  const state: HostState = {
    links: [own, ...others].flat(),
    netns: namespaces.map((n) => parseNetns(n, text(`netns ${n}`), made)),
    records,
    bootFiles: parseBootFiles(all),
  };
  const { addresses, routes } = host ? parseHolders(host) : NO_HOLDERS;
  return {
    facts,
    state,
    unreadable: [...(host ? [host] : []), ...inside].flatMap((n) => n.unreadable),
    managementPath: parseManagementPath(text("client"), state.links, addresses, routes),
    ...parseUnfinished(text("unfinished")),
    boots: text("boots").trim(),
  };
}

function parseUnfinished(text: string): Pick<Observation, "unfinished"> {
  const unfinished = UNFINISHED.find((state) => state === text.trim());
  return unfinished === undefined ? {} : { unfinished };
}

/** sysfs knows no addresses. */
const NO_HOLDERS: ReturnType<typeof parseHolders> = { addresses: [], routes: [] };

/** What no change of links changes. */
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
  };
}

/** What `pm_observe_facts` printed. */
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

/** The version, provided that it prints links and routes as JSON: what is too old for that counts like none. */
function usableIproute2(text: (name: string) => string): string | undefined {
  const version = iproute2Version(text("ip"));
  if (version === undefined || isOlder(version, OLDEST_IPROUTE2)) return undefined;
  const isJson = (printed: string): boolean => /^\s*(?:\[|$)/.test(printed);
  const [links, routes4] = linksAndRoutes(text("links"));
  return links.startsWith("[") && isJson(routes4) && isJson(text("routes6")) ? version : undefined;
}

/** Lines `NUMBER JSON`, as our records are kept; a line that is not one is nobody's. */
function jsonLines(text: string): { id: number; value: unknown }[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9]+) (.*)$/.exec(line);
    if (!match) return [];
    try {
      return [{ id: Number(match[1]), value: JSON.parse(match[2] ?? "") as unknown }];
    } catch {
      return []; // cut off while it was written; the change that wrote it has been undone
    }
  });
}

function parseRecord(ifIndex: number, value: unknown): LinkRecord[] {
  const r = value as Partial<LinkRecord> | null;
  if (typeof r?.name !== "string" || typeof r.netns !== "string" || typeof r.owner !== "string") return [];
  return [
    {
      name: r.name,
      netns: r.netns,
      ifIndex,
      owner: r.owner,
      resource: typeof r.resource === "string" ? r.resource : "",
      made: r.made === true,
      restore: Array.isArray(r.restore) ? r.restore : [],
    },
  ];
}

/** @param made the records of namespaces that our resources made */
function parseNetns(name: string, text: string, made: ReturnType<typeof jsonLines>): Netns {
  const inode = Number(/^\s*([0-9]+)/.exec(text)?.[1]);
  const record = made.find(
    ({ id, value }) => id === inode && (value as { name?: unknown } | null)?.name === name,
  );
  const owner = (record?.value as { owner?: unknown } | undefined)?.owner;
  return typeof owner === "string" ? { name, owner } : { name };
}

/** The script that only looks. */
export function observeScript(marker: string): string {
  return `pm_main() {
${ENVIRONMENT}
M=${quote(marker)}; PM_KNOWN=
${OBSERVE_FUNCTION}pm_observe
}
pm_main </dev/null
`;
}
