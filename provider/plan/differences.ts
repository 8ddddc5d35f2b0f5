/** What on a host is not as wanted, property by property, in a person's words. Pure. */
import type { Difference } from "../model/difference";
import {
  type Address,
  type HostState,
  type LinkState,
  type Route,
  type Wanted,
  type WantedLink,
  type WantedSetting,
  findLink,
  recordOf,
  sameLink,
} from "../model/host";
import { bootDifferences } from "./boot";
import { hasUsableAddress, sameRoute } from "./kernel/simulate";

/** All that differs between what a host has and what is wanted of it; empty when there is nothing to do. */
export function differences(state: HostState, wanted: Wanted): Difference[] {
  const found = wanted.links.flatMap((link) => linkDifferences(state, link));
  return [...found, ...recordDifferences(state, wanted), ...bootDifferences(state, wanted)];
}

function linkDifferences(state: HostState, wanted: WantedLink): Difference[] {
  const path = wanted.path ?? "";
  const current = findLink(state, wanted);
  const former = formerLink(state, wanted);
  if (!wanted.exists) {
    return current ? [{ property: "name", wanted: "none", found: describeLink(current) }] : [];
  }
  if (!current && former) {
    const moved: Difference[] = [];
    if (former.name !== wanted.name) {
      moved.push({ property: "name", wanted: wanted.name, found: former.name });
    }
    if (former.netns !== wanted.netns) {
      moved.push({
        property: "netns",
        wanted: wanted.netns || "the host's own",
        found: former.netns || "the host's own",
      });
    }
    return [...moved, ...propertyDifferences(former, wanted, path)];
  }
  if (!current) {
    const label = wanted.parent ? `${wanted.name}@${wanted.parent}` : wanted.name;
    return [{ property: `${path}name`, wanted: label, found: "none" }];
  }
  return propertyDifferences(current, wanted, path);
}

function propertyDifferences(current: LinkState, wanted: WantedLink, path: string): Difference[] {
  const list: Difference[] = [];
  if (wanted.kind !== undefined && wanted.kind !== current.kind) {
    list.push({ property: "kind", wanted: wanted.kind, found: current.kind || "a physical NIC" });
  }
  if (wanted.parent !== undefined && wanted.parent !== current.parent) {
    list.push({ property: "parent", wanted: wanted.parent, found: current.parent || "unknown" });
  }
  const isPort = wanted.settings.every(
    (s) => s.key !== "link.master" || s.value === (current.settings["link.master"] ?? ""),
  );
  for (const setting of wanted.settings) {
    // a link that is no port of the bridge yet has no port's options either: one difference says it all
    if (!isPort && setting.key.startsWith("port.")) continue;
    const value = current.settings[setting.key] ?? "";
    if (value !== setting.value) {
      list.push({
        property: setting.property,
        wanted: shown(setting, setting.value),
        found: shown(setting, value),
      });
    }
  }
  if (wanted.up !== undefined && wanted.up !== current.up) {
    list.push({ property: `${path}up`, wanted: String(wanted.up), found: String(current.up) });
  }
  if (wanted.addresses && !sameAddresses(current, wanted.addresses)) {
    list.push({
      property: `${path}addresses`,
      wanted: listed(wanted.addresses.map((a) => a.cidr)),
      found: listed(current.addresses.map(describeAddress)),
    });
  }
  if (wanted.routes && wanted.up !== false && !sameRoutes(current, wanted.routes)) {
    list.push({
      property: `${path}routes`,
      wanted: listed(wanted.routes.map(describeRoute)),
      found: listed(current.routes.map(describeRoute)),
    });
  }
  return list;
}

function recordDifferences(state: HostState, wanted: Wanted): Difference[] {
  if (!wanted.record) return [];
  const id = wanted.record;
  const link = wanted.links.find((l) => sameLink(l, id));
  const current = findLink(state, id);
  // a link that is still to be made or moved is a difference already, and its record comes with it
  if (!link || !current) return [];
  const record = recordOf(state, id);
  if (!record) return [{ property: "owner", wanted: wanted.owner, found: "nobody's mark" }];
  if (record.owner !== wanted.owner) {
    return [{ property: "owner", wanted: wanted.owner, found: record.owner }];
  }
  return sameRecord(record, id) ? [] : [{ property: "owner", wanted: "recorded anew", found: "outdated" }];
}

/** Whether a record already says what is wanted of it. */
export function sameRecord(a: NonNullable<Wanted["record"]>, b: NonNullable<Wanted["record"]>): boolean {
  return (
    a.owner === b.owner &&
    a.resource === b.resource &&
    a.made === b.made &&
    JSON.stringify(a.restore) === JSON.stringify(b.restore)
  );
}

/** The link at its former place, where a renamed or moved one still is. */
export function formerLink(state: HostState, wanted: WantedLink): LinkState | undefined {
  return wanted.formerly && !sameLink(wanted.formerly, wanted) ? findLink(state, wanted.formerly) : undefined;
}

export function sameAddresses(link: LinkState, wanted: readonly Address[]): boolean {
  return link.addresses.length === wanted.length && wanted.every((a) => hasUsableAddress(link, a));
}

export function sameRoutes(link: LinkState, wanted: readonly Route[]): boolean {
  return (
    link.routes.length === wanted.length &&
    wanted.every((r) => link.routes.some((have) => sameRoute(r, have)))
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
    ...(route.via === undefined ? [] : ["via", route.via]),
    ...(route.source === undefined ? [] : ["src", route.source]),
    ...(route.metric === undefined ? [] : ["metric", String(route.metric)]),
  ].join(" ");
}

function shown(setting: WantedSetting, value: string): string {
  const word = setting.words?.[value];
  if (word !== undefined) return word;
  if (value === "") return "none";
  return setting.scale === undefined ? value : String(Number(value) / setting.scale);
}

function describeAddress({ cidr, dadFailed }: Address): string {
  return dadFailed === true ? `${cidr} (not in use: another machine of the LAN has it)` : cidr;
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.join(", ");
}
