/** What is asked of a host whose iproute2 is too old for it: it would answer with its own usage, half-way. Pure. */
import { SINCE, isOlder } from "../iproute2/version";
import type { HostFacts } from "../model/observation";
import type { Issue } from "./kind";
import type { Desired } from "../model/host";

/** An issue on each property that needs a newer iproute2 than the host has. */
export function tooNewFor({ iproute2, ipVersionText }: HostFacts, desired: Desired): Issue[] {
  if (iproute2 === undefined) return [];
  const settings = desired.links.filter((link) => link.exists).flatMap((link) => link.settings);
  return settings.flatMap(({ key, value, property }) =>
    SINCE.filter(
      (since) =>
        since.key === key &&
        (since.word === undefined || value.split(" ").includes(since.word)) &&
        isOlder(iproute2, since.version),
    ).map((since) => ({
      property: since.word === undefined ? property : since.property,
      reason: `needs iproute2 ${since.version} or newer, and the host has "${ipVersionText}"; leave it out, or install a newer one`,
    })),
  );
}
