/**
 * A small fleet: on each host a web server's interface in a namespace of its own, and a shim by which the host itself
 * reaches it. node1 also bridges for node2, whose two virtual machines reach each other through that bridge only.
 */
import * as pulumi from "@pulumi/pulumi";
import { HairpinBridge, HostShim, MacvlanInterface } from "pulumi-macvlan";

const network = new pulumi.Config().require("network");
const hosts = ["node1", "node2", "node3"];

// eth1 of node1 goes to eth1 of node2 by a cable. Never let a port that a switch is behind send frames back.
new HairpinBridge("vms", {
  host: "node1",
  name: "br0",
  ports: [{ name: "eth1", hairpin: true }],
  stp: false,
});
for (const vm of ["vm1", "vm2"]) {
  new MacvlanInterface(vm, {
    host: "node2",
    parent: "eth1",
    mode: "vepa",
    netns: vm,
    addresses: [`192.0.2.${vm.slice(2)}/24`],
  });
}

/** MAC address by host, for a DHCP server's reservations, say. */
export const macAddresses: Record<string, pulumi.Output<string>> = {};

hosts.forEach((host, i) => {
  const web = `${network}.200.${i + 1}`;
  const child = new MacvlanInterface(`web-${host}`, {
    host,
    parent: "eth0",
    name: "web0",
    netns: "web",
    addresses: [`${web}/16`],
  });
  new HostShim(`shim-${host}`, {
    host,
    parent: "eth0",
    name: "shim0",
    routes: [{ to: `${web}/32`, source: `${network}.0.${i + 1}` }],
  });
  macAddresses[host] = child.macAddress;
});
