/**
 * Docker networks of the driver macvlan on several hosts of one LAN. Docker makes the containers' macvlans itself and
 * gives them addresses of the host's own range. What it does not make is the host's way to them: that is a shim, whose
 * address Docker has to leave out (`--aux-address`).
 */
import * as pulumi from "@pulumi/pulumi";
import { HostShim } from "pulumi-macvlan";

const config = new pulumi.Config();
const network = config.require("network");
const parent = config.require("parent");

/** A range for each host: Docker on one host does not know what Docker on another has given. */
const hosts = [
  { name: "node1", range: `${network}.201.0/28`, shim: `${network}.201.1` },
  { name: "node2", range: `${network}.201.16/28`, shim: `${network}.201.17` },
];

/** By host: the command that makes the network, once; and the same for a compose file. */
export const create: Record<string, pulumi.Output<string>> = {};
export const compose: Record<string, pulumi.Output<object>> = {};

for (const host of hosts) {
  const shim = new HostShim(`docker-${host.name}`, {
    host: host.name,
    parent,
    name: "docker-shim",
    addresses: [`${host.shim}/32`],
    routes: [host.range],
  });
  const ipam = pulumi.all([shim.addresses, shim.routes]).apply(([addresses, routes]) => ({
    subnet: `${network}.0.0/16`,
    gateway: `${network}.0.254`,
    ip_range: routes[0]?.to,
    aux_addresses: { host: addresses[0]?.split("/")[0] },
  }));
  create[host.name] = pulumi
    .all([shim.parent, ipam])
    .apply(([nic, { subnet, gateway, ip_range, aux_addresses }]) =>
      [
        `docker network create --driver macvlan --opt parent=${nic} --opt macvlan_mode=bridge`,
        `--subnet ${subnet} --gateway ${gateway} --ip-range ${ip_range} --aux-address host=${aux_addresses.host} lan`,
      ].join(" "),
    );
  compose[host.name] = pulumi.all([shim.parent, ipam]).apply(([nic, part]) => ({
    networks: { lan: { driver: "macvlan", driver_opts: { parent: nic }, ipam: { config: [part] } } },
  }));
}
