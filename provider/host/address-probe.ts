/**
 * Asking a LAN whether somebody else has an address: for IPv4 with the host's own arping before the address is put on
 * a link (RFC 5227, 2.1.1), for IPv6 by what the kernel's detection says after it (RFC 4862, 5.4).
 */
import { canonicalIp } from "../model/addresses";
import type { LinkId } from "../model/host";
import { shellScript, shellText } from "../shell/library";
import { quote, sections } from "../shell/quote";

/** An address that somebody has. */
export interface Duplicate {
  /** Without prefix length. */
  readonly address: string;
  /** MAC address of who answered, in lower case; `""` where nobody tells. */
  readonly mac: string;
  /** What the probe printed, where it failed. */
  readonly printed?: string;
}

/** Seconds that the LAN has for answering an IPv4 probe, and at most for IPv6's detection. */
const ARP_SECONDS = 2;
const DAD_SECONDS = 3;

/**
 * Probes for IPv4 addresses through a link of the host's own namespace, all at once. iputils' arping and busybox's take
 * these options; Habets' program of that name means other things by them.
 */
export function probeScript(link: string, addresses: readonly string[], marker: string): string {
  const variables = { M: marker, PM_LINK: link, PM_SECONDS: String(ARP_SECONDS) };
  const probes = addresses.map((address) => `pm_probe ${quote(address)} &\n`);
  return shellScript(variables, shellText("probe"), ...probes, 'wait\necho "$M end"\n');
}

/** Who answered; undefined where the host has no arping that can ask. A probe that failed is an answer without a MAC. */
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

/** Waits until IPv6's detection has ended on a link, and prints what it found. */
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
