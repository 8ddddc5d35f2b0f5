/**
 * Probes of a LAN for machines that already have an address: for IPv4 with the host's own arping before the address is
 * added to a link (RFC 5227, 2.1.1), for IPv6 by the kernel's detection after that (RFC 4862, 5.4).
 */
import { canonicalIp } from "../model/addresses";
import type { LinkId } from "../model/host";
import { shellScript, shellText } from "../shell/library";
import { quote, sections } from "../shell/quote";

/** An address that another machine has. */
export interface Duplicate {
  /** Without prefix length. */
  readonly address: string;
  /** MAC address of the machine that answered, in lower case; `""` if it is not known. */
  readonly mac: string;
  /** What the probe printed, if it failed. */
  readonly printed?: string;
}

/** Seconds to wait for answers to an IPv4 probe, and at most for IPv6's detection. */
const ARP_SECONDS = 2;
const DAD_SECONDS = 3;

/**
 * Probes for IPv4 addresses through a link of the host's own namespace, all at once. The arping of iputils and of
 * busybox take these options. In Habets' arping they mean something else.
 */
export function probeScript(link: string, addresses: readonly string[], marker: string): string {
  const variables = { M: marker, PM_LINK: link, PM_SECONDS: String(ARP_SECONDS) };
  const probes = addresses.map((address) => `pm_probe ${quote(address)} &\n`);
  return shellScript(variables, shellText("probe"), ...probes, 'wait\necho "$M end"\n');
}

/**
 * The answers; undefined if the host has no suitable arping. A probe that failed is an answer without a MAC address.
 */
export function parseProbe(output: string, marker: string): Duplicate[] | undefined {
  const all = sections(output, marker);
  if (all.some((s) => s.name === "none")) return undefined;
  return all
    .filter((s) => s.name.startsWith("answer "))
    .map((s) => {
      const mac = /\[([0-9A-Fa-f:]{17})\]/.exec(s.text)?.[1]?.toLowerCase();
      const address = s.name.slice("answer ".length);
      return mac === undefined ? { address, mac: "", printed: s.text.trim() } : { address, mac };
    });
}

/** Waits until IPv6's detection has ended on a link, and prints its result. */
export function dadScript({ name, netns }: LinkId, marker: string): string {
  const variables = { M: marker, PM_LINK: name, PM_NETNS: netns, PM_SECONDS: String(DAD_SECONDS) };
  return shellScript(variables, shellText("dad"));
}

export function parseDad(output: string, marker: string): Duplicate[] {
  const text = sections(output, marker).find((s) => s.name === "failed")?.text ?? "";
  return [...text.matchAll(/ inet6 ([0-9a-f:]+)\//g)].map(([, address = ""]) => ({
    address: canonicalIp(address) ?? address,
    mac: "",
  }));
}
