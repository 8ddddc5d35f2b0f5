/**
 * Changes that a link cannot take while it is in use: a bond's mode wants it down and without ports. What is lost on the
 * way, of the link and of those around it, is wanted back. Pure.
 */
import { bondNeeds, portsOf } from "./kernel/bond";
import {
  type HostState,
  type LinkState,
  type Desired,
  type DesiredLink,
  findLink,
  sameLink,
} from "../model/host";

/** The links of a wish that are to be there, and those that have to be put back beside them. */
export function presentLinks(state: HostState, desired: Desired): DesiredLink[] {
  const present = desired.links.filter((l) => l.exists);
  const bystanders: DesiredLink[] = [];
  const complete = present.map((link) => {
    const current = findLink(state, link) ?? (link.previous && findLink(state, link.previous));
    if (current?.kind !== "bond" || (link.kind ?? "bond") !== "bond") return link;
    const { down, noPorts } = bondNeeds(current, link.settings);
    if (!down && !noPorts) return link;
    if (noPorts) bystanders.push(...portsOf(state, current.name).map((l) => portOf(l, link.name)));
    if (down && current.up) bystanders.push(...vlansOn(state, current.name).map(asItIs));
    // with fail_over_mac "active" no address can be given to it (bond_main.c, bond_set_mac_address)
    const isMacGiven = link.settings.some(
      (s) => s.key === "link.address" || (s.key === "type.fail_over_mac" && s.value === "active"),
    );
    const mac = current.settings["link.address"] ?? "";
    return {
      ...link,
      ...(down ? { up: link.up ?? current.up } : {}),
      ...(down ? { addresses: link.addresses ?? current.addresses } : {}),
      ...(down ? { routes: link.routes ?? current.routes } : {}),
      settings:
        noPorts && !isMacGiven && mac !== ""
          ? [...link.settings, { key: "link.address" as const, value: mac, property: "macAddress" }]
          : link.settings,
    };
  });
  return [...complete, ...bystanders.filter((b) => !desired.links.some((l) => sameLink(l, b)))];
}

function portOf({ name, netns, up }: LinkState, bond: string): DesiredLink {
  const settings = [{ key: "link.master" as const, value: bond, property: "ports" }];
  return { name, netns, exists: true, up, settings };
}

/** net/8021q/vlan.c, vlan_device_event: they go down along with the link below, and up again without what they lost. */
function vlansOn(state: HostState, parent: string): LinkState[] {
  return state.links.filter((l) => l.netns === "" && l.kind === "vlan" && l.parent === parent);
}

function asItIs({ name, netns, up, addresses, routes }: LinkState): DesiredLink {
  return { name, netns, exists: true, up, settings: [], addresses, routes };
}
