/** Judges a host's abilities, with advice about missing ones. Pure. */
import type { Feature } from "../../host/features";
import { OLDEST_IPROUTE2, isOlder } from "../../iproute2/version";
import { KERNEL_TYPES, KINDS } from "../../kinds";
import { NEWER_PROPERTIES, isKernelTooOld } from "../../kinds/iproute2-support";
import type { KernelType } from "../../kinds/kind";
import { unreadableLines } from "../../kinds/unreadable";
import { carrierFault, describeFault } from "../../kinds/lan/carrier";
import { childrenOf, nameAndPlace, portKindOf } from "../../model/host";
import { hasIPv6 } from "../../plan/kernel/sysctls";
import { type Examined, WRITTEN } from "./probe";

/**
 * `missing`: something that the provider does will fail. `failed`: a check of a link did not pass. `note`: it works, with a
 * remark.
 */
export type Status = "ok" | "note" | "missing" | "failed";

export interface Check {
  readonly check: string;
  readonly status: Status;
  readonly found: string;
  /** What to do. */
  readonly advice?: string;
}

/** All checks of a host, the most basic ones first. */
export function judgeHost(examined: Examined): Check[] {
  return [
    login(examined),
    ...iproute2(examined),
    ...kernelAge(examined),
    ...unreadable(examined),
    ...features(examined),
    hairpin(examined),
    ...writable(examined),
    flock(examined),
    wireless(examined),
    ...ipv6(examined),
    ...carriers(examined),
    ...macHeadroom(examined),
    ...managers(examined),
    boot(examined),
  ];
}

function login({ user, become, notRoot, observation }: Examined): Check {
  if (notRoot !== undefined) return missing("login", `${user}, not root`, notRoot);
  const found = become === "none" ? user : `${user}, by ${become}`;
  return observation.facts.root
    ? ok("login", found)
    : missing("login", `${found}, not root`, "Log in as root, or set become to sudo or doas.");
}

function iproute2({ observation: { facts } }: Examined): Check[] {
  const { iproute2: version, ipVersionText } = facts;
  const advice = `Install iproute2 ${OLDEST_IPROUTE2} or newer; without it only hairpin on existing bridges can be set.`;
  if (version === undefined) {
    return [missing("iproute2", ipVersionText === "" ? "no ip command" : ipVersionText, advice)];
  }
  const lacks = NEWER_PROPERTIES.filter((since) => isOlder(version, since.version)).map(
    (since) => `${since.property} (${since.version})`,
  );
  const json = `${version}, prints JSON`;
  return [
    lacks.length === 0
      ? ok("iproute2", json)
      : note("iproute2", json, `Too old for ${lacks.join(" and ")}; all else works.`),
  ];
}

/** Properties that the kernel would ignore. */
function kernelAge({ observation: { facts } }: Examined): Check[] {
  const lacks = NEWER_PROPERTIES.filter((newer) => isKernelTooOld(facts.kernel, newer)).map(
    (newer) => `${newer.property} (${newer.kernel})`,
  );
  return lacks.length === 0
    ? []
    : [note("kernel", facts.kernel, `Too old for ${lacks.join(" and ")}; all else works.`)];
}

function unreadable({ observation }: Examined): Check[] {
  return unreadableLines(observation).map((line) =>
    note("ip's output", line, "The rest is managed. Report the line if the link or route is a usual one."),
  );
}

/** The resources and parents that need a kernel type. */
function purposeOf({ word, besides = "" }: KernelType): string {
  const classes = Object.values(KINDS).filter(({ link }) => link.word === word);
  return classes.map(({ type }) => type).join(" and ") + besides;
}

function features({ abilities, observation }: Examined): Check[] {
  const words: Readonly<Record<Feature, string>> = {
    yes: "in the kernel",
    module: "as a module",
    no: `not in ${observation.facts.kernel}`,
    unknown: "unknown",
  };
  const checks = [...KERNEL_TYPES.values()].flatMap((type) => {
    const { module: name } = type;
    if (name === undefined) return [];
    const purpose = purposeOf(type);
    const feature = abilities.features[name] ?? "unknown";
    if (feature === "yes" || feature === "module") return ok(name, words[feature]);
    if (feature === "unknown")
      return note(name, words[feature], `Try "modinfo ${name}" on the host. It is needed for ${purpose}.`);
    const advice = `It is needed for ${purpose}: install all of the kernel's modules (linux-modules-extra on Ubuntu), or another kernel.`;
    return type.isNeeded === true
      ? missing(name, words[feature], advice)
      : note(name, words[feature], advice);
  });
  const { vlanFiltering, portTool } = observation.facts;
  const filter =
    vlanFiltering === undefined
      ? note(
          "vlan filtering",
          "unknown without a bridge",
          "It can be seen only if there is a bridge. It is needed for vlanFiltering.",
        )
      : vlanFiltering
        ? portTool === "bridge"
          ? ok("vlan filtering", "in the kernel")
          : note(
              "vlan filtering",
              "in the kernel, no bridge command",
              "vlans of bridges and their ports are refused at preview: install iproute2's bridge.",
            )
        : note("vlan filtering", "not in the kernel", "vlanFiltering: true is refused at preview.");
  return [...checks.slice(0, 2), filter, ...checks.slice(2)];
}

function hairpin({ observation: { facts } }: Examined): Check {
  switch (facts.portTool) {
    case "bridge":
    case "ip":
      return ok("hairpin", `by ${facts.portTool}`);
    case "brctl":
      return note(
        "hairpin",
        "by brctl",
        "It sets hairpin, cost and priority; iproute2's bridge sets all options.",
      );
    case "sysfs":
      return note(
        "hairpin",
        "by sysfs",
        "Works as long as /sys is writable; iproute2's bridge is the usual tool.",
      );
  }
}

function writable({ abilities, notRoot }: Examined): Check[] {
  const [sysctl, run] = WRITTEN;
  const check = (name: string, path: string, advice: string): Check => {
    if (abilities.writable.includes(path)) return ok(name, "writable");
    return notRoot === undefined
      ? missing(name, "read-only", advice)
      : note(name, "not checked as root", "See login.");
  };
  return [
    check(
      "sysctls",
      sysctl,
      'A HostShim with arp: "exclusive" sets arp_filter: mount /proc/sys writable (containers: privileged).',
    ),
    check("/run", run, "Who owns which link, and how to undo a change, is kept there: mount it writable."),
  ];
}

function flock({ observation: { facts } }: Examined): Check {
  return facts.tools.includes("flock")
    ? ok("locking", "by flock")
    : note("locking", "no flock", "A symbolic link is used instead; util-linux contains flock.");
}

function ipv6({ observation: { facts, state } }: Examined): Check[] {
  // without a usable iproute2 this was not read
  if (facts.iproute2 === undefined) return [];
  return [
    hasIPv6(state)
      ? ok("IPv6", "in the kernel")
      : note(
          "IPv6",
          "not in the kernel",
          "No link can have an IPv6 address: see ipv6.disable in /proc/cmdline.",
        ),
  ];
}

function wireless({ observation: { facts } }: Examined): Check {
  return facts.wireless.length === 0
    ? ok("Wi-Fi", "no wireless links")
    : note(
        "Wi-Fi",
        facts.wireless.join(", "),
        "802.11 allows one MAC address per station, so macvlans do not work there: use IpvlanInterface.",
      );
}

/** Links below others that are down or have no carrier. */
function carriers({ observation: { state } }: Examined): Check[] {
  const faults = new Map<string, string[]>();
  for (const { name, netns, parent } of state.links) {
    const fault = parent === "" ? undefined : carrierFault(state, parent);
    if (!fault) continue;
    const text = describeFault(fault);
    faults.set(text, [...(faults.get(text) ?? []), nameAndPlace({ name, netns })]);
  }
  return [...faults].map(([fault, above]) =>
    note("carrier", fault, `Nothing arrives at ${above.join(", ")}: see the cable and the switch port.`),
  );
}

/**
 * How many unicast addresses a NIC filters. The kernel cannot report it; the figures are from the sources of drivers
 * and QEMU (hw/net/virtio-net.c MAC_TABLE_ENTRIES; e1000e and igb rar_entry_count; ixgbe IXGBE_*_RAR_ENTRIES).
 */
const FILTERS: ReadonlyMap<string, number> = new Map([
  ["virtio_net", 64],
  ["e1000", 15],
  ["e1000e", 15],
  ["igb", 16],
  ["ixgbe", 128],
]);

function macHeadroom({ abilities, observation }: Examined): Check[] {
  return abilities.nics.flatMap(({ name, driver }) => {
    const most = FILTERS.get(driver);
    const macvlans = childrenOf(observation.state, name).filter((l) => portKindOf(l.kind) === "macvlan");
    const used = macvlans.length + 1;
    const label = `MACs of ${name}`;
    if (most === undefined)
      return used === 1 ? [] : [ok(label, `${used} (${driver}: its limit is not known)`)];
    const found = `${used} of about ${most} (${driver})`;
    return used <= most
      ? [ok(label, found)]
      : [
          note(
            label,
            found,
            "Beyond its limit a NIC receives all frames (promiscuous mode), which works but costs CPU.",
          ),
        ];
  });
}

const MANAGERS: ReadonlyMap<string, string> = new Map([
  [
    "systemd-networkd",
    "It leaves unknown links alone. On links that it manages, a restart removes foreign addresses and " +
      "routes: set ManageForeignRoutes=no and KeepConfiguration=yes there.",
  ],
  [
    "NetworkManager",
    "It shows macvlans as connected externally and leaves them alone. To make sure, set unmanaged-devices=type:macvlan.",
  ],
]);

function managers({ abilities }: Examined): Check[] {
  if (abilities.managers.length === 0) return [ok("managers", "no network manager runs")];
  return abilities.managers.map((name) => {
    const advice = MANAGERS.get(name) ?? "Make sure that it leaves the links of your stack alone.";
    return note("managers", name, advice);
  });
}

function boot({ observation: { facts } }: Examined): Check {
  const refused = (needs: string): string => `persist: true is refused: it needs ${needs}.`;
  if (facts.init === undefined) return note("boot", "no init system", refused("systemd, OpenRC or ifupdown"));
  if (!facts.tools.includes("sha256sum"))
    return note("boot", `${facts.init}, no sha256sum`, refused("sha256sum, of coreutils or busybox"));
  return ok("boot", facts.init);
}

function ok(check: string, found: string): Check {
  return { check, status: "ok", found };
}

function note(check: string, found: string, advice: string): Check {
  return { check, status: "note", found, advice };
}

function missing(check: string, found: string, advice: string): Check {
  return { check, status: "missing", found, advice };
}
