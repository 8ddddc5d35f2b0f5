/** Which links a program of the host manages: systemd-networkd and NetworkManager, in their own words (`managers.sh`). */
import type { LinkManager } from "../model/observation";

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
