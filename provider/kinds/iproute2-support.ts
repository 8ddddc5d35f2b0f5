/** What is asked of a host whose iproute2 is too old for it: it would answer with its own usage, half-way. Pure. */
import { KINDS } from ".";
import { isOlder } from "../iproute2/version";
import type { Desired, SettingKey } from "../model/host";
import type { HostFacts } from "../model/observation";
import type { Issue } from "./kind";

/** A property that iproute2 has only since a later version than the oldest one that will do. */
export interface NewerProperty {
  readonly version: string;
  readonly property: string;
  readonly key: SettingKey;
  /** The word of the setting's value that is new; undefined if the setting as such is. */
  readonly word?: string;
}

/** All of them, the oldest first. */
export const NEWER_PROPERTIES: readonly NewerProperty[] = [
  ...new Map(
    Object.values(KINDS)
      .flatMap(({ properties, portProperties }) => Object.entries({ ...portProperties, ...properties }))
      .flatMap(([property, { setting: key, since }]): [string, NewerProperty][] =>
        key === undefined || since === undefined
          ? []
          : [
              [
                `${key} ${property}`,
                {
                  ...{ version: since.iproute2, property, key },
                  ...(since.word === undefined ? {} : { word: since.word }),
                },
              ],
            ],
      ),
  ).values(),
].toSorted((a, b) => (isOlder(a.version, b.version) ? -1 : 1));

/** An issue on each property that needs a newer iproute2 than the host has. */
export function tooNewFor({ iproute2, ipVersionText }: HostFacts, desired: Desired): Issue[] {
  if (iproute2 === undefined) return [];
  const settings = desired.links.filter((link) => link.exists).flatMap((link) => link.settings);
  return settings.flatMap(({ key, value, property }) =>
    NEWER_PROPERTIES.filter(
      (newer) =>
        newer.key === key &&
        (newer.word === undefined || value.split(" ").includes(newer.word)) &&
        isOlder(iproute2, newer.version),
    ).map((newer) => ({
      property: newer.word === undefined ? property : newer.property,
      reason: `needs iproute2 ${newer.version} or newer, and the host has "${ipVersionText}"; leave it out, or install a newer one`,
    })),
  );
}
