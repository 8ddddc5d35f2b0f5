/** Reading through which links a host is reached. */
import { canonicalIp, containsIp, prefixOf } from "../plan/addresses";
import { type Lifeline, linksBelow } from "../plan/lifeline";
import type { LinkState } from "../plan/model";

/**
 * Defines `pm_client`: prints sshd's SSH_CONNECTION (`CLIENT PORT SERVER PORT`, sshd(8)). sudo and doas take it out of
 * the environment, but the process that started them, or sudo itself, still has it.
 */
export const CLIENT_FUNCTION = `pm_client() {
  [ -n "$SSH_CONNECTION" ] && { echo "$SSH_CONNECTION"; return; }
  p=$$
  while [ "\${p:-1}" -gt 1 ]; do
    c=$(tr '\\0' '\\n' < "/proc/$p/environ" | sed -n 's/^SSH_CONNECTION=//p')
    [ -n "$c" ] && { echo "$c"; return; }
    p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")
  done 2>/dev/null
}
`;

/** An address or a route as the kernel has it, whoever put it there. */
export interface Holder {
  readonly link: string;
  /** Address or destination in CIDR form. */
  readonly cidr: string;
}

/**
 * @param client what `pm_client` printed
 * @param addresses all addresses of the host's own namespace
 * @param routes all of its routes
 */
export function parseLifeline(
  client: string,
  links: readonly LinkState[],
  addresses: readonly Holder[],
  routes: readonly Holder[],
): Lifeline {
  const [from = "", , to = ""] = client.trim().split(" ");
  const [ip, zone] = splitZone(from);
  const [server] = splitZone(to);
  const linkWith = (address: string): string | undefined =>
    addresses.find(({ cidr }) => cidr.startsWith(`${address}/`))?.link;
  if (linkWith(ip) !== undefined) return { client: ip, links: ["lo"], prefix: 0 };
  const holder = linkWith(server) ?? zone;
  const back = routes
    .filter(({ cidr }) => containsIp(cidr, ip))
    .toSorted((a, b) => prefixOf(b.cidr) - prefixOf(a.cidr))[0];
  const carriers = [holder, back?.link].filter((l) => l !== undefined);
  const unknown = links.filter((l) => l.netns === "" && l.name !== "lo" && l.up).map((l) => l.name);
  return {
    client: ip,
    links: linksBelow(links, holder === undefined ? unknown : carriers),
    prefix: back === undefined ? 0 : prefixOf(back.cidr),
  };
}

/** `fe80::1%eth0` → its address in canonical form, and its link. */
function splitZone(text: string): [ip: string, zone: string | undefined] {
  const [ip = "", zone] = text.split("%");
  return [canonicalIp(ip) ?? "", zone];
}
