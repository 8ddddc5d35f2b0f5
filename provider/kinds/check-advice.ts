/** What to look for if a check of a link fails: what is known of the ways in which no packet arrives (docs/modes.md). Pure. */
import { withoutPrefix } from "../model/addresses";
import type { Probe } from "../model/checks";
import { type HostState, type LinkState, findLink, sameLink } from "../model/host";
import { linksBelow } from "../plan/management-path";
import { hostOfTarget } from "./checks";
import { type CommonInputs, type Json, linkId } from "./kind";

/** One sentence without a full stop; undefined if nothing particular is known. */
export function adviceFor(
  known: CommonInputs,
  state: HostState,
  probe: Probe,
  targets: readonly string[],
): string | undefined {
  const { mode, parent, vlanId }: Json = known;
  // only its author knows what a command needs
  if (typeof parent !== "string" || probe === "command") return undefined;
  const hosts = targets.map((target) => hostOfTarget(probe, target));
  const isSibling = state.links.some(
    (link) => !sameLink(link, linkId(known)) && link.parent !== "" && hasOneOf(link, hosts),
  );
  if (mode === "vepa" && isSibling) {
    return (
      `In mode vepa, ${known.name} reaches its siblings only through a switch whose port sends frames back to where they came ` +
      "from (hairpin, reflective relay): see the port, or use mode bridge"
    );
  }
  if (mode === "private" && isSibling) {
    return `In mode private, ${known.name} reaches none of its siblings: use mode bridge`;
  }
  const below = linksBelow(state.links, [parent]);
  const vlans = [
    ...(typeof vlanId === "number" ? [String(vlanId)] : []),
    ...below.flatMap((name) => findLink(state, { name, netns: "" })?.settings["type.id"] ?? []),
  ];
  const nic = below.at(-1) ?? parent;
  const causes = [
    ...(vlans.length === 0 ? [] : [`carries VLAN ${vlans.join(" in VLAN ")}`]),
    ...(mode === undefined || mode === "passthru" || known.macAddress === undefined
      ? []
      : ["accepts frames from more MAC addresses than its own (port security, a cloud's network)"]),
  ];
  return causes.length === 0
    ? undefined
    : `See whether the switch port of ${nic} ${causes.join(", and whether it ")}`;
}

function hasOneOf(link: LinkState, ips: readonly string[]): boolean {
  return link.addresses.some(({ cidr }) => ips.includes(withoutPrefix(cidr)));
}
