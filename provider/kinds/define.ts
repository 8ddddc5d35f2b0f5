/**
 * A kind in one place: from the table of its properties follows what a program may give, the canonical inputs and their
 * types, the settings of iproute2 both ways, what needs another link, and what adopting a link tells of it.
 */
import { type Desired, type DesiredSetting, type HostState, type LinkState, findLink } from "../model/host";
import type { Json } from "../model/json";
import type { Observation } from "../model/observation";
import { bindingsOf, readBindings, readGiven, settingsOf } from "./bindings";
import { withIgnored } from "./ignored";
import { type Issue, type Kind, type PlanContext, linkId } from "./kind";
import { type CommonInputs, LINK_PROPERTIES } from "./link";
import { addressesOf, commonOutputs } from "./outputs";
import { statedLinkLocal } from "./ownership";
import { commonRules } from "./problems";
import type { InputsOf, Properties, Property } from "./property";

/** Canonical inputs of a kind: what all kinds have, and what its table says. */
export type KindInputs<P extends Properties> = CommonInputs & InputsOf<P>;

/** What a kind's own file says of it. */
interface Definition<P extends Properties, O extends object> extends Pick<
  Kind<KindInputs<P>>,
  "type" | "link" | "lan" | "exclusiveUse" | "parentUse" | "problems" | "warnings" | "portProperties"
> {
  /** Its own properties, in the order in which settings are set. */
  readonly properties: P;
  /** Properties that all other kinds have, and this one has not. */
  readonly without?: readonly (keyof typeof LINK_PROPERTIES)[];
  /** Not given: the kernel decides on the MAC address. */
  readonly derivesMac?: (inputs: Partial<KindInputs<P>>) => boolean;
  /** Rules between its own properties. */
  readonly rules: (inputs: Partial<KindInputs<P>>) => Issue[];
  /** What the resource asks of its host. `settings` are what its properties say. */
  readonly desired: (
    inputs: KindInputs<P>,
    context: PlanContext,
    settings: readonly DesiredSetting[],
  ) => Desired;
  /** Outputs of its own. */
  readonly outputs: (link: LinkState, inputs: KindInputs<P>, observation: Observation) => O;
  /** Its inputs that are no settings, as the link has them. What a program has not given is not in `inputs`. */
  readonly read: (link: LinkState, inputs: Partial<KindInputs<P>>, state: HostState) => Json;
}

/** A kind, from what its own file says. */
export function defineKind<P extends Properties, O extends object>(
  definition: Definition<P, O>,
): Kind<KindInputs<P>, O> {
  const {
    properties: own,
    without = [],
    derivesMac,
    rules,
    desired,
    problems,
    warnings,
    ...more
  } = definition;
  const { outputs, read, ...rest } = more;
  const isLeftOut = (name: string): boolean => without.some((other) => other === name);
  const common = Object.entries<Property>(LINK_PROPERTIES).filter(([name]) => !isLeftOut(name));
  const properties: Properties = { ...own, ...Object.fromEntries(common) };
  const entries = [...common, ...Object.entries(own)];
  const names = (has: (property: Property) => boolean): string[] =>
    entries.filter(([, property]) => has(property)).map(([name]) => name);
  const bindings = bindingsOf(properties);
  const readOthers = (link: LinkState, inputs: Partial<KindInputs<P>>, state: HostState): Json => ({
    up: link.up,
    addresses: addressesOf(link, inputs),
    ...read(link, inputs, state),
  });
  const defaults = Object.fromEntries(
    entries.flatMap(([name, property]) => (property.default === undefined ? [] : [[name, property.default]])),
  );
  const readInputs = (inputs: KindInputs<P>, { state }: Observation): Json => {
    const link = findLink(state, linkId(inputs));
    if (!link) return {};
    const given: Json = inputs;
    const others = Object.entries(readOthers(link, inputs, state));
    return {
      ...readGiven(bindings, inputs, link),
      ...Object.fromEntries(others.filter(([name]) => given[name] !== undefined)),
    };
  };
  /** What the inputs ask of this host: what they ignore is as the host has it, and a link that is not there has defaults. */
  const effective = (inputs: KindInputs<P>, context: PlanContext): KindInputs<P> => {
    const { observation, previous, ignored = [] } = context;
    const current = [linkId(inputs), ...(previous ? [previous] : [])].find((id) =>
      findLink(observation.state, id),
    );
    if (!current) return { ...defaults, ...inputs };
    return withIgnored(
      inputs,
      ignored.length === 0 ? {} : readInputs({ ...inputs, ...current }, observation),
      ignored,
    );
  };
  return {
    ...rest,
    properties,
    bindings,
    schema: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: names(({ required }) => required === true),
    defaults,
    identifying: names(({ identifying }) => identifying === true),
    replaces: (before, after) =>
      entries
        // an adopted link has no defaults in its inputs
        .filter(([name, { fixed }]) =>
          isFixed(fixed, before[name] ?? defaults[name], after[name] ?? defaults[name]),
        )
        .map(([name]) => name),
    label: (inputs) =>
      "parent" in own ? `${String(inputs["name"])}@${String(inputs["parent"])}` : String(inputs["name"]),
    derivesMac: (inputs) => derivesMac?.(inputs) === true,
    rules: (inputs) => [...commonRules(inputs), ...rules(inputs)],
    desired(given, context) {
      const inputs = effective(given, context);
      return {
        ...desired(inputs, context, settingsOf(bindings, inputs)),
        linkLocal: statedLinkLocal(inputs, context),
      };
    },
    problems: (inputs, context) => problems(effective(inputs, context), context),
    ...(warnings ? { warnings: (inputs, context) => warnings(effective(inputs, context), context) } : {}),
    outputs(inputs, observation) {
      const link = findLink(observation.state, linkId(inputs));
      return link ? { ...commonOutputs(link, inputs), ...outputs(link, inputs, observation) } : {};
    },
    readInputs,
    describe: (link, state) => ({ ...readBindings(bindings, link.settings), ...readOthers(link, {}, state) }),
  };
}

/** Whether a change from one value to another needs another link. */
function isFixed(fixed: Property["fixed"], before: unknown, after: unknown): boolean {
  if (fixed === undefined || before === after) return false;
  return fixed === true || fixed.some((value) => value === before || value === after);
}
