/**
 * The VLANs that a bridge, or a port of one, lets through, as one text in iproute2's words: `1 pvid untagged, 20-24`. By
 * number, and as few ranges as there can be, so that the same VLANs are the same text. Pure.
 */

/** VLANs with the same flags. */
export interface VlanRange {
  readonly from: number;
  readonly to: number;
  /** Frames without a tag are in it. One VLAN at most has it. */
  readonly pvid: boolean;
  /** Its frames leave without a tag. */
  readonly untagged: boolean;
}

/** The flags of a VLAN as they stand in the text. */
type Flags = "" | " untagged" | " pvid" | " pvid untagged";

/** What a bridge gives itself and a new port: its default PVID. */
export const DEFAULT_PVID = "1";

function flagsOf({ pvid, untagged }: Pick<VlanRange, "pvid" | "untagged">): Flags {
  return pvid ? (untagged ? " pvid untagged" : " pvid") : untagged ? " untagged" : "";
}

/** By number. */
type Vlans = ReadonlyMap<number, Flags>;

function expand(ranges: readonly VlanRange[]): Map<number, Flags> {
  const vlans = new Map<number, Flags>();
  for (const range of ranges)
    for (let vid = range.from; vid <= range.to; vid++) vlans.set(vid, flagsOf(range));
  return vlans;
}

function compress(vlans: Vlans): VlanRange[] {
  const ranges: { from: number; to: number; flags: Flags }[] = [];
  for (const [vid, flags] of [...vlans].toSorted(([a], [b]) => a - b)) {
    const last = ranges.at(-1);
    // a range cannot have the PVID (bridge(8), bridge vlan add)
    if (last?.to === vid - 1 && last.flags === flags && !flags.includes("pvid")) last.to = vid;
    else ranges.push({ from: vid, to: vid, flags });
  }
  return ranges.map(({ from, to, flags }) => ({
    ...{ from, to },
    pvid: flags.includes("pvid"),
    untagged: flags.includes("untagged"),
  }));
}

/** As few ranges as there can be, by number. Of one that is there twice the last counts. */
export function mergeVlans(ranges: readonly VlanRange[]): VlanRange[] {
  return compress(expand(ranges));
}

/** `20-24`, or `20` for a single one. */
export function describeRange({ from, to }: Pick<VlanRange, "from" | "to">): string {
  return from === to ? String(from) : `${from}-${to}`;
}

export function vlanText(ranges: readonly VlanRange[]): string {
  return mergeVlans(ranges)
    .map((range) => describeRange(range) + flagsOf(range))
    .join(", ");
}

/** What a text says; what is none of ours reads as no VLAN. */
export function parseVlans(text: string): VlanRange[] {
  return text.split(", ").flatMap((part) => {
    const [, from, to = from, pvid, untagged] = /^(\d+)(?:-(\d+))?( pvid)?( untagged)?$/.exec(part) ?? [];
    if (from === undefined) return [];
    return [
      { from: Number(from), to: Number(to), pvid: pvid !== undefined, untagged: untagged !== undefined },
    ];
  });
}

/** What a new port has, or a new bridge itself. */
export function defaultVlans(defaultPvid: string): string {
  return defaultPvid === "0" ? "" : `${defaultPvid} pvid untagged`;
}

/**
 * The VLANs of a bridge or port after the bridge's default PVID was changed (net/bridge/br_vlan.c,
 * __br_vlan_set_default_pvid): they follow if the former default is as it was given and the new one is not in use.
 */
export function withDefaultPvid(text: string, before: string, after: string): string {
  const vlans = expand(parseVlans(text));
  const [old, next] = [Number(before), Number(after)];
  const isAsGiven = vlans.get(old) === " pvid untagged";
  if (next === 0) {
    if (isAsGiven) vlans.delete(old);
  } else if ((old === 0 || isAsGiven) && !vlans.has(next)) {
    for (const [vid, flags] of vlans) vlans.set(vid, flags.replace(" pvid", "") as Flags);
    vlans.set(next, " pvid untagged");
    vlans.delete(old);
  }
  return vlanText(compress(vlans));
}

/** What takes VLANs to others: the ranges to add, with their flags, and then those to delete. */
export interface VlanChanges {
  readonly add: readonly VlanRange[];
  readonly remove: readonly Pick<VlanRange, "from" | "to">[];
}

/** The highest number of a VLAN (IEEE 802.1Q, 9.6). */
export const MAX_VLAN = 4094;

/**
 * What is to be done for a port, or the bridge itself, to have exactly these VLANs.
 *
 * @param from the VLANs before; undefined if unknown: then all others are deleted
 */
export function vlanChanges(from: string | undefined, to: string): VlanChanges {
  const wanted = expand(parseVlans(to));
  const before =
    from === undefined ? expand([{ ...NO_FLAGS, from: 1, to: MAX_VLAN }]) : expand(parseVlans(from));
  const isSame = (vid: number, flags: Flags): boolean => from !== undefined && before.get(vid) === flags;
  const add = compress(new Map([...wanted].filter(([vid, flags]) => !isSame(vid, flags))));
  const gone = new Map<number, Flags>(
    [...before.keys()].filter((vid) => !wanted.has(vid)).map((vid) => [vid, ""]),
  );
  return {
    // first: whichever VLAN had the PVID loses it
    add: add.toSorted((a, b) => Number(b.pvid) - Number(a.pvid)),
    remove: compress(gone),
  };
}

const NO_FLAGS = { pvid: false, untagged: false };
