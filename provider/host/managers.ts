/** Which links a program of the host manages: systemd-networkd and NetworkManager, in their own words. */
import type { LinkManager } from "../model/observation";

/**
 * Defines `pm_managers`. networkd keeps a file a link under /run (sd-network's, src/libsystemd/sd-network); whether
 * NetworkManager manages a link, or only shows what others made of it, only its own tool tells.
 */
export const MANAGERS_FUNCTION = `pm_managers() {
  for f in /run/systemd/netif/links/*; do
    [ -e "$f" ] && { echo "networkd \${f##*/}"; grep -e '^ADMIN_STATE=' -e '^NETWORK_FILE=' "$f"; }
  done
  [ -d /run/NetworkManager ] && nmcli -t -f DEVICE,STATE,CONNECTION device 2>/dev/null | sed 's/^/nm /'
}
`;

/** @param nameOf the name of a link of the host's own namespace by its index */
export function parseManagers(text: string, nameOf: (ifIndex: number) => string | undefined): LinkManager[] {
  const byNetworkd = text
    .split(/^networkd /m)
    .slice(1)
    .flatMap((part) => {
      const [index = "", ...lines] = part.split("\n");
      const value = (key: string): string | undefined =>
        lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
      const link = nameOf(Number(index));
      const file = value("NETWORK_FILE");
      // networkctl(1): a link without a file is unmanaged, and a file may say so as well
      if (link === undefined || file === undefined || value("ADMIN_STATE") === "unmanaged") return [];
      return [{ link, by: "systemd-networkd" as const, file }];
    });
  return [...byNetworkd, ...text.split("\n").flatMap(parseNmcli)];
}

/** `nm eth0:connected:Wired connection 1`, colons within a field escaped (nmcli(1), --terse). */
function parseNmcli(line: string): LinkManager[] {
  if (!line.startsWith("nm ")) return [];
  const [link = "", state = "", file = ""] = line
    .slice(3)
    .split(/(?<!\\):/)
    .map((field) => field.replace(/\\(.)/g, "$1"));
  const isManaged = /^connect/.test(state) && !state.includes("externally");
  return isManaged ? [{ link, by: "NetworkManager", ...(file === "" ? {} : { file }) }] : [];
}
