/** What the compiler knows of a HostLinks: `tsc` is the test. */
import type * as pulumi from "@pulumi/pulumi";
import { HostLinks } from "../../../provider/program/host-links";

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
  ];
}
