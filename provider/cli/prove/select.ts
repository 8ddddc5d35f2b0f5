/** The links of a stack on a host that is named on the command line. Pure. */
import { type HostAddress, hostIdentity, hostLabel } from "../../ssh/address";
import { namesOf, parseHosts, seenKey } from "../look";
import type { StackLink, StackReading } from "../stack";

/** A host of a stack. */
export interface SelectedHost {
  /** The way to it, as the stack has it: with jump, key and `become`. */
  readonly host: HostAddress;
  readonly label: string;
  readonly links: readonly StackLink[];
}

/**
 * A host by its name in a report, its label, or address and port. The way there need not be given.
 *
 * @throws Error if the stack has no such host, or several
 */
export function linksOn({ links }: StackReading, text: string): SelectedHost {
  const hosts = links.flatMap(({ host }) => (host === undefined ? [] : [host]));
  const names = namesOf(hosts);
  const nameOf = (host: HostAddress): string => names.get(seenKey(host)) ?? hostLabel(host);
  const named = hosts.filter((host) => nameOf(host) === text);
  const found = named.length > 0 ? named : hosts.filter(isAt(text));
  const identities = new Set(found.map(hostIdentity));
  const [host] = found;
  const listed = (list: readonly HostAddress[]): string => [...new Set(list.map(nameOf))].join(", ");
  if (host === undefined) {
    const has = hosts.length === 0 ? "it has none whose address is known" : `it has ${listed(hosts)}`;
    throw new Error(`the stack has no links on ${text}; ${has}`);
  }
  if (identities.size > 1) throw new Error(`${text} is several hosts of the stack: ${listed(found)}`);
  const own = links.filter((link) => link.host !== undefined && identities.has(hostIdentity(link.host)));
  return { host, label: nameOf(host), links: own };
}

function isAt(text: string): (host: HostAddress) => boolean {
  const identities = parseHosts([text]).map(hostIdentity);
  return ({ address, port }) =>
    identities.includes(hostIdentity({ address, ...(port === undefined ? {} : { port }) }));
}
