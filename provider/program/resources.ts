/** The resource classes of links: their types, the names of their outputs, and examples. */
import { KIND_OUTPUTS } from "./outputs";
import { linkResource } from "./resource";
import type {
  BondArgs,
  BondOutputs,
  BridgeArgs,
  BridgeOutputs,
  IpvlanArgs,
  IpvlanOutputs,
  MacvlanArgs,
  MacvlanOutputs,
  MacvtapArgs,
  MacvtapOutputs,
  ShimArgs,
  ShimOutputs,
  VlanArgs,
  VlanOutputs,
} from "../kinds/args/index";

/**
 * A macvlan: a link with its own MAC address and IP addresses on a parent, which can have many of them.
 *
 * @example
 * const web = new MacvlanInterface("web", {
 *   host: "ops@node1.example",
 *   parent: "eth0",
 *   name: "mac0",
 *   netns: "web",
 *   addresses: ["192.0.2.10/24"],
 * });
 * export const webMac = web.macAddress;
 */
export class MacvlanInterface extends linkResource<MacvlanArgs, MacvlanOutputs>(
  "MacvlanInterface",
  KIND_OUTPUTS.macvlan,
) {}

/**
 * Several links that are used as one: a parent that survives a broken cable, or has the bandwidth of all of them.
 *
 * @example
 * const uplink = new Bond("uplink", {
 *   host: "ops@node1.example",
 *   name: "bond0",
 *   mode: "active-backup",
 *   ports: ["eth0", "eth1"],
 *   takeOverAddresses: true,
 * });
 * new MacvlanInterface("web", { host: "ops@node1.example", parent: uplink.name, name: "mac0" });
 */
export class Bond extends linkResource<BondArgs, BondOutputs>("Bond", KIND_OUTPUTS.bond) {}

/**
 * A macvlan for a virtual machine: a program that opens its device receives all frames for its MAC address, and sends
 * through it. Properties and modes are those of {@link MacvlanInterface}.
 *
 * @example
 * const vm1 = new MacvtapInterface("vm1", { host: "ops@node1.example", parent: "eth0", macAddress: "52:54:00:12:34:01" });
 * export const device = vm1.devicePath; // qemu-system-x86_64 -netdev tap,id=lan,fd=3 3<>/dev/tap7
 */
export class MacvtapInterface extends linkResource<MacvtapArgs, MacvtapOutputs>(
  "MacvtapInterface",
  KIND_OUTPUTS.macvtap,
) {}

/**
 * An ipvlan: a link with its own IP addresses and the MAC address of its parent, for networks that allow only one MAC
 * address: Wi-Fi, clouds, switch ports with port security. A parent has either ipvlans or macvlans.
 *
 * @example
 * new IpvlanInterface("web", {
 *   host: "ops@node1.example",
 *   parent: "wlan0",
 *   netns: "web",
 *   addresses: ["192.0.2.10/24"],
 * });
 */
export class IpvlanInterface extends linkResource<IpvlanArgs, IpvlanOutputs>(
  "IpvlanInterface",
  KIND_OUTPUTS.ipvlan,
) {}

/**
 * A bridge whose ports can send frames back out of the port that they came from, which vepa children need. With
 * `adopt: true` it manages only the named parts of an existing bridge.
 *
 * @example
 * new HairpinBridge("lan", { host: "ops@node1.example", name: "br0", ports: ["eth1"], adopt: true });
 */
export class HairpinBridge extends linkResource<BridgeArgs, BridgeOutputs>(
  "HairpinBridge",
  KIND_OUTPUTS.bridge,
) {}

/**
 * The host's own macvlan. A host cannot reach its macvlans through their parent, but it can through a shim with routes
 * to them, and they can reach the host.
 *
 * @example
 * new HostShim("shim", {
 *   host: "ops@node1.example",
 *   parent: "eth0",
 *   name: "shim0",
 *   addresses: ["192.0.2.250/32"],
 *   routes: ["192.0.2.10/32"],
 * });
 */
export class HostShim extends linkResource<ShimArgs, ShimOutputs>("HostShim", KIND_OUTPUTS.shim) {}

/**
 * One VLAN of a parent as a link, which macvlans of that VLAN can use as their parent.
 *
 * @example
 * const lan10 = new VlanInterface("lan10", {
 *   host: "ops@node1.example",
 *   parent: "eth0",
 *   name: "eth0.10",
 *   vlanId: 10,
 * });
 * new MacvlanInterface("web", {
 *   host: "ops@node1.example",
 *   parent: lan10.name,
 *   name: "mac0",
 *   netns: "web",
 *   addresses: ["192.0.2.10/24"],
 * });
 */
export class VlanInterface extends linkResource<VlanArgs, VlanOutputs>("VlanInterface", KIND_OUTPUTS.vlan) {}
