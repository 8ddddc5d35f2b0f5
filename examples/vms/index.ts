/**
 * Virtual machines of libvirt on two kinds of links.
 *
 * vepa: all frames of node2's machines leave by eth1, so that node1, which they go to, sees and filters them all. It
 * sends back what is for another machine of node2: a bridge with hairpin on that port.
 *
 * passthru: the firewall machine on node3 has the NIC eth1 for itself, with any MAC addresses.
 */
import * as pulumi from "@pulumi/pulumi";
import { HairpinBridge, HostShim, MacvtapInterface } from "pulumi-macvlan";

const machines = [
  { name: "vm1", mac: "52:54:00:12:34:01", address: "192.0.2.1" },
  { name: "vm2", mac: "52:54:00:12:34:02", address: "192.0.2.2" },
];

// eth1 of node1 goes to eth1 of node2 by a cable. Never let a port that a switch is behind send frames back.
new HairpinBridge("reflector", {
  host: "node1",
  name: "br0",
  ports: [{ name: "eth1", hairpin: true }],
  stp: false,
});

// The host's own way to its machines: through the reflector, as all of their traffic goes.
const shim = new HostShim("shim", {
  host: "node2",
  parent: "eth1",
  name: "shim0",
  mode: "vepa",
  addresses: ["192.0.2.250/32"],
  routes: machines.map((machine) => `${machine.address}/32`),
});

/**
 * `<interface>` of each machine's domain on node2. libvirt makes and removes the macvtap itself. Its source has to be
 * the NIC: on top of another macvlan the kernel would put it on that one's parent.
 */
export const vepa: Record<string, pulumi.Output<string>> = Object.fromEntries(
  machines.map(({ name, mac }) => [
    name,
    pulumi.interpolate`<interface type="direct">
  <mac address="${mac}"/>
  <source dev="${shim.parent}" mode="${shim.mode}"/>
  <model type="virtio"/>
</interface>`,
  ]),
);

// passthru hands over the frames of the NIC whatever MAC address they are to: the machine is free to choose its own.
const uplink = new MacvtapInterface("uplink", {
  host: "node3",
  parent: "eth1",
  name: "uplink0",
  mode: "passthru",
});

/** `<interface>` of the firewall machine's domain on node3: a macvtap that is there already (libvirt 5.7 or newer). */
export const passthru = pulumi.interpolate`<interface type="ethernet">
  <mac address="52:54:00:12:34:09"/>
  <target dev="${uplink.name}" managed="no"/>
  <model type="virtio"/>
</interface>`;

/** What QEMU opens where there is no libvirt: `-netdev tap,id=lan,fd=3 … 3<>DEVICE`. */
export const device = uplink.devicePath;
