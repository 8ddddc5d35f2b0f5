/** Children that get their addresses by DHCP, each always the same one: the server's reservations are an output. */
import * as pulumi from "@pulumi/pulumi";
import { MacvlanNetwork } from "pulumi-macvlan";

const config = new pulumi.Config();

const lan = new MacvlanNetwork("lan", {
  hosts: ["node2", "node3"],
  parent: "eth0",
  children: ["web", "db"].map((name) => ({ name, netns: name, addressing: "dhcp" as const })),
  cidr: config.require("cidr"),
  range: config.require("range"),
});

/** A file for dnsmasq's `dhcp-hostsfile`: MAC address, IP address, name. MAC addresses are known before anything is made. */
export const dnsmasqHosts = lan.leases.apply((leases) =>
  leases.map(({ macAddress, ipv4, child, host }) => `${macAddress},${ipv4},${child}-${host}\n`).join(""),
);

/** The same for Kea: `reservations` of a `subnet4`. */
export const keaReservations = lan.leases.apply((leases) =>
  leases.map(({ macAddress, ipv4, child, host }) => ({
    "hw-address": macAddress,
    "ip-address": ipv4,
    hostname: `${child}-${host}`,
  })),
);
