/** By which file systemd-networkd, NetworkManager or ifupdown would take over a new link: systemd.network(5). Pure. */
import { keptPer } from "../../model/lists";
import type { HostFacts, LinkProfile, NetworkFile } from "../../model/observation";
import { matchesGlob } from "../../ssh/config/patterns";

/** A link that does not exist yet. */
export interface LinkToBe {
  readonly name: string;
  /** iproute2's word. */
  readonly kind: string;
  readonly macAddress?: string;
}

/**
 * The file by which networkd would manage the link: the first one, by file name, whose conditions all match. Undefined
 * if there is none, or if it excludes the link from management.
 *
 * @param files the host's files, in any order
 */
export function networkFileFor(files: readonly NetworkFile[], link: LinkToBe): NetworkFile | undefined {
  const first = firstFor(files, link);
  return first?.isUnmanaged === true ? undefined : first;
}

function firstFor(files: readonly NetworkFile[], link: LinkToBe): NetworkFile | undefined {
  return inOrder(files).find(({ match }) => match.every(([key, value]) => holds(key, value, link)));
}

/** NetworkManager's types for links that it makes or takes over: one profile goes with links of one type. */
const NM_TYPES: Readonly<Record<string, string>> = { macvtap: "macvlan" };

/** What another program than networkd would apply to the link as soon as it is there, or at the next boot. */
export function profileFor(
  { profiles = [], unmanaged = [], networkFiles = [] }: Partial<HostFacts>,
  link: LinkToBe,
): LinkProfile | undefined {
  return profiles.find((profile) => {
    if (!isFor(profile, link)) return false;
    switch (profile.by) {
      case "NetworkManager":
        return !unmanaged.some((list) => isListed(list, link));
      // of netplan's files for networkd, another one that matches comes first, or is the generated one
      case "netplan":
        return profile.type === undefined
          ? firstFor(networkFiles, link) === undefined
          : !unmanaged.some((list) => isListed(list, link));
      // connman's device list has neither bridges nor bonds (connman, src/rtnl.c)
      case "connman":
        return link.kind !== "bridge" && link.kind !== "bond";
      default:
        return true;
    }
  });
}

function isFor(profile: LinkProfile, { name, kind, macAddress = "" }: LinkToBe): boolean {
  const { names, except = [], macAddress: mac, drivers, type } = profile;
  const is = (patterns: readonly string[], text: string): boolean =>
    patterns.some((pattern) => matchesGlob(pattern, text));
  return (
    (names === undefined || is(names, name)) &&
    !is(except, name) &&
    (mac === undefined || mac === macAddress) &&
    (drivers === undefined || is(drivers, kind)) &&
    (type === undefined || [NM_TYPES[kind] ?? kind, "generic"].includes(type))
  );
}

/** NetworkManager.conf(5), Device List Format. */
function isListed(list: string, { name, kind, macAddress = "" }: LinkToBe): boolean {
  const items = list.split(/[;,]/).map((item) => item.trim());
  const is = (item: string): boolean => {
    if (item === "*" || item === name) return true;
    const [, key, value = ""] = /^(interface-name|mac|type|driver):(.*)$/.exec(item) ?? [];
    switch (key) {
      case "interface-name":
        return value.startsWith("=") ? value.slice(1) === name : matches(value.replace(/^~/, ""), name);
      case "mac":
        return value.toLowerCase() === macAddress;
      case "type":
      case "driver":
        return value === (NM_TYPES[kind] ?? kind);
      default:
        return false;
    }
  };
  const excepted = items
    .filter((item) => item.startsWith("except:"))
    .map((item) => item.slice("except:".length));
  return items.some(is) && !excepted.some(is);
}

/** Each of many links asks. A file in /etc overrides those of the same name in /run and /usr, and one in /run those in /usr. */
const inOrder = keptPer((files: readonly NetworkFile[]): NetworkFile[] => {
  const effective = new Map<string, NetworkFile>();
  const rank = ({ path }: NetworkFile): number =>
    ["/etc/", "/run/", "/usr/local/"].findIndex((p) => path.startsWith(p)) >>> 0;
  for (const file of files.toSorted((a, b) => rank(a) - rank(b))) {
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    if (!effective.has(name)) effective.set(name, file);
  }
  return [...effective]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file)
    .filter(({ isMasked }) => isMasked !== true);
});

/** Types that networkd matches: the kernel's DEVTYPE, or else that of the hardware, which is Ethernet. */
const OWN_TYPES: readonly string[] = ["bridge", "bond", "vlan"];

/** Conditions on properties that these links lack: a bus, a permanent address, radio. */
const NEVER: readonly string[] = ["PermanentMACAddress", "Path", "WLANInterfaceType", "SSID", "BSSID"];

function holds(key: string, value: string, { name, kind, macAddress }: LinkToBe): boolean {
  switch (key) {
    case "Name":
      return matches(value, name);
    case "Type":
      return matches(value, OWN_TYPES.includes(kind) ? kind : "ether");
    case "Kind":
    case "Driver":
      return matches(value, key === "Driver" && kind === "vlan" ? "802.1Q VLAN Support" : kind);
    case "MACAddress":
      return value
        .toLowerCase()
        .split(/\s+/)
        .includes(macAddress ?? "");
    default:
      // conditions on the host itself (Host, Virtualization, …) are assumed to match, as the files are written for this
      // host
      return !NEVER.includes(key) || value.trim().startsWith("!");
  }
}

/** Whether a list of shell patterns (fnmatch(3)), which comes from the host, matches; a leading `!` negates it. */
function matches(list: string, text: string): boolean {
  const isNegated = list.trim().startsWith("!");
  const patterns = list.trim().replace(/^!/, "").split(/\s+/);
  return patterns.some((pattern) => matchesGlob(pattern, text)) !== isNegated;
}
