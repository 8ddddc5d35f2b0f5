/** What a host has that may undo or spoil a link later: nothing to refuse, but worth saying, with the remedy. Pure. */
import type { LinkManager, Observation } from "../../model/observation";
import { type HostState, type LinkState, type DesiredLink, childrenOf, findLink } from "../../model/host";
import type { Claim, Warning } from "./conflicts";
import { networkFileFor } from "./network-files";
import { allAddresses, doubleRouteLines, othersIn } from "./on-host";

/** A line for each thing that a person should know of the host before relying on the link. `ownLines` are its kind's. */
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
          `${m.link} ${isManagedBy(m)}, which gives it its own addresses back and may take it out of ${claim.name} ` +
          `when it restarts: ${remedy(m, m.link)}`,
      ),
    ...ports
      .filter((port) => isHairpin(port) && isWayIn(port, observation))
      .map(
        ({ name }) =>
          `${name} leads to the network that the host is reached by, and as a hairpin port it sends every broadcast back ` +
          "there: switches then look for their neighbours on this host, and two such hosts make a storm; set hairpin: " +
          "false for it",
      ),
    ...promiscuity(claim, observation),
    ...doubleRouteLines(
      { addresses: claim.addresses, routes: claim.routes ?? [] },
      othersIn(observation.state, claim.netns, [claim, ...ports]),
      claim.name,
    ),
    ...duplicateLines(claim, observation.state),
    ...ownLines,
  ].map((text) => ({
    about: `${claim.hostLabel} ${text}`,
    text: `${claim.resource} on ${claim.hostLabel}: ${text}.`,
  }));
}

/** systemd-networkd takes a link over a few seconds after it was made, by a file that is there before. */
function takeOverLines({ name, netns, kind, macAddress }: Claim, { facts, state }: Observation): string[] {
  if (netns !== "" || kind === undefined || findLink(state, { name, netns })) return [];
  const file = networkFileFor(facts.networkFiles ?? [], {
    name,
    kind,
    ...(macAddress === undefined ? {} : { macAddress }),
  });
  if (!file) return [];
  const by = { link: name, by: "systemd-networkd", file: file.path } as const;
  return [
    `systemd-networkd will take ${name} over as soon as it is made, since ${file.path} matches it, and drops addresses and ` +
      `routes that are not in its files: before that, ${remedy(by, name)}`,
  ];
}

/** Addresses that the kernel found to be another machine's, as far as that is no drift of the resource's own. */
function duplicateLines(claim: Claim, state: HostState): string[] {
  const link = findLink(state, claim);
  const found = link ? allAddresses(link).filter((a) => a.dadFailed === true) : [];
  return found
    .filter(({ cidr }) => !claim.addresses.includes(cidr))
    .map(
      ({ cidr }) =>
        `${claim.name} has ${cidr} and cannot use it: another machine on the LAN of ${claim.lan} has it (duplicate address ` +
        "detection, RFC 4862), which for a link-local address means that the two have one MAC address",
    );
}

function isHairpin(port: DesiredLink): boolean {
  return port.settings.some((s) => s.key === "port.hairpin" && s.value === "on");
}

function isWayIn(port: DesiredLink, { managementPath }: Observation): boolean {
  return managementPath.client !== "" && managementPath.links.includes(port.name);
}

/** networkd: measured (facts: vmtest2); NetworkManager: nm-settings-nmcli(5), a profile's activation flushes. */
const DROPS: Readonly<Record<LinkManager["by"], string>> = {
  "systemd-networkd": "drops addresses and routes that are not in its files whenever it restarts",
  NetworkManager: "replaces its addresses and routes whenever it activates the link's profile",
};

function isManagedBy({ by, file }: LinkManager): string {
  return `is managed by ${by}${file === undefined ? "" : ` (${file})`}`;
}

function remedy({ by }: LinkManager, link: string): string {
  return by === "systemd-networkd"
    ? `give it a file of its own, /etc/systemd/network/00-${link}.network, with "[Match]" "Name=${link}" and ` +
        '"[Link]" "Unmanaged=yes", and run networkctl reload'
    : `run nmcli device set ${link} managed no, and for the next boot put "[keyfile]" ` +
        `"unmanaged-devices=interface-name:${link}" into /etc/NetworkManager/conf.d`;
}

/**
 * A NIC that cannot filter so many unicast addresses takes in everything (net/core/dev.c, __dev_set_rx_mode). Virtual
 * links, such as a veth, never filter, and are not meant.
 */
function promiscuity(claim: Claim, { state }: Observation): string[] {
  const nic = findLink(state, { name: claim.lan, netns: "" });
  if (nic?.kind !== "" || nic.name === "lo" || nic.promiscuity <= explained(nic, childrenOf(state, nic.name)))
    return [];
  return [
    `${nic.name} is in promiscuous mode, and nobody asked for that as far as can be seen: it cannot filter the MAC ` +
      "addresses of so many macvlans, and the host's CPU sees all frames; use fewer, or maxMacs to be told before",
  ];
}

/** How many users of promiscuous mode can be seen: a person, a bridge or bond, a passthru child. */
function explained(nic: LinkState, children: readonly LinkState[]): number {
  const byHand = nic.details["promisc"] === "on" ? 1 : 0;
  const byMaster = (nic.settings["link.master"] ?? "") === "" ? 0 : 1;
  const isPassthru = (l: LinkState): boolean =>
    l.settings["type.mode"] === "passthru" && l.settings["type.flags"]?.includes("nopromisc") !== true;
  return byHand + byMaster + children.filter(isPassthru).length;
}
