/** The property `vlans` of a bridge and of its ports: which VLANs pass, and with or without a tag. Pure. */
import { z } from "zod";
import { type VlanRange, MAX_VLAN, describeRange, mergeVlans, parseVlans, vlanText } from "../model/vlans";
import type { BridgeVlanArgs } from "./args";
import type { Form } from "./bindings";
import * as p from "./schemas";

/** An entry in canonical form. */
type Entry = Readonly<BridgeVlanArgs>;

const WHAT = `must be a VLAN's number from 1 to ${MAX_VLAN}, a range such as "20-24", or { vid, pvid, untagged }`;

/** A number or a range of numbers. */
const vid = z.unknown().transform((value, ctx): Pick<VlanRange, "from" | "to"> => {
  const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(String(value)) ?? [];
  const range = { from: Number(from), to: Number(to) };
  const isText = typeof value === "string" || typeof value === "number";
  if (isText && range.from >= 1 && range.from <= range.to && range.to <= MAX_VLAN) return range;
  ctx.addIssue({
    code: "custom",
    message: `must be a VLAN's number from 1 to ${MAX_VLAN}, or a range such as "20-24"`,
  });
  return z.NEVER;
});

const entry = z.unknown().transform((value, ctx): VlanRange => {
  const isShort = typeof value === "number" || typeof value === "string";
  const schema = isShort ? tagged : withFlags;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) ctx.addIssue({ code: "custom", message, path });
  return z.NEVER;
});

const tagged = vid.transform((range): VlanRange => ({ ...range, pvid: false, untagged: false }));

const withFlags = z
  .strictObject(
    { vid, pvid: p.flag.default(false), untagged: p.flag.default(false) },
    { error: (issue) => (issue.code === "invalid_type" ? WHAT : undefined) },
  )
  .transform((given): VlanRange => ({ ...given.vid, pvid: given.pvid, untagged: given.untagged }));

/** The list has all VLANs. In canonical form it is sorted, and has as few entries as there can be. */
export const vlans: z.ZodType<Entry[]> = z
  .array(entry, { error: "must be a list" })
  .superRefine((ranges, ctx) => {
    ranges.forEach((range, i) => {
      const issue = (property: string, message: string): void => {
        ctx.addIssue({ code: "custom", message, path: [i, property] });
      };
      const same = ranges.slice(0, i).findIndex((r) => r.from <= range.to && range.from <= r.to);
      if (same >= 0) issue("vid", `has a VLAN that [${same}] has, too`);
      if (!range.pvid) return;
      if (range.from !== range.to)
        issue("pvid", "cannot be that of a range: frames without a tag are in one VLAN");
      const other = ranges.slice(0, i).findIndex((r) => r.pvid);
      if (other >= 0) issue("pvid", `is that of [${other}] already: frames without a tag are in one VLAN`);
    });
  })
  .transform((ranges) => mergeVlans(ranges).map(entryOf));

function entryOf(range: VlanRange): Entry {
  const { from, to, pvid, untagged } = range;
  return {
    vid: from === to ? from : describeRange(range),
    ...(pvid ? { pvid } : {}),
    ...(untagged ? { untagged } : {}),
  };
}

/** In iproute2's words: `1 pvid untagged, 20-24`. */
export const vlanList: Form<readonly Entry[]> = {
  encode: (entries) =>
    vlanText(
      entries.map(({ vid: given, pvid = false, untagged = false }) => {
        const [from = 0, to = from] = String(given).split("-").map(Number);
        return { from, to, pvid, untagged };
      }),
    ),
  decode: (text) => parseVlans(text).map(entryOf),
};
