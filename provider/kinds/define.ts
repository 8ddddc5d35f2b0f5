/**
 * Defines a kind in one place. Its table of properties determines the accepted and the canonical inputs with their
 * types, the conversion to and from iproute2's settings, which changes replace the link, and what `adopt` describes.
 */
import { type Desired, type DesiredSetting, type HostState, type LinkState, findLink } from "../model/host";
import type { Json } from "../model/json";
import type { Observation } from "../model/observation";
import { bindingsOf, readBindings, readGiven, settingsOf } from "./bindings";
import { withIgnored } from "./ignored";
import type { Issue } from "../model/error";
import { type Kind, type PlanContext, linkId } from "./kind";
import { type CommonInputs, LINK_PROPERTIES } from "./link";
import { addressesOf, commonOutputs } from "./outputs";
import { statedLinkLocal } from "./ownership";
import { commonRules } from "./problems";
import type { InputsOf, Properties, Property } from "./property";

/** Canonical inputs of a kind: the common ones, and those of its table. */
export type KindInputs<P extends Properties> = CommonInputs & InputsOf<P>;

/** The definition in a kind's own file. */
interface Definition<P extends Properties, O extends object> extends Pick<
  Kind<KindInputs<P>>,
  "type" | "link" | "lan" | "exclusiveUse" | "parentUse" | "problems" | "warnings" | "portProperties"
> {
  /** Its own properties, in the order in which their settings are applied. */
  readonly properties: P;
  /** Common properties that this kind does not have. */
  readonly without?: readonly (keyof typeof LINK_PROPERTIES)[];
  /** Absent if the kernel chooses the MAC address. */
  readonly derivesMac?: (inputs: Partial<KindInputs<P>>) => boolean;
  /** Rules between its own properties. */
  readonly rules: (inputs: Partial<KindInputs<P>>) => Issue[];
  /** The desired state. `settings` come from its properties. */
  readonly desired: (
    inputs: KindInputs<P>,
    context: PlanContext,
    settings: readonly DesiredSetting[],
  ) => Desired;
  /** Outputs of its own. */
  readonly outputs: (link: LinkState, inputs: KindInputs<P>, observation: Observation) => O;
  /** The observed values of inputs that are not settings. `inputs` contains only what the program has given. */
  readonly read: (link: LinkState, inputs: Partial<KindInputs<P>>, state: HostState) => Json;
}

/** Makes a kind from its definition. */
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
  /**
   * The inputs for this host: ignored properties have the observed values, and a link that does not exist has the
   * defaults.
   */
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

/** Whether a change from one value to another replaces the link. */
function isFixed(fixed: Property["fixed"], before: unknown, after: unknown): boolean {
  if (fixed === undefined || before === after) return false;
  return fixed === true || fixed.some((value) => value === before || value === after);
}
