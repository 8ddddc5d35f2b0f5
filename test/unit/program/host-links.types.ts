/** What the compiler knows of a HostLinks: `tsc` is the test. */
import * as pulumi from "@pulumi/pulumi";
import { HostLinks, type HostLinkArgs } from "../../../provider/program/host-links";

export function outputsByKeyAndKind(): unknown[] {
  const { links } = new HostLinks("node1", {
    host: "node1",
    links: {
      web: { kind: "macvlan", parent: "eth0" },
      br0: { kind: "bridge" },
      "eth0.10": { kind: "vlan", parent: "eth0", vlanId: 10 },
    },
  });
  const texts: pulumi.Output<string>[] = [links.web.macAddress, links.br0.bridgeId];
  const index: pulumi.Output<number> = links["eth0.10"].ifIndex;
  return [
    ...[texts, index],
    // @ts-expect-error there is no such link
    links.other,
    // @ts-expect-error a macvlan has no such output
    links.web.bridgeId,
  ];
}

export function argumentsByKind(): unknown[] {
  return [
    // @ts-expect-error there is no such kind
    new HostLinks("node1", { host: "node1", links: { br0: { kind: "brigde" } } }),
    // @ts-expect-error a VLAN has to have a vlanId
    new HostLinks("node1", { host: "node1", links: { tag: { kind: "vlan", parent: "eth0" } } }),
    new HostLinks("node1", {
      host: "node1",
      links: {
        // @ts-expect-error a misspelt property
        web: { kind: "macvlan", parent: "eth0", adresses: [] },
        // @ts-expect-error a property of another kind
        api: { kind: "macvlan", parent: "eth0", vlanId: 10 },
        // @ts-expect-error the host stands beside links
        db: { kind: "macvlan", parent: "eth0", host: "node1" },
      },
    }),
    // @ts-expect-error a misspelt property beside links
    new HostLinks("node1", { host: "node1", links: {}, persists: true }),
  ];
}

export function linksOfALoop(names: readonly string[], kind: "macvlan" | "macvtap"): unknown[] {
  const links: Record<string, HostLinkArgs> = { br0: { kind: "bridge" } };
  for (const name of names)
    links[name] = { kind, parent: "br0", addresses: [pulumi.output("192.0.2.10/24")] };
  const same = Object.fromEntries(names.map((name) => [name, { kind, parent: "eth0", mtu: 1400 } as const]));
  const any = new HostLinks("node1", { host: "node1", links });
  const macs = new HostLinks("node2", { host: "node2", links: same, persist: true });
  const mac: pulumi.Output<string> | undefined = any.links["web"]?.macAddress;
  return [mac, macs.links["web"]?.parentMacAddress];
}
