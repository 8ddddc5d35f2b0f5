/** What a change takes along: it belongs to what is given back later. Pure. */
import {
  type HostState,
  type LinkState,
  type SettingKey,
  type Desired,
  type DesiredLink,
  findLink,
  recordOf,
  withStatedLinkLocal,
} from "../model/host";
import { isOwn } from "../model/owner";
import { simulate } from "./kernel/simulate";
import { type KernelTraits, isOfPort, transition } from "./transition";

/**
 * What is desired, with a record that also keeps what the change takes along: options that the kernel resets with others,
 * routes and addresses that are lost while a link is down. Else a link that is given back would not be as it was.
 */
export function withSideEffects(observed: HostState, desired: Desired, kernel: KernelTraits): Desired {
  const { record } = desired;
  if (!record || record.restore.length === 0) return desired;
  const state = withStatedLinkLocal(observed, desired);
  const after = transition(state, desired, kernel).reduce(simulate, state);
  if (after === state) return desired;
  const restore = record.restore.map((point) => {
    const [now, then] = [findLink(state, point), findLink(after, point)];
    return now && then ? restoringAll(point, now, then) : point;
  });
  return { ...desired, record: { ...record, restore } };
}

/** What is desired when an adopted link is given back: what that takes along of it, such as a bond's MAC address, comes back. */
export function withoutLosses(observed: HostState, desired: Desired, kernel: KernelTraits): Desired {
  const state = withStatedLinkLocal(observed, desired);
  const after = transition(state, desired, kernel).reduce(simulate, state);
  if (after === state) return desired;
  const links = desired.links.map((link) => {
    const record = recordOf(state, link);
    if (record?.made !== false || !isOwn(record, desired)) return link;
    const [now, then] = [findLink(state, link), findLink(after, link)];
    if (!now || !then) return link;
    const { settings, ...lost } = restoringAll(link, now, then);
    // an option that it does not have any more is none to set
    return {
      ...lost,
      settings: settings.filter((s) => then.settings[s.key] !== undefined || link.settings.includes(s)),
    };
  });
  return { ...desired, links };
}

/** A restore point with everything that differs after the change. */
function restoringAll(point: DesiredLink, now: LinkState, then: LinkState): DesiredLink {
  const master = point.settings.find(({ key }) => key === "link.master")?.value;
  const leaves = master !== undefined && master !== (now.settings["link.master"] ?? "");
  const settings = (Object.entries(now.settings) as [SettingKey, string][])
    .filter(([key, value]) => value !== "" && then.settings[key] !== value)
    .filter(([key]) => !(leaves && isOfPort(key)) && !point.settings.some((s) => s.key === key))
    .map(([key, value]) => ({ key, value, property: key }));
  const isUpChanged = point.up === undefined && now.up !== then.up;
  const loses = (was: readonly unknown[], are: readonly unknown[]): boolean =>
    was.some((x) => !are.includes(x));
  const cidrs = (link: LinkState): string[] => link.addresses.map(({ cidr }) => cidr);
  const losesAddresses = point.addresses === undefined && loses(cidrs(now), cidrs(then));
  const keys = (link: LinkState): string[] => link.routes.map((r) => JSON.stringify(r));
  const losesRoutes = point.routes === undefined && loses(keys(now), keys(then));
  if (settings.length === 0 && !isUpChanged && !losesAddresses && !losesRoutes) return point;
  return {
    ...point,
    settings: [...point.settings, ...settings],
    ...(isUpChanged ? { up: now.up } : {}),
    ...(losesAddresses ? { addresses: now.addresses } : {}),
    ...(losesRoutes ? { routes: now.routes } : {}),
  };
}
