/** The switch of a lab, and the root namespace's way to it. */
import { writeFileSync } from "node:fs";
import { hasIpv6, netnsIdentity } from "./host";
import { netnsName, networksOf, rootLink } from "./names";
import { run, runOrThrow } from "./run";

/** The switch is a namespace with two bridges: `lan` for eth0 and eth1 of every host, `control` for mgmt0 and root. */
export async function bringUpSwitch(lab: string, slot: number): Promise<void> {
  const sw = netnsName(lab, "switch");
  const link = rootLink(slot);
  if (netnsIdentity(sw) !== undefined && (await run(["ip", "link", "show", "dev", link])).code === 0) return;
  // Half made: nothing can be at it yet.
  if (netnsIdentity(sw) !== undefined) await runOrThrow(["ip", "netns", "del", sw]);
  const { lanBridgeMac, controlBridgeMac, rootMac, rootControl, rootControl6 } = networksOf(slot);
  await runOrThrow(["ip", "netns", "add", sw]);
  if (hasIpv6()) {
    // A switch says nothing of its own accord on the LAN.
    const off = "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6";
    await runOrThrow(["nsenter", `--net=/run/netns/${sw}`, "sh", "-c", off]);
  }
  const bridges = [
    `link add lan address ${lanBridgeMac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link add control address ${controlBridgeMac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    "link set dev lan up",
    "link set dev control up",
  ];
  await runOrThrow(["ip", "-n", sw, "-batch", "-"], { input: `${bridges.join("\n")}\n` });
  const root = [
    "ip",
    "link",
    "add",
    link,
    "address",
    rootMac,
    "type",
    "veth",
    "peer",
    "name",
    "root",
    "netns",
    sw,
  ];
  await runOrThrow(root);
  await runOrThrow(["ip", "-n", sw, "link", "set", "dev", "root", "master", "control", "up"]);
  if (hasIpv6()) writeFileSync(`/proc/sys/net/ipv6/conf/${link}/accept_dad`, "0");
  const addresses = [`${rootControl}/16`, ...(hasIpv6() ? [`${rootControl6}/64`] : [])];
  for (const address of addresses) await runOrThrow(["ip", "addr", "add", address, "dev", link]);
  await runOrThrow(["ip", "link", "set", "dev", link, "up"]);
}

/** Ports of the switch that send frames back to where they came from. */
export async function hairpinPorts(lab: string): Promise<Set<string>> {
  const shown = await runOrThrow(["bridge", "-n", netnsName(lab, "switch"), "-j", "-d", "link"]);
  const links = JSON.parse(shown) as { ifname: string; hairpin?: boolean }[];
  return new Set(links.filter((link) => link.hairpin === true).map((link) => link.ifname));
}

/** Puts two ports of the switch on a bridge of their own, as if a cable went from one host to the other. */
export async function cablePorts(lab: string, ports: readonly [string, string]): Promise<void> {
  const cable = `cable-${ports[0]}`.slice(0, 15);
  const batch = [
    `link add ${cable} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set dev ${cable} up`,
    ...ports.map((port) => `link set dev ${port} master ${cable}`),
    // a cable learns nothing: the same sender may come from either end if one end sends frames back
    ...ports.map((port) => `link set dev ${port} type bridge_slave learning off`),
  ];
  await runOrThrow(["ip", "-n", netnsName(lab, "switch"), "-batch", "-"], { input: `${batch.join("\n")}\n` });
}
