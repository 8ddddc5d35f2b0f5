/** The links that systemd-networkd and NetworkManager manage, from their own output (`managers.sh`). */
import { matchesGlob } from "../ssh/config/patterns";
import type { HostFacts, LinkManager, LinkProfile, NetworkFile } from "../model/observation";

/** @param nameOf returns the name of a link of the host's own namespace by its index */
export function parseManagers(text: string, nameOf: (ifIndex: number) => string | undefined): LinkManager[] {
  const byNetworkd = text
    .split(/^networkd /m)
    .slice(1)
    .flatMap((part) => {
      const [index = "", ...lines] = part.split("\n");
      const value = (key: string): string | undefined =>
        lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
      const link = nameOf(Number(index));
      const file = value("NETWORK_FILE");
      // networkctl(1): a link without a file is unmanaged, and a file may make it unmanaged too
      if (link === undefined || file === undefined || value("ADMIN_STATE") === "unmanaged") return [];
      return [{ link, by: "systemd-networkd" as const, file }];
    });
  return [...byNetworkd, ...text.split("\n").flatMap(parseNmcli)];
}

/** `nm eth0:connected:Wired connection 1`, colons within a field escaped (nmcli(1), --terse). */
function parseNmcli(line: string): LinkManager[] {
  if (!line.startsWith("nm ")) return [];
  const [link = "", state = "", file = ""] = line
    .slice(3)
    .split(/(?<!\\):/)
    .map((field) => field.replace(/\\(.)/g, "$1"));
  const isManaged = /^connect/.test(state) && !state.includes("externally");
  return isManaged ? [{ link, by: "NetworkManager", ...(file === "" ? {} : { file }) }] : [];
}

/**
 * systemd-networkd's files from the output of `pm_managers`: `netfile PATH` for each, and `PATH:LINE` for each line.
 */
export function parseNetworkFiles(text: string): NetworkFile[] {
  const lines = text.split("\n");
  const paths = lines.flatMap((line) => (line.startsWith("netfile ") ? [line.slice("netfile ".length)] : []));
  const contents = new Map<string, string[]>();
  for (const line of lines) {
    const [, path, content = ""] = /^(\/[^:]+\.(?:network|conf)):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    // a drop-in, NAME.network.d/*.conf, belongs to each file of that name
    const key = path.replace(/^.*\/(?=[^/]+\.network\.d\/)/, "").replace(/\.d\/.*$/, "");
    const known = contents.get(key);
    if (known) known.push(content);
    else contents.set(key, [content]);
  }
  return paths.map((path) => {
    const own = contents.get(path) ?? [];
    const dropIns = contents.get(path.slice(path.lastIndexOf("/") + 1)) ?? [];
    const entries = [...sectionEntries(own), ...sectionEntries(dropIns)];
    const match = entries.flatMap(({ section, key, value }): [string, string][] =>
      section === "Match" && value !== "" ? [[key, value]] : [],
    );
    const unmanaged = entries.findLast(({ section, key }) => section === "Link" && key === "Unmanaged");
    return {
      path,
      match,
      isUnmanaged: /^(?:1|yes|y|true|t|on)$/i.test(unmanaged?.value ?? ""),
      ...(own.length === 0 && dropIns.length === 0 ? { isMasked: true } : {}),
    };
  });
}

/** What `pm_profiles` printed: `PATH:LINE` of the files of other programs, and the names of those that run. */
export function parseProfiles(text: string): Required<Pick<HostFacts, "profiles" | "unmanaged">> {
  const files = new Map<string, string[]>();
  const running = text.split("\n").filter((line) => line === "dhcpcd" || line === "connman");
  for (const line of text.split("\n")) {
    const [, path, content = ""] = /^(\/[^:]+):(.*)$/.exec(line) ?? [];
    if (path === undefined || /\/systemd\/network\//.test(path)) continue;
    const known = files.get(path);
    if (known) known.push(content);
    else files.set(path, [content]);
  }
  const all = [...files];
  const keyfiles = all.filter(([path]) => path.includes("/system-connections/"));
  const of = (part: string): [string, string[]][] => all.filter(([path]) => path.includes(part));
  const other = /\/(?:NetworkManager|netplan|network-scripts|connman)\/|\/dhcpcd\.conf$/;
  return {
    profiles: [
      ...keyfiles.flatMap(([path, lines]) => keyfileProfile(path, sectionEntries(lines))),
      ...of("/network-scripts/").flatMap(([path, lines]) => ifcfgProfile(path, lines)),
      ...stanzas(all.filter(([path]) => !other.test(path))),
      ...of("/netplan/").flatMap(([path, lines]) => netplanProfiles(path, lines)),
      ...(running.includes("dhcpcd") ? [dhcpcdProfile(files.get(DHCPCD) ?? [])] : []),
      ...(running.includes("connman") ? [connmanProfile(files.get(CONNMAN) ?? [])] : []),
    ],
    unmanaged: unmanagedLists(
      all.flatMap(([path, lines]) =>
        path.includes("/NetworkManager/") && path.endsWith(".conf") ? sectionEntries(lines) : [],
      ),
    ),
  };
}

const DHCPCD = "/etc/dhcpcd.conf";
const CONNMAN = "/etc/connman/main.conf";

type Entry = ReturnType<typeof sectionEntries>[number];

/**
 * nm-settings-keyfile(5). Without a name, a profile is for all links of its type, or for those of `[match]`. What
 * `no-auto-default` is about, profiles that NetworkManager makes up, is only ever for Ethernet NICs.
 */
function keyfileProfile(path: string, entries: readonly Entry[]): LinkProfile[] {
  const value = (section: string, key: string): string | undefined =>
    entries.find((e) => e.section === section && e.key === key)?.value;
  const type = value("connection", "type");
  if (type === undefined || isNo(value("connection", "autoconnect"))) return [];
  const name = value("connection", "interface-name");
  const listed = (value("match", "interface-name") ?? "").split(/[;,\s]+/).filter((item) => item !== "");
  const isNegative = (item: string): boolean => /^[|&]?!/.test(item);
  const bare = (item: string): string => item.replace(/^[|&]?!?/, "");
  const names = name === undefined ? listed.filter((item) => !isNegative(item)).map(bare) : [escaped(name)];
  const except = listed.filter(isNegative).map(bare);
  return [
    {
      ...{ by: "NetworkManager", path, type },
      ...(names.length === 0 ? {} : { names }),
      ...(except.length === 0 ? {} : { except }),
    },
  ];
}

/** A pattern that only this name matches. */
function escaped(name: string): string {
  return name.replace(/[*?[\\]/g, "\\$&");
}

/** RHEL's ifcfg files, of the network scripts and of NetworkManager's plugin for them (nm-settings-ifcfg-rh(5)). */
function ifcfgProfile(path: string, lines: readonly string[]): LinkProfile[] {
  const value = (key: string): string | undefined =>
    lines
      .findLast((line) => line.trimStart().startsWith(`${key}=`))
      ?.trim()
      .slice(key.length + 1)
      .replaceAll(/["']/g, "");
  if (isNo(value("ONBOOT")) || /(?:\.bak|\.orig|\.rpm\w+|~)$/.test(path)) return [];
  const [name, mac] = [value("DEVICE"), value("HWADDR")];
  if (name === undefined && mac === undefined) return [];
  return [
    {
      ...{ by: "ifcfg", path },
      ...(name === undefined ? {} : { names: [escaped(name)] }),
      ...(mac === undefined ? {} : { macAddress: mac.toLowerCase() }),
    },
  ];
}

/** dhcpcd.conf(5): without a list, dhcpcd configures all links. */
function dhcpcdProfile(lines: readonly string[]): LinkProfile {
  const listed = (word: string): string[] =>
    lines.flatMap((line) => {
      const [key, ...names] = line.trim().split(/[\s,]+/);
      return key === word ? names.filter((name) => name !== "") : [];
    });
  const [names, except] = [listed("allowinterfaces"), listed("denyinterfaces")];
  return {
    ...{ by: "dhcpcd", path: DHCPCD },
    ...(names.length === 0 ? {} : { names }),
    ...(except.length === 0 ? {} : { except }),
  };
}

/** connman.conf(5), with its default list of beginnings of names. */
function connmanProfile(lines: readonly string[]): LinkProfile {
  const [value = "vmnet,vboxnet,virbr,ifb,ve-,vb-,ham,veth"] = lines.flatMap((line) => {
    const [, list] = /^\s*NetworkInterfaceBlacklist\s*=(.*)$/.exec(line) ?? [];
    return list === undefined ? [] : [list];
  });
  const beginnings = value.split(/[\s,;]+/).filter((beginning) => beginning !== "");
  return { by: "connman", path: CONNMAN, except: beginnings.map((beginning) => `${escaped(beginning)}*`) };
}

/** A mapping of a netplan file, by the lines that are printed of it. */
interface NetplanEntry {
  readonly indent: number;
  readonly key: string;
  readonly value: string;
}

/** netplan's types, in iproute2's words, for which a file stands by name; the type of a NIC is any. */
const NETPLAN_TYPES: Readonly<Record<string, string>> = {
  ...{ ethernets: "", bridges: "bridge", bonds: "bond", vlans: "vlan", vrfs: "vrf" },
  ...{ "dummy-devices": "dummy", "virtual-ethernets": "veth", tunnels: "", wifis: "", modems: "" },
};

/**
 * netplan(5), of files that nothing was generated from yet: the next boot does it. For NetworkManager, a definition is only
 * for links of its type.
 */
function netplanProfiles(path: string, lines: readonly string[]): LinkProfile[] {
  const entries = lines.flatMap((line): NetplanEntry[] => {
    const [, indent = "", key, value = ""] = /^( *)["']?([^"':\s]+)["']?\s*:\s*(.*)$/.exec(line) ?? [];
    return key === undefined
      ? []
      : [{ indent: indent.length, key, value: value.replace(/(?:^|\s)#.*$/, "").trim() }];
  });
  const sections = within(entries, "network");
  const isByNetworkManager = (list: readonly NetplanEntry[]): boolean | undefined => {
    const renderer = list.find(({ key }) => key === "renderer")?.value;
    return renderer === undefined ? undefined : unquoted(renderer) === "NetworkManager";
  };
  const byDefault = isByNetworkManager(topOf(sections)) ?? false;
  return Object.entries(NETPLAN_TYPES).flatMap(([section, type]) => {
    const definitions = within(sections, section);
    return topOf(definitions).flatMap(({ key: id }): LinkProfile[] => {
      const definition = within(definitions, id);
      const nm = isByNetworkManager(topOf(definition)) ?? byDefault;
      const matching = definition.find(({ key }) => key === "match");
      const match = [...within(definition, "match"), ...flowEntries(matching?.value ?? "")];
      const of = (key: string): string[] =>
        match.filter((e) => e.key === key).flatMap((e) => e.value.replace(/^\[|\]$/g, "").split(","));
      const [name, mac, drivers] = [of("name"), of("macaddress"), of("driver")].map((l) => l.map(unquoted));
      const names = matching === undefined ? [escaped(id)] : name;
      return [
        {
          ...{ by: "netplan", path },
          ...(names === undefined || names.length === 0 ? {} : { names }),
          ...(mac?.[0] === undefined ? {} : { macAddress: mac[0].toLowerCase() }),
          ...(drivers === undefined || drivers.length === 0 ? {} : { drivers }),
          ...(nm ? { type: type === "" ? "ethernet" : type } : {}),
        },
      ];
    });
  });
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, "$2");
}

/** `{name: "mac*", driver: x}` */
function flowEntries(text: string): NetplanEntry[] {
  const [, inside = ""] = /^\{(.*)\}$/.exec(text.trim()) ?? [];
  return inside.split(",").flatMap((part) => {
    const [key = "", ...value] = part.split(":");
    return value.length === 0 ? [] : [{ indent: 0, key: unquoted(key), value: value.join(":").trim() }];
  });
}

/** The entries of the first mapping of that name. */
function within(entries: readonly NetplanEntry[], name: string): NetplanEntry[] {
  const at = entries.findIndex(({ key }) => key === name);
  const indent = entries[at]?.indent;
  if (indent === undefined) return [];
  const after = entries.slice(at + 1);
  const end = after.findIndex((e) => e.indent <= indent);
  return end < 0 ? after : after.slice(0, end);
}

/** The entries that are in no mapping of these. */
function topOf(entries: readonly NetplanEntry[]): NetplanEntry[] {
  const indent = Math.min(...entries.map((e) => e.indent));
  return entries.filter((e) => e.indent === indent);
}

/** NetworkManager.conf(5): the last value counts, and `+=` adds to it; a section `device` may say the same of its devices. */
function unmanagedLists(entries: readonly Entry[]): string[] {
  let listed: string[] = [];
  const devices = new Map<string, { managed?: string; match?: string }>();
  for (const { section, key, value } of entries) {
    if (section === "keyfile" && key.startsWith("unmanaged-devices")) {
      if (key.endsWith("+")) listed.push(value);
      else listed = [value];
    }
    if (!section.startsWith("device")) continue;
    const device = devices.get(section) ?? {};
    devices.set(section, device);
    if (key === "managed") device.managed = value;
    if (key === "match-device") device.match = value;
  }
  const matched = [...devices.values()].flatMap(({ managed, match = "*" }) => (isNo(managed) ? [match] : []));
  return [...listed, ...matched];
}

function isNo(value: string | undefined): boolean {
  return value !== undefined && /^(?:0|no|n|false|f|off)$/i.test(value);
}

/**
 * interfaces(5): what is brought up by itself, at boot or when the link appears, and has a stanza in any of the files. A
 * name may be a pattern (`/mac*`), and may be followed by that of its stanza (`mac0=lan`).
 */
function stanzas(files: readonly (readonly [path: string, lines: readonly string[]])[]): LinkProfile[] {
  const words = files.flatMap(([path, lines]) =>
    lines.map((line) => ({ path, words: line.trim().split(/\s+/) })),
  );
  const configured = words.flatMap(({ words: [key, name = ""] }) => (key === "iface" ? [name] : []));
  const isConfigured = (name: string): boolean =>
    configured.some(
      (pattern) => name === pattern || matchesGlob(pattern, name) || matchesGlob(name, pattern),
    );
  return words.flatMap(({ path, words: [key = "", ...names] }) =>
    /^(?:auto|allow-(?:auto|hotplug))$/.test(key)
      ? names.flatMap((item): LinkProfile[] => {
          const [link = "", stanza = link] = item.split("=");
          const pattern = link.startsWith("/") ? (link.split("/")[1] ?? "") : link;
          const named = stanza.startsWith("/") ? (stanza.split("/")[1] ?? "") : stanza;
          return pattern === "lo" || !isConfigured(named) ? [] : [{ by: "ifupdown", path, names: [pattern] }];
        })
      : [],
  );
}

function sectionEntries(lines: readonly string[]): { section: string; key: string; value: string }[] {
  let section = "";
  return lines.flatMap((line) => {
    const [, name] = /^\[([^\]]+)\]\s*$/.exec(line) ?? [];
    if (name !== undefined) section = name;
    const [, key, value] = /^\s*([A-Za-z0-9-]+\+?)\s*=(.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [{ section, key, value: value.trim() }];
  });
}
