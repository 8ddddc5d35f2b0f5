/** What a host's kernel remembers of a link's carrier, from `carrier.sh`. */
import type { CarrierHistory } from "../kinds/lan/carrier";
import { shellScript, shellText } from "../shell/library";
import { sections } from "../shell/quote";

export function carrierScript(link: string, marker: string): string {
  return shellScript({ M: marker, PM_LINK: link }, shellText("carrier"));
}

/** The kernel's log has seconds since the boot at the beginning of a line: `[ 1234.567890] e1000e: eth0 NIC Link is Down`. */
export function parseCarrier(output: string, marker: string): CarrierHistory {
  const text = sections(output, marker).find(({ name }) => name === "carrier")?.text ?? "";
  const numberOf = (pattern: RegExp): number | undefined => {
    const [, number] = pattern.exec(text) ?? [];
    return number === undefined ? undefined : Number(number);
  };
  const lost = numberOf(/^carrier_down_count ([0-9]+)$/m);
  const gained = numberOf(/^carrier_up_count ([0-9]+)$/m);
  const uptime = numberOf(/^uptime ([0-9.]+)$/m);
  const told = numberOf(/^(?:<[0-9]+>)?\[ *([0-9]+\.[0-9]+)\]/m);
  const since = uptime === undefined || told === undefined ? undefined : uptime - told;
  return {
    ...(lost === undefined ? {} : { lost }),
    ...(gained === undefined ? {} : { gained }),
    ...(since === undefined || since < 0 ? {} : { since }),
  };
}
