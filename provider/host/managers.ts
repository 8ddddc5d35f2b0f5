/** The links that systemd-networkd and NetworkManager manage, from their own output (`managers.sh`). */
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

/** What `pm_profiles` printed: `PATH:LINE` of the files of NetworkManager and ifupdown. */
export function parseProfiles(text: string): Required<Pick<HostFacts, "profiles" | "unmanaged">> {
  const files = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, path, content = ""] = /^(\/[^:]+):(.*)$/.exec(line) ?? [];
    if (path === undefined || /\/systemd\/network\//.test(path)) continue;
    const known = files.get(path);
    if (known) known.push(content);
    else files.set(path, [content]);
  }
  const all = [...files];
  const keyfiles = all.filter(([path]) => path.includes("/system-connections/"));
  return {
    profiles: [
      ...keyfiles.flatMap(([path, lines]) => keyfileProfile(path, sectionEntries(lines))),
      ...stanzas(all.filter(([path]) => !path.includes("/NetworkManager/"))),
    ],
    unmanaged: unmanagedLists(
      all.flatMap(([path, lines]) =>
        path.includes("/NetworkManager/") && path.endsWith(".conf") ? sectionEntries(lines) : [],
      ),
    ),
  };
}

type Entry = ReturnType<typeof sectionEntries>[number];

/** nm-settings-keyfile(5) */
function keyfileProfile(path: string, entries: readonly Entry[]): LinkProfile[] {
  const value = (key: string): string | undefined =>
    entries.find((e) => e.section === "connection" && e.key === key)?.value;
  const [link, type] = [value("interface-name"), value("type")];
  if (link === undefined || type === undefined || isNo(value("autoconnect"))) return [];
  return [{ by: "NetworkManager", path, link, type }];
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

/** interfaces(5): what is brought up by itself, at boot or when the link appears, and has a stanza in any of the files. */
function stanzas(files: readonly (readonly [path: string, lines: readonly string[]])[]): LinkProfile[] {
  const words = files.flatMap(([path, lines]) =>
    lines.map((line) => ({ path, words: line.trim().split(/\s+/) })),
  );
  const configured = new Set(words.flatMap(({ words: [key, name = ""] }) => (key === "iface" ? [name] : [])));
  return words.flatMap(({ path, words: [key = "", ...names] }) =>
    /^(?:auto|allow-(?:auto|hotplug))$/.test(key)
      ? names
          .filter((link) => configured.has(link) && link !== "lo")
          .map((link): LinkProfile => ({ by: "ifupdown", path, link }))
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
