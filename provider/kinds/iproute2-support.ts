/**
 * Properties for which a host's iproute2 or kernel is too old: iproute2 would print its usage in the middle of a
 * change, and the kernel would silently ignore them. Pure.
 */
import { KINDS } from ".";
import { isOlder, kernelVersion } from "../iproute2/version";
import { type Issue, issue } from "../model/error";
import type { Desired, SettingKey } from "../model/host";
import type { HostFacts } from "../model/observation";

/** A property that needs a later version of iproute2 than the oldest supported one. */
export interface NewerProperty {
  readonly version: string;
  /** The first version of Linux that does not ignore it; undefined if all supported ones have it. */
  readonly kernel?: string;
  readonly property: string;
  readonly key: SettingKey;
  /** The new word of the setting's value; undefined if the setting itself is new. */
  readonly word?: string;
}

/** All such properties, the oldest first. */
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
                  ...(since.kernel === undefined ? {} : { kernel: since.kernel }),
                  ...(since.word === undefined ? {} : { word: since.word }),
                },
              ],
            ],
      ),
  ).values(),
].toSorted((a, b) => (isOlder(a.version, b.version) ? -1 : 1));

/** An issue for each property that needs a newer iproute2 or kernel than the host's. */
export function tooNewFor({ iproute2, ipVersionText, kernel }: HostFacts, desired: Desired): Issue[] {
  if (iproute2 === undefined) return [];
  const settings = desired.links.filter((link) => link.exists).flatMap((link) => link.settings);
  return settings.flatMap(({ key, value, property }) =>
    NEWER_PROPERTIES.filter(
      (newer) => newer.key === key && (newer.word === undefined || value.split(" ").includes(newer.word)),
    ).flatMap((newer) => {
      const needs = [
        ...(isOlder(iproute2, newer.version)
          ? [`iproute2 ${newer.version} or newer, and the host has "${ipVersionText}"`]
          : []),
        ...(isKernelTooOld(kernel, newer)
          ? [`Linux ${newer.kernel} or newer, and the host has ${kernel}`]
          : []),
      ];
      if (needs.length === 0) return [];
      const reason = `needs ${needs.join("; and ")}; leave it out, or install a newer one`;
      return [issue("host-unsupported", newer.word === undefined ? property : newer.property, reason)];
    }),
  );
}

/** Whether a kernel is known to ignore a property. */
export function isKernelTooOld<N extends Pick<NewerProperty, "kernel">>(
  release: string,
  newer: N,
): newer is N & { readonly kernel: string } {
  const version = kernelVersion(release);
  return newer.kernel !== undefined && version !== undefined && isOlder(version, newer.kernel);
}
