/** What `bridge -j -compressvlans vlan show` prints. Pure, and forgiving as `parse.ts` is. */
import { type VlanRange, vlanText } from "../model/vlans";
import { Fields, type Printed } from "./fields";
import { readObjects } from "./lenient-json";
import { linkName } from "./routes";

/** VLANs by the name of a bridge or port, as `vlanText` has them. */
export interface PrintedVlans {
  readonly of: ReadonlyMap<string, string>;
  /** All that have VLANs are named: one that is not has none. */
  readonly isWhole: boolean;
}

/**
 * Reads it; undefined if there is nothing to read: no bridge, no such command, or a kernel that cannot filter VLANs, for
 * which `bridge` prints half a list.
 */
export function parseBridgeVlans(text: string): PrintedVlans | undefined {
  const printed = text.trim();
  if (!printed.startsWith("[") || !printed.endsWith("]")) return undefined;
  // 4.17 and 4.18: `["br0","vlan":[{"vlan":1,"pvid":null,"untagged":null}]]`
  try {
    return printed.startsWith('["') ? parseNameless(printed) : parseObjects(printed);
  } catch (error) {
    // the list does not end: of no link is it known what it has, and the host is read all the same
    if (error instanceof SyntaxError) return { of: new Map(), isWhole: false };
    throw error;
  }
}

const OBJECT_START = /(?<=[[,])\{"ifname":/g;

function parseObjects(printed: string): PrintedVlans {
  const { elements, leftOut } = readObjects(printed, OBJECT_START);
  const read = elements.flatMap(({ value }): [string, string][] => {
    const fields = new Fields(value as Printed);
    const name = fields.text("ifname");
    const ranges = fields.list("vlans").flatMap(rangeOf);
    return name === undefined || fields.faults.length > 0 ? [] : [[linkName(name), vlanText(ranges)]];
  });
  return { of: new Map(read), isWhole: leftOut.length === 0 && read.length === elements.length };
}

function parseNameless(printed: string): PrintedVlans {
  const parts = [...printed.matchAll(/"((?:[^"\\]|\\.)*)","vlan":(\[[^\]]*\])/g)];
  const read = parts.flatMap(([, name = "", list = "[]"]): [string, string][] => {
    const { elements, leftOut } = readObjects(list, /(?<=[[,])\{/g);
    const vlans = elements.map(({ value }) => new Fields(value as Printed));
    const ranges = vlans.flatMap(rangeOf);
    const isRead = leftOut.length === 0 && vlans.every(({ faults }) => faults.length === 0);
    return isRead ? [[linkName(name), vlanText(ranges)]] : [];
  });
  const isAll = printed === `[${parts.map(([text]) => text).join(",")}]`;
  return { of: new Map(read), isWhole: isAll && read.length === parts.length };
}

function rangeOf(vlan: Fields): VlanRange[] {
  const from = vlan.integer("vlan");
  if (from === undefined) return [];
  const flags = vlan.texts("flags");
  return [
    {
      from,
      to: vlan.integer("vlanEnd") ?? from,
      pvid: flags.includes("PVID") || vlan.has("pvid"),
      untagged: flags.includes("Egress Untagged") || vlan.has("untagged"),
    },
  ];
}
