import { isOlder } from "../iproute2/version";
import type { Settings } from "../model/host";
import { keptPerList, keptPerPair } from "../model/lists";
import type { HostFacts } from "../model/observation";
import { kernelTraits } from "../plan/kernel/traits";
import type { KernelTraits } from "../plan/transition";
import { acceptAltNames } from "./altnames";
import { bond } from "./bond";
import { bridge } from "./bridge";
import { ipvlan } from "./ipvlan";
import type { CommonInputs, KernelType, Kind, PlanContext } from "./kind";
import { hostConflicts } from "./lan/on-host";
import { macvlan } from "./macvlan";
import { macvtap } from "./macvtap";
import { shim } from "./shim";
import { vlan } from "./vlan";

/** A kind as the engine uses it, with inputs that its own schema has checked. */
export type AnyKind = Kind<CommonInputs>;

/** A new kind is a file of its own and one entry here, under its word in `HostLinks`. */
const BY_WORD: Readonly<Record<string, AnyKind>> = { macvlan, shim, bridge, vlan, bond, macvtap, ipvlan };
const ALL: readonly AnyKind[] = Object.values(BY_WORD);

/** All kinds of links, by their words in `HostLinks`. */
export const KINDS_BY_WORD: Readonly<Record<string, AnyKind>> = Object.fromEntries(
  Object.entries(BY_WORD).map(([word, kind]) => [word, acceptAltNames(withHostConflicts(desiredOnce(kind)))]),
);

/** All kinds of links, by the name of their resource class. */
export const KINDS: Readonly<Record<string, AnyKind>> = Object.fromEntries(
  Object.values(KINDS_BY_WORD).map((kind) => [kind.type, kind]),
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
 * @param told what else is known of the host: a new link shows no settings that its iproute2 or kernel does not know
 */
export function kernelOf(
  release: string,
  told: Partial<Pick<HostFacts, "iproute2" | "vlanFiltering">> = {},
): KernelTraits {
  return { ...kernelTraits(release), newLink: (word) => newLinkOn(told, word) };
}

/** Each of many new links asks. */
const newLinkOn = keptPerList((told: Partial<Pick<HostFacts, "iproute2" | "vlanFiltering">>, word) =>
  shown(NEW_LINKS.get(word) ?? {}, told),
);

/** The settings of a new link that are shown there. */
function shown(
  settings: Settings,
  { iproute2, vlanFiltering }: Partial<Pick<HostFacts, "iproute2" | "vlanFiltering">>,
): Settings {
  const newer = ALL.flatMap(({ properties }) =>
    Object.values(properties).flatMap(({ setting, since }) =>
      setting !== undefined && since !== undefined && since.word === undefined
        ? [[setting, since.iproute2] as const]
        : [],
    ),
  );
  const hidden: readonly string[] = [
    ...newer
      .filter(([, version]) => iproute2 !== undefined && isOlder(iproute2, version))
      .map(([key]) => key),
    ...(vlanFiltering === false ? ["type.vlan_default_pvid", "self.vlans"] : []),
  ];
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !hidden.includes(key)));
}

/** A kind whose desired state is found once for the same inputs and context: planning asks for it several times. */
function desiredOnce(kind: AnyKind): AnyKind {
  const desiredOn = keptPerPair((context: PlanContext, inputs: CommonInputs) =>
    kind.desired(inputs, context),
  );
  return { ...kind, desired: (inputs, context) => desiredOn(context, inputs) };
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
