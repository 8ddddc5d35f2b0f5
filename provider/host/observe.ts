/**
 * Reading a host: one POSIX shell fragment that prints all that any resource needs, in marked sections, and the
 * parser of what it printed, which is pure. What iproute2 prints of links is for `iproute2.ts` to read.
 */
import { OBSERVE_BOOT_FUNCTION, parseBootFiles, parseInit } from "../boot/read";
import type { HostState, LinkRecord, Netns } from "../plan/model";
import { parseHolders, parseNamespace } from "./iproute2";
import { OLDEST_IPROUTE2, iproute2Version, isOlder } from "./iproute2-version";
import { CLIENT_FUNCTION, parseLifeline } from "./lifeline";
import { type HostFacts, type Observation, UNFINISHED } from "./observation";
import { MANAGERS_FUNCTION, parseManagers } from "./managers";
import { SYSFS_FUNCTION, choosePortTool, parseSysfs } from "./old-userland";
import { sections } from "./shell";

/** Where the host keeps what it has to remember; like the links themselves it does not survive a reboot. */
export const RUN_DIRECTORY = "/run/pulumi-macvlan";

/** The sysctls that are looked at, and set, a link. */
const SYSCTLS = ["ipv4/arp_filter", "ipv4/arp_notify", "ipv6/ndisc_notify"] as const;

/**
 * Defines `pm_observe`. `$M` is the marker. Only reads. `ip -n` and `ip netns exec` are given names that the host
 * itself listed. sysfs is read where iproute2 cannot print JSON, so that such a host is recognised for what it is.
 */
export const OBSERVE_FUNCTION = `${SYSFS_FUNCTION}${CLIENT_FUNCTION}${MANAGERS_FUNCTION}${OBSERVE_BOOT_FUNCTION}
PM_SYSCTLS='grep -H "" ${SYSCTLS.map((s) => `/proc/sys/net/${s.replace("/", "/conf/*/")}`).join(" ")} 2>/dev/null'
pm_section_of() { # NAMESPACE-OR-NOTHING PREFIX...
  s=$1; shift
  echo "$M links$s"; "$@" -j -d address show 2>/dev/null
  echo "$M routes4$s"; "$@" -j -4 route show table main 2>/dev/null
  echo "$M routes6$s"; "$@" -j -6 route show table main 2>/dev/null
}
pm_vlan_filtering() { # a bridge tells; while there is none the kernel's configuration does, where it is to be had
  for b in /sys/class/net/*/bridge; do
    [ -e "$b" ] || continue
    [ -e "$b/vlan_filtering" ] && echo yes || echo no
    return
  done
  c=$({ cat "/boot/config-$(uname -r)" || zcat /proc/config.gz; } 2>/dev/null | grep '^CONFIG_BRIDGE[_=]')
  case $c in *VLAN_FILTERING=y*) echo yes;; *CONFIG_BRIDGE=*) echo no;; esac
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
pm_observe() {
  echo "$M machine"; cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/net
  echo "$M kernel"; uname -r
  echo "$M user"; id -u
  echo "$M client"; pm_client
  echo "$M ip"; command -v ip >/dev/null 2>&1 && ip -V 2>&1
  echo "$M tools"
  for t in ip bridge brctl flock systemctl sha256sum; do command -v "$t" >/dev/null 2>&1 && echo "$t"; done
  echo "$M brctl"; command -v brctl >/dev/null 2>&1 && brctl --version 2>&1 | head -n 2
  pm_section_of "" ip
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
  echo "$M records"; cat ${RUN_DIRECTORY}/links/* 2>/dev/null
  echo "$M namespaces"; cat ${RUN_DIRECTORY}/netns/* 2>/dev/null
  pm_observe_boot
  echo "$M boots"; cat ${RUN_DIRECTORY}/boots 2>/dev/null
  echo "$M unfinished"; pm_unfinished
  # iproute2 4.14 has -j, and prints routes as text all the same
  echo "$M sysfs"; case $(ip -j -4 route show table main 2>/dev/null) in "["*) ;; *) pm_sysfs;; esac
  echo "$M end"
}
`;

/** The host's answer has no end: its shell was killed, or the connection went away under it. */
export class CutShort extends Error {}

/** Parses what `pm_observe` printed. @throws CutShort */
export function parseObservation(output: string, marker: string): Observation {
  const all = sections(output, marker);
  if (!all.some((s) => s.name === "end")) {
    throw new CutShort("the host's answer was cut short before its end");
  }
  const text = (name: string): string => all.find((s) => s.name === name)?.text ?? "";
  const namespaces = all.filter((s) => s.name.startsWith("netns ")).map((s) => s.name.slice("netns ".length));
  const records = jsonLines(text("records")).flatMap(({ id, value }) => parseRecord(id, value));
  const iproute2 = usableIproute2(text);
  const own = iproute2 === undefined ? parseSysfs(text("sysfs")) : parseNamespace("", text, []);
  const others = iproute2 === undefined ? [] : namespaces.map((n) => parseNamespace(n, text, own));
  const facts = parseFacts(text, iproute2, (index) => own.find((l) => l.ifIndex === index)?.name);
  const state: HostState = {
    links: [own, ...others].flat(),
    netns: namespaces.map((n) => parseNetns(n, text)),
    records,
    bootFiles: parseBootFiles(all),
  };
  const { addresses, routes } = iproute2 === undefined ? NO_HOLDERS : parseHolders(text);
  return {
    facts,
    state,
    lifeline: parseLifeline(text("client"), state.links, addresses, routes),
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

function parseFacts(
  text: (name: string) => string,
  iproute2: string | undefined,
  nameOf: (ifIndex: number) => string | undefined,
): HostFacts {
  const ipText = text("ip").trim();
  const tools = text("tools").split("\n").filter(Boolean);
  const vlan = text("vlanfiltering").trim();
  return {
    machine: text("machine").trim().replace("\n", " "),
    kernel: text("kernel").trim(),
    iproute2,
    ipVersionText: ipText.split("\n")[0] ?? "",
    root: text("user").trim() === "0",
    tools,
    wireless: [
      ...new Set(
        text("wireless")
          .split("\n")
          .flatMap((l) => l.split("/")[4] ?? []),
      ),
    ],
    vlanFiltering: vlan === "" ? undefined : vlan === "yes",
    portTool: choosePortTool(ipText, tools, text("brctl")),
    ...parseInit(text("init")),
    managers: parseManagers(text("managers"), nameOf),
  };
}

/** The version, provided that it prints links and routes as JSON: what is too old for that counts like none. */
function usableIproute2(text: (name: string) => string): string | undefined {
  const version = iproute2Version(text("ip"));
  if (version === undefined || isOlder(version, OLDEST_IPROUTE2)) return undefined;
  const isJson = (name: string): boolean => /^\s*(?:\[|$)/.test(text(name));
  return text("links").trimStart().startsWith("[") && isJson("routes4") && isJson("routes6")
    ? version
    : undefined;
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

function parseNetns(name: string, text: (name: string) => string): Netns {
  const inode = Number(/^\s*([0-9]+)/.exec(text(`netns ${name}`))?.[1]);
  const made = jsonLines(text("namespaces")).find(
    ({ id, value }) => id === inode && (value as { name?: unknown } | null)?.name === name,
  );
  const owner = (made?.value as { owner?: unknown } | undefined)?.owner;
  return typeof owner === "string" ? { name, owner } : { name };
}
