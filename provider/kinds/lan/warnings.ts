/** Warnings about what on a host may later revert or disturb a link, with the remedy. Pure. */
import type { LinkManager, LinkProfile, NetworkFile, Observation } from "../../model/observation";
import {
  type HostState,
  type LinkState,
  type DesiredLink,
  allAddresses,
  findLink,
  passthruChildrenOf,
} from "../../model/host";
import type { Claim, Warning } from "./conflicts";
import { networkFileFor, profileFor } from "./network-files";
import { doubleRouteLines } from "./on-host";

/**
 * A line for each fact about the host that users should know before relying on the link. `ownLines` come from its kind.
 */
export function warningsOf(
  claim: Claim,
  ports: readonly DesiredLink[],
  observation: Observation,
  ownLines: readonly string[] = [],
): Warning[] {
  const managers = observation.facts.managers;
  const own = claim.netns === "" ? managers.filter((m) => m.link === claim.name) : [];
  return [
    ...own.map((m) => `${claim.name} ${isManagedBy(m)}, which ${DROPS[m.by]}: ${remedy(m, claim.name)}`),
    ...takeOverLines(claim, observation),
    ...managers
      .filter((m) => ports.some((port) => port.name === m.link))
      .map(
        (m) =>
          `${m.link} ${isManagedBy(m)}, which restores its own addresses on it and may take it out of ${claim.name} ` +
          `when it restarts: ${remedy(m, m.link)}`,
      ),
    ...ports
      .filter((port) => isHairpin(port) && isWayIn(port, observation))
      .map(
        ({ name }) =>
          `${name} leads to the network through which the host is reached, and as a hairpin port it sends every broadcast back ` +
          "there: switches then learn their neighbours' MAC addresses from this host, and two such hosts cause a broadcast storm; set hairpin: " +
          "false for it",
      ),
    ...promiscuity(claim, observation),
    ...doubleRouteLines({ ...claim, routes: claim.routes ?? [] }, ports, observation.state),
    ...duplicateLines(claim, observation.state),
    ...ownLines,
  ].map((text) => ({
    about: `${claim.host} ${text}`,
    text: `${claim.resource} on ${claim.hostLabel}: ${text}.`,
  }));
}

/** What other programs of the host will do with the link once it is made. */
function takeOverLines({ name, netns, kind, macAddress }: Claim, { facts, state }: Observation): string[] {
  if (netns !== "" || kind === undefined || findLink(state, { name, netns })) return [];
  const link = { name, kind, ...(macAddress === undefined ? {} : { macAddress }) };
  return [
    ...networkdLines(networkFileFor(facts.networkFiles ?? [], link), name),
    ...profileLines(profileFor(facts, link), name),
  ];
}

/** NetworkManager just shows a link that others have made, unless a profile is for it. */
function profileLines(profile: LinkProfile | undefined, name: string): string[] {
  if (!profile) return [];
  const { by, path } = profile;
  switch (by) {
    case "NetworkManager":
      return [
        `NetworkManager has a profile for ${name} (${path}) and will replace its addresses and routes when it activates the ` +
          `profile. To prevent that, ${unmanagedByNm(name)}, or remove the profile`,
      ];
    case "ifupdown":
      return [
        `ifupdown configures ${name} by itself (${path}), at boot or when the link appears, with other addresses. To prevent ` +
          `that, remove ${name} from the line "auto" or "allow-hotplug" there`,
      ];
    case "ifcfg":
      return [
        `the host's network scripts, or NetworkManager in their place, configure ${name} at boot (${path}), with other ` +
          `addresses. To prevent that, put ONBOOT=no into that file, or remove it`,
      ];
    case "netplan":
      return [
        `netplan has ${name} configured at the next boot, or at netplan apply, because ${path} matches it, with other addresses and ` +
          `routes. To prevent that, ${profile.type === undefined ? remedy({ by: "systemd-networkd" }, name) : unmanagedByNm(name)}`,
      ];
    case "dhcpcd":
      return [
        `dhcpcd will configure ${name} as soon as it is made, with an address from a DHCP server or of its own (${path}). To ` +
          `prevent that, put "denyinterfaces ${name}" into ${path} and run systemctl restart dhcpcd`,
      ];
    case "connman":
      return [
        `ConnMan will configure ${name} as soon as it is made (${path}). To prevent that, add ${name} to ` +
          `NetworkInterfaceBlacklist in the section "[General]" of that file, beside what is there by default, and restart connman`,
      ];
  }
}

function unmanagedByNm(name: string): string {
  return (
    `put "[keyfile]" "unmanaged-devices=interface-name:${name}" into /etc/NetworkManager/conf.d/${name}.conf and run ` +
    "nmcli general reload"
  );
}

function networkdLines(file: NetworkFile | undefined, name: string): string[] {
  if (!file) return [];
  const by = { link: name, by: "systemd-networkd", file: file.path } as const;
  return [
    `systemd-networkd will take over ${name} as soon as it is made, because ${file.path} matches it, and will remove addresses and ` +
      `routes that are not in its files. To prevent that, ${remedy(by, name)}`,
  ];
}

/** Addresses that the kernel found in use on another machine and that are not drift of the resource. */
function duplicateLines(claim: Claim, state: HostState): string[] {
  const link = findLink(state, claim);
  const found = link ? allAddresses(link).filter((a) => a.dadFailed === true) : [];
  return found
    .filter(({ cidr }) => !claim.addresses.includes(cidr))
    .map(
      ({ cidr }) =>
        `${claim.name} has ${cidr} but cannot use it: another machine on the LAN of ${claim.lan} has it too (duplicate address ` +
        "detection, RFC 4862); for a link-local address this means that both have the same MAC address",
    );
}

function isHairpin(port: DesiredLink): boolean {
  return port.settings.some((s) => s.key === "port.hairpin" && s.value === "on");
}

function isWayIn(port: DesiredLink, { managementPath }: Observation): boolean {
  return managementPath.client !== "" && managementPath.links.includes(port.name);
}

/** networkd: measured; NetworkManager: nm-settings-nmcli(5), a profile's activation flushes. */
const DROPS: Readonly<Record<LinkManager["by"], string>> = {
  "systemd-networkd": "removes addresses and routes that are not in its files whenever it restarts",
  NetworkManager: "replaces its addresses and routes whenever it activates the link's profile",
};

function isManagedBy({ by, file }: LinkManager): string {
  return `is managed by ${by}${file === undefined ? "" : ` (${file})`}`;
}

function remedy({ by }: Pick<LinkManager, "by">, link: string): string {
  return by === "systemd-networkd"
    ? `give it a file of its own, /etc/systemd/network/00-${link}.network, with "[Match]" "Name=${link}" and ` +
        '"[Link]" "Unmanaged=yes", and run networkctl reload'
    : `run nmcli device set ${link} managed no, and for the next boot put "[keyfile]" ` +
        `"unmanaged-devices=interface-name:${link}" into /etc/NetworkManager/conf.d`;
}

/**
 * A NIC that cannot filter that many unicast addresses receives all frames (net/core/dev.c, __dev_set_rx_mode). Virtual
 * links, such as a veth, never filter, and do not count.
 */
function promiscuity(claim: Claim, { state }: Observation): string[] {
  const nic = findLink(state, { name: claim.lan, netns: "" });
  if (nic?.kind !== "" || nic.name === "lo" || nic.promiscuity === 0) return [];
  if (nic.promiscuity <= explained(nic, passthruChildrenOf(state, nic.name))) return [];
  return [
    `${nic.name} is in promiscuous mode, for no visible reason but its macvlans: the NIC cannot filter the MAC ` +
      "addresses of so many, so that all frames reach the host's CPU; use fewer macvlans, and set maxMacs to get an error at preview",
  ];
}

/** How many users of promiscuous mode are visible: the promisc flag, a bridge or bond, a passthru child. */
function explained(nic: LinkState, passthru: readonly LinkState[]): number {
  const byHand = nic.details["promisc"] === "on" ? 1 : 0;
  const byMaster = (nic.settings["link.master"] ?? "") === "" ? 0 : 1;
  const isUser = (l: LinkState): boolean => l.settings["type.flags"]?.includes("nopromisc") !== true;
  return byHand + byMaster + passthru.filter(isUser).length;
}
