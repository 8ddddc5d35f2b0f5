/**
 * The connection through which a host is reached, and which changes could cut it. Pure.
 *
 * A change that can is not forbidden: it is applied so that the host takes it back by itself unless a new connection
 * confirms it (`host/watchdog.ts`).
 */
import { containsIp, prefixOf } from "../model/addresses";
import { type HostState, type LinkId, type LinkState, type SettingKey, findLink } from "../model/host";
import type { ManagementPath } from "../model/observation";
import type { Step } from "../model/steps";

/**
 * A link with all that its packets pass below it: a VLAN's parent, a bridge's ports, a bond's slaves.
 *
 * @param names links to begin with
 */
export function linksBelow(links: readonly LinkState[], names: readonly string[]): string[] {
  const own = links.filter((l) => l.netns === "");
  const found = new Set<string>();
  const visit = (name: string): void => {
    const link = own.find((l) => l.name === name);
    if (!link || found.has(name)) return;
    found.add(name);
    if (link.parent !== "") visit(link.parent);
    for (const slave of own) if (slave.settings["link.master"] === name) visit(slave.name);
  };
  names.forEach(visit);
  return [...found];
}

/** A step that could cut the connection, and the link of the connection that it touches. */
export interface DisruptiveStep {
  readonly step: Step;
  readonly link: string;
}

/** The first of the steps that could cut the connection; undefined where none can. */
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

/** Settings that no packet notices. */
const HARMLESS: readonly SettingKey[] = ["link.alias", "link.txqueuelen"];

/** The link of the connection that the step touches. */
function disruptedLink(state: HostState, managementPath: ManagementPath, step: Step): string | undefined {
  const carrier = (id: LinkId): string | undefined =>
    id.netns === "" && managementPath.links.includes(id.name) ? id.name : undefined;
  const ofHost = (name: string): LinkId => ({ name, netns: "" });
  /** A passthru child takes all that comes in for its parent, and its MAC address is the parent's. */
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
      // one more address in the subnet that the client is in changes no route: the older one stays first
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
