import assert from "node:assert/strict";
import fc from "fast-check";
import { parseBridgeVlans } from "../../provider/iproute2/vlans";
import { PRINTED } from "../unit/iproute2/printed-vlans";
import { mutate, mutations } from "./mutate";
import type { FuzzTarget } from "./target";

/** Reads what bridge printed, as `parseBridgeVlans` does. */
export type ParseVlans = typeof parseBridgeVlans;

/** The bridge and its ports, each with its VLANs. */
function elementsOf(text: string): string[] {
  const inside = text.trim().slice(1, -1);
  return inside.split(/,(?=\{"ifname":|"[a-z0-9]+","vlan":)/);
}

const input = fc.record({
  text: fc.constantFrom(...Object.values(PRINTED)),
  element: fc.nat(10),
  changes: mutations,
});

/** Milliseconds of CPU that no reading may take. */
const SLOW = 2000;

/**
 * What bridge printed of VLANs, with one link that is changed in any way: the others have the VLANs that they had, or it is
 * not said that all were read.
 */
export function bridgeVlans(parse: ParseVlans = parseBridgeVlans): FuzzTarget {
  return {
    name: "bridge-vlans",
    about: "what bridge prints of VLANs: one link is changed, and no other one is read otherwise than before",
    property: fc.property(input, ({ text, element, changes }) => {
      const elements = elementsOf(text);
      const index = element % elements.length;
      const after = mutate(elements[index] ?? "", changes);
      const before = parse(text)?.of ?? new Map<string, string>();
      const began = process.cpuUsage();
      const now = parse(`[${elements.toSpliced(index, 1, after).join(",")}]`);
      const took = process.cpuUsage(began).user / 1000;
      assert.ok(took < SLOW, `took ${took} ms of CPU`);
      assert.ok(now, "what is a list is not read");
      for (const [name, vlans] of [...before].filter((_, i) => i !== index)) {
        // the changed one may have got this name
        if (after.includes(name)) continue;
        const read = now.of.get(name);
        assert.ok(read === vlans || (read === undefined && !now.isWhole), `${name}: ${read ?? "none"}`);
      }
    }),
  };
}
