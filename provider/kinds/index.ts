import { isOlder } from "../iproute2/version";
import type { Settings } from "../model/host";
import { kernelTraits } from "../plan/kernel/traits";
import type { KernelTraits } from "../plan/plan";
import { acceptAltNames } from "./altnames";
import { bond } from "./bond";
import { bridge } from "./bridge";
import { ipvlan } from "./ipvlan";
import type { CommonInputs, KernelType, Kind } from "./kind";
import { hostConflicts } from "./lan/on-host";
import { macvlan } from "./macvlan";
import { macvtap } from "./macvtap";
import { shim } from "./shim";
import { vlan } from "./vlan";

/** A kind as the engine uses it, with inputs that its own schema has checked. */
export type AnyKind = Kind<CommonInputs>;

/** A new kind is a file of its own and one entry here. */
const ALL: readonly AnyKind[] = [macvlan, shim, bridge, vlan, bond, macvtap, ipvlan];

/** All kinds of links, by the name of their resource class. */
export const KINDS: Readonly<Record<string, AnyKind>> = Object.fromEntries(
  ALL.map((kind) => [kind.type, acceptAltNames(withHostConflicts(kind))]),
);

/** The kernel's link types, by iproute2's word. */
export const KERNEL_TYPES: ReadonlyMap<string, KernelType> = new Map(
  ALL.map(({ link }) => [link.word, link]),
);

/** The kernel defaults of a new link; none for an unknown kind. */
function newLink(word: string): Settings {
  const kinds = ALL.filter(({ link }) => link.word === word);
  const own = kinds.flatMap(({ properties }) =>
    Object.values(properties).flatMap(({ setting, kernelDefault }): [string, string][] =>
      setting === undefined || kernelDefault === undefined ? [] : [[setting, kernelDefault]],
    ),
  );
  return { ...Object.fromEntries(own), ...kinds[0]?.link.defaults };
}

const NEW_LINKS: ReadonlyMap<string, Settings> = new Map(
  [...KERNEL_TYPES.keys()].map((word) => [word, newLink(word)]),
);

/**
 * The traits of a host's kernel that plans depend on, by its release (`6.1.0-18-amd64`).
 *
 * @param iproute2 the host's version, which shows no settings that are newer than itself
 */
export function kernelOf(release: string, iproute2?: string): KernelTraits {
  return { ...kernelTraits(release), newLink: (word) => shownBy(iproute2, NEW_LINKS.get(word) ?? {}) };
}

/** The settings of a new link that a version of iproute2 shows. */
function shownBy(iproute2: string | undefined, settings: Settings): Settings {
  if (iproute2 === undefined) return settings;
  const hidden = ALL.flatMap(({ properties }) =>
    Object.values(properties).flatMap(({ setting, since }) =>
      setting !== undefined &&
      since !== undefined &&
      since.word === undefined &&
      isOlder(iproute2, since.iproute2)
        ? [setting]
        : [],
    ),
  );
  return Object.fromEntries(
    Object.entries(settings).filter(([key]) => !hidden.some((setting) => setting === key)),
  );
}

/** A kind whose problems include conflicts with the host's other links, unless there are more basic problems. */
function withHostConflicts(kind: AnyKind): AnyKind {
  return {
    ...kind,
    problems(inputs, context) {
      const own = kind.problems(inputs, context);
      if (own.some(({ property }) => ["host", "name", "netns"].includes(property))) return own;
      const ignored = (context.ignored ?? []).map((path) => path.split(/[.[]/)[0]);
      const more = hostConflicts(inputs, context).filter(
        ({ property }) => !ignored.includes(property.split("[")[0]),
      );
      return [...own, ...more.filter((m) => !own.some((o) => o.property === m.property))];
    },
  };
}
