/**
 * The management path of a host, and the changes that could cut it. Pure.
 *
 * Such a change is not forbidden: the host rolls it back unless a new connection confirms it (`host/watchdog.ts`).
 */
import { containsIp, prefixOf } from "../model/addresses";
import { type HostState, type LinkId, type LinkState, type SettingKey, findLink } from "../model/host";
import type { ManagementPath } from "../model/observation";
import type { Step } from "../model/steps";

/**
 * Links with all links below them that carry their packets: a VLAN's parent, the ports of a bridge or bond.
 *
 * @param names the links to start from
 */
export function linksBelow(links: readonly LinkState[], names: readonly string[]): string[] {
  // a host may have tens of thousands, each on the one before it
  const own = new Map<string, LinkState>();
  const slaves = new Map<string, string[]>();
  for (const link of links) {
    if (link.netns !== "") continue;
    if (!own.has(link.name)) own.set(link.name, link);
    const { "link.master": master = "" } = link.settings;
    if (master === "") continue;
    const others = slaves.get(master);
    if (others) others.push(link.name);
    else slaves.set(master, [link.name]);
  }
  const found = new Set<string>();
  const next = names.toReversed();
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    const link = own.get(name);
    if (!link || found.has(name)) continue;
    found.add(name);
    for (const slave of (slaves.get(name) ?? []).toReversed()) next.push(slave);
    if (link.parent !== "") next.push(link.parent);
  }
  return [...found];
}

/** A step that could cut the connection, and the link of the management path that it touches. */
export interface DisruptiveStep {
  readonly step: Step;
  readonly link: string;
}

/** The first of the steps that could cut the connection; undefined if none can. */
export function disruptiveStep(
  state: HostState,
  managementPath: ManagementPath,
  steps: readonly Step[],
): DisruptiveStep | undefined {
  for (const step of steps) {
    const link = disruptedLink(state, managementPath, step);
    if (link !== undefined) return { step, link };
  }
  return undefined;
}

/** Settings that affect no packet. */
const HARMLESS: readonly SettingKey[] = ["link.alias", "link.txqueuelen"];

/** The link of the management path that the step touches. */
function disruptedLink(state: HostState, managementPath: ManagementPath, step: Step): string | undefined {
  const carrier = (id: LinkId): string | undefined =>
    id.netns === "" && managementPath.links.includes(id.name) ? id.name : undefined;
  const ofHost = (name: string): LinkId => ({ name, netns: "" });
  /** A passthru child receives all of its parent's packets, and its MAC address is the parent's. */
  const below = (id: LinkId): string | undefined => {
    const link = findLink(state, id);
    return link?.settings["type.mode"] === "passthru" ? carrier(ofHost(link.parent)) : undefined;
  };
  switch (step.do) {
    case "deleteLink":
    case "moveLink":
    case "down":
    case "deleteAddress":
      return carrier(step.link);
    case "addLink":
      return step.settings["type.mode"] === "passthru" ? carrier(ofHost(step.parent)) : undefined;
    case "up":
      return below(step.link);
    case "set":
      if (step.key.startsWith("sysctl.") || HARMLESS.includes(step.key)) return undefined;
      if (step.key === "link.master") return carrier(step.link) ?? carrier(ofHost(step.value));
      return carrier(step.link) ?? (step.key === "link.address" ? below(step.link) : undefined);
    case "addAddress":
      // one more address in the client's subnet changes no route: the older one stays first
      return carrier(step.link) === undefined && leadsToClient(step.address.cidr, managementPath.prefix + 1)
        ? managementPath.links[0]
        : undefined;
    case "addRoute":
      return leadsToClient(step.route.to, managementPath.prefix) ? managementPath.links[0] : undefined;
    case "deleteRoute":
      return leadsToClient(step.route.to, 0) ? managementPath.links[0] : undefined;
    default:
      return undefined;
  }

  function leadsToClient(cidr: string, atLeast: number): boolean {
    const { client } = managementPath;
    const isOwn = !("link" in step) || step.link.netns === "";
    return isOwn && client !== "" && prefixOf(cidr) >= atLeast && containsIp(cidr, client);
  }
}
