/** The differences between the observed and the desired state, property by property, as text for users. Pure. */
import type { Difference } from "../model/difference";
import {
  type Address,
  type HostState,
  type LinkState,
  type Route,
  type Desired,
  type DesiredLink,
  type DesiredSetting,
  findLink,
  recordOf,
  sameLink,
  withStatedLinkLocal,
} from "../model/host";
import { describeOwner, isOwn, sameMark } from "../model/owner";
import { markDifference } from "../model/secret-parts";
import { bootDifferences } from "./boot";
import { sameRoute } from "./kernel/routes";
import { isSysctl } from "./kernel/sysctls";
import { hasUsableAddress } from "./kernel/simulate";

/** All differences between the observed and the desired state; empty if there is nothing to do. */
export function differences(observed: HostState, desired: Desired): Difference[] {
  const state = withStatedLinkLocal(observed, desired);
  const found = desired.links.flatMap((link) => linkDifferences(state, link));
  return [...found, ...recordDifferences(state, desired), ...bootDifferences(state, desired)].map((d) =>
    markDifference(d, desired.secret),
  );
}

function linkDifferences(state: HostState, desired: DesiredLink): Difference[] {
  const path = desired.path ?? "";
  const current = findLink(state, desired);
  const former = formerLink(state, desired);
  if (!desired.exists) {
    return current ? [{ property: "name", wanted: "none", found: describeLink(current) }] : [];
  }
  if (!current && former) {
    const moved: Difference[] = [];
    if (former.name !== desired.name) {
      moved.push({ property: "name", wanted: desired.name, found: former.name });
    }
    if (former.netns !== desired.netns) {
      moved.push({
        property: "netns",
        wanted: desired.netns || "the host's own",
        found: former.netns || "the host's own",
      });
    }
    return [...moved, ...propertyDifferences(former, desired, path)];
  }
  if (!current) {
    const label = desired.parent ? `${desired.name}@${desired.parent}` : desired.name;
    return [{ property: `${path}name`, wanted: label, found: "none" }];
  }
  return propertyDifferences(current, desired, path);
}

function propertyDifferences(current: LinkState, desired: DesiredLink, path: string): Difference[] {
  const list: Difference[] = [];
  if (desired.kind !== undefined && desired.kind !== current.kind) {
    list.push({ property: "kind", wanted: desired.kind, found: current.kind || "a physical NIC" });
  }
  if (desired.parent !== undefined && desired.parent !== current.parent) {
    list.push({ property: "parent", wanted: desired.parent, found: current.parent || "unknown" });
  }
  const isPort = desired.settings.every(
    (s) => s.key !== "link.master" || s.value === (current.settings["link.master"] ?? ""),
  );
  for (const setting of desired.settings) {
    // a link that is not yet a port of the bridge has no port options either: one difference is enough
    if (!isPort && setting.key.startsWith("port.")) continue;
    // nor has every link every sysctl: with an MTU below 1280 it has no IPv6
    if (isSysctl(setting.key) && current.settings[setting.key] === undefined) continue;
    const value = current.settings[setting.key] ?? "";
    if (value !== setting.value) {
      list.push({
        property: setting.property,
        wanted: shown(setting, setting.value),
        found: shown(setting, value),
      });
    }
  }
  if (desired.up !== undefined && desired.up !== current.up) {
    list.push({ property: `${path}up`, wanted: String(desired.up), found: String(current.up) });
  }
  if (desired.addresses && !sameAddresses(current, desired.addresses)) {
    list.push({
      property: `${path}addresses`,
      wanted: listed(desired.addresses.map((a) => a.cidr)),
      found: listed(current.addresses.map(describeAddress)),
    });
  }
  // a link that is down has no routes
  if (desired.routes && (desired.up ?? current.up) && !sameRoutes(current, desired.routes)) {
    list.push({
      property: `${path}routes`,
      wanted: listed(desired.routes.map(describeRoute)),
      found: listed(current.routes.map(describeRoute)),
    });
  }
  return list;
}

function recordDifferences(state: HostState, desired: Desired): Difference[] {
  if (!desired.record) return [];
  const id = desired.record;
  const link = desired.links.find((l) => sameLink(l, id));
  const current = findLink(state, id);
  // a link that is still to be made or moved is a difference already, and gets its record then
  if (!link || !current) return [];
  const record = recordOf(state, id);
  if (!record) return [{ property: "owner", wanted: desired.owner, found: "no record" }];
  if (!isOwn(record, desired)) {
    return [{ property: "owner", wanted: describeOwner(id), found: describeOwner(record) }];
  }
  return sameRecord(record, id)
    ? []
    : [{ property: "owner", wanted: "an up-to-date record", found: "an outdated record" }];
}

/** Whether a record already has the desired content. */
export function sameRecord(a: NonNullable<Desired["record"]>, b: NonNullable<Desired["record"]>): boolean {
  return (
    sameMark(a, b) &&
    a.resource === b.resource &&
    a.made === b.made &&
    JSON.stringify(a.restore) === JSON.stringify(b.restore)
  );
}

/** The link at its previous place, if it still has to be renamed or moved. */
export function formerLink(state: HostState, desired: DesiredLink): LinkState | undefined {
  return desired.previous && !sameLink(desired.previous, desired)
    ? findLink(state, desired.previous)
    : undefined;
}

export function sameAddresses(link: LinkState, desired: readonly Address[]): boolean {
  return link.addresses.length === desired.length && desired.every((a) => hasUsableAddress(link, a));
}

export function sameRoutes(link: LinkState, desired: readonly Route[]): boolean {
  return (
    link.routes.length === desired.length &&
    desired.every((r) => link.routes.some((have) => sameRoute(r, have)))
  );
}

/** `mac0@eth0` as `ip link` shows it. */
export function describeLink(link: LinkState): string {
  return link.parent ? `${link.name}@${link.parent}` : link.name;
}

/** A route in iproute2's words: `192.0.2.10/32 src 192.0.2.1 metric 42`. */
export function describeRoute(route: Route): string {
  return [
    route.to,
    ...(route.selector === undefined ? [] : [route.selector]),
    ...(route.via === undefined ? [] : ["via", route.via]),
    ...(route.source === undefined ? [] : ["src", route.source]),
    ...(route.metric === undefined ? [] : ["metric", String(route.metric)]),
    ...(route.foreign === undefined ? [] : [route.foreign]),
  ].join(" ");
}

function shown(setting: DesiredSetting, value: string): string {
  const word = setting.words?.[value];
  if (word !== undefined) return word;
  if (value === "") return "none";
  return setting.scale === undefined ? value : String(Number(value) / setting.scale);
}

function describeAddress({ cidr, dadFailed }: Address): string {
  return dadFailed === true ? `${cidr} (not in use: another machine on the LAN has it)` : cidr;
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.join(", ");
}
