/**
 * Changes that are not possible while a link is in use: a bond must be down and without ports to change its mode. What
 * the link and its neighbours lose meanwhile is restored. Pure.
 */
import { bondNeeds, portsOf } from "./kernel/bond";
import {
  type HostState,
  type LinkState,
  type Desired,
  type DesiredLink,
  type SettingKey,
  findLink,
  sameLink,
} from "../model/host";

/**
 * The desired links that exist, and the links beside them that have to be restored.
 *
 * @param explicit for a boot: the VLANs of other links at that time are unknown
 */
export function presentLinks(state: HostState, desired: Desired, explicit = false): DesiredLink[] {
  const present = desired.links.filter((l) => l.exists);
  const bystanders: DesiredLink[] = [];
  const complete = present.map((link) => {
    const current = findLink(state, link) ?? (link.previous && findLink(state, link.previous));
    if (current?.kind !== "bond" || (link.kind ?? "bond") !== "bond") return link;
    const { down, noPorts } = bondNeeds(current, link.settings);
    if (!down && !noPorts) return link;
    if (noPorts) bystanders.push(...portsOf(state, current.name).map((l) => portOf(l, link.name)));
    if (down && current.up) bystanders.push(...vlansOn(state, current.name).map(asItIs));
    // with fail_over_mac "active" it takes no address (bond_main.c, bond_set_mac_address)
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
  const all = [...complete, ...bystanders.filter((b) => !desired.links.some((l) => sameLink(l, b)))];
  return explicit ? all : keepingVlans(state, all);
}

/**
 * The default PVID is for new ports: a bridge, and ports that it has, keep their VLANs when it changes, though the kernel
 * changes those that have the former default (net/bridge/br_vlan.c, __br_vlan_set_default_pvid).
 */
function keepingVlans(state: HostState, links: readonly DesiredLink[]): DesiredLink[] {
  const changed = links.flatMap((link) => {
    const current = findLink(state, link) ?? (link.previous && findLink(state, link.previous));
    const pvid = link.settings.find(({ key }) => key === "type.vlan_default_pvid");
    const isSame = pvid === undefined || pvid.value === current?.settings[pvid.key];
    return current === undefined || isSame ? [] : [{ link, current }];
  });
  return changed.reduce<DesiredLink[]>(
    (all, { link, current }) => {
      const ports = portsOf(state, current.name);
      const others = ports.filter((port) => !all.some((l) => sameLink(l, port)));
      const kept = all.map((l) => {
        if (sameLink(l, link)) return keeping(l, current, "self.vlans");
        const port = ports.find((p) => sameLink(p, l));
        const stays = l.settings.every(({ key, value }) => key !== "link.master" || value === link.name);
        return port && stays ? keeping(l, port, "port.vlans") : l;
      });
      return [
        ...kept,
        ...others.map(({ name, netns, ...port }) =>
          keeping({ name, netns, exists: true, settings: [] }, port, "port.vlans"),
        ),
      ];
    },
    [...links],
  );
}

/** What is desired of a link, with a setting as it is unless one is desired. */
function keeping(link: DesiredLink, { settings }: Pick<LinkState, "settings">, key: SettingKey): DesiredLink {
  const value = settings[key];
  if (value === undefined || link.settings.some((s) => s.key === key)) return link;
  return { ...link, settings: [...link.settings, { key, value, property: "vlans" }] };
}

function portOf({ name, netns, up }: LinkState, bond: string): DesiredLink {
  const settings = [{ key: "link.master" as const, value: bond, property: "ports" }];
  return { name, netns, exists: true, up, settings };
}

/** net/8021q/vlan.c, vlan_device_event: they go down with the link below, and come up again without what they lost. */
function vlansOn(state: HostState, parent: string): LinkState[] {
  return state.links.filter((l) => l.netns === "" && l.kind === "vlan" && l.parent === parent);
}

function asItIs({ name, netns, up, addresses, routes }: LinkState): DesiredLink {
  return { name, netns, exists: true, up, settings: [], addresses, routes };
}
