/** Hosts, and what is read of them: one that can do everything, and what tests put on it or take from it. */
import type { HostState, LinkState, Settings } from "../../provider/model/host";
import type { HostFacts, Observation } from "../../provider/model/observation";

const SYSCTLS: Settings = {
  "sysctl.ipv4.arp_filter": "0",
  "sysctl.ipv4.arp_notify": "0",
  "sysctl.ipv6.ndisc_notify": "0",
};

/** A physical NIC. */
export function nic(name: string, ifIndex: number): LinkState {
  return {
    name,
    netns: "",
    kind: "",
    ifIndex,
    parent: "",
    up: true,
    operState: "UP",
    promiscuity: 0,
    settings: {
      "link.mtu": "1500",
      "link.address": `02:77:00:00:00:0${ifIndex}`,
      "link.alias": "",
      "link.txqueuelen": "1000",
      "link.master": "",
      ...SYSCTLS,
    },
    details: {},
    addresses: [],
    routes: [],
  };
}

/** A host with two NICs, a second namespace and nothing else. */
export const BARE: HostState = {
  links: [nic("eth0", 2), nic("eth1", 3)],
  netns: [{ name: "blue" }],
  records: [],
  bootFiles: [],
};

/** The second NIC has addresses and routes, which a bridge can take over. */
export const HOST: HostState = {
  ...BARE,
  links: BARE.links.map((l) =>
    l.name === "eth1"
      ? {
          ...l,
          addresses: [{ cidr: "203.0.113.9/24", broadcast: "203.0.113.255" }, { cidr: "2001:db8:9::9/64" }],
          routes: [{ to: "0.0.0.0/0", via: "203.0.113.1", protocol: "static" }],
        }
      : l,
  ),
  netns: [],
};

/** Of a host that can do everything. */
export const FACTS: HostFacts = {
  machine: "boot net",
  kernel: "6.1.0-18-amd64",
  iproute2: "6.1.0",
  ipVersionText: "ip utility, iproute2-6.1.0",
  root: true,
  tools: ["ip", "bridge", "flock", "sha256sum"],
  wireless: [],
  vlanFiltering: true,
  lacks: [],
  portTool: "bridge",
  init: "systemd",
  udev: true,
  managers: [],
};

/** A reading of a host in this state. `facts` are those that are different from {@link FACTS}. */
export function observationOf(state: HostState, facts: Partial<HostFacts> = {}): Observation {
  return {
    facts: { ...FACTS, ...facts },
    state,
    unreadable: [],
    managementPath: { client: "", links: [], prefix: 0 },
    boots: "",
  };
}

/** A reading of a host with these links beside eth0 and eth1. */
export function observed(links: readonly LinkState[] = [], state: Partial<HostState> = {}): Observation {
  return observationOf({ ...BARE, ...state, links: [...BARE.links, ...links] });
}

/** A link of a kind, like a fresh one but for what is given. */
export function link(
  name: string,
  kind: string,
  { settings = {}, ...more }: Partial<Omit<LinkState, "settings">> & { settings?: Settings } = {},
): LinkState {
  const base = nic(name, 9);
  return { ...base, ifIndex: 20 + name.length, kind, ...more, settings: { ...base.settings, ...settings } };
}

/** A macvlan on eth0 in bridge mode. */
export function macvlan(
  name: string,
  { settings = {}, ...more }: Partial<Omit<LinkState, "settings">> & { settings?: Settings } = {},
): LinkState {
  const own: Settings = {
    "link.address": "02:00:5e:00:53:10",
    "type.mode": "bridge",
    "type.flags": "",
    "type.macaddr": "",
    "type.bcqueuelen": "1000",
  };
  return link(name, "macvlan", { parent: "eth0", ...more, settings: { ...own, ...settings } });
}
