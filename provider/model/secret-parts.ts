/**
 * What of a resource's link is secret, by property. Steps and differences that have such a value in them bear a mark from
 * the moment of planning, and the code that shows one shows the placeholder in its place. Pure.
 */
import type { Difference } from "./difference";
import { type SecretParts, type SettingKey, type Settings, sameLink } from "./host";
import { SECRET } from "./redact";
import type { Step } from "./steps";

/** A difference whose values are never shown, if it is of a secret property. */
export function markDifference(difference: Difference, secret: SecretParts | undefined): Difference {
  const { property } = difference;
  const root = property.split(/[.[]/)[0] ?? "";
  const isSecret = secret?.properties.includes(root) === true || secret?.keys.includes(property) === true;
  return isSecret ? { property, wanted: SECRET, found: SECRET, isSecret } : difference;
}

/** `found X, wanted Y`; of a secret property only that it differs. */
export function describeDifference({ found, wanted, isSecret }: Difference): string {
  return isSecret === true ? "differs" : `found ${found}, wanted ${wanted}`;
}

/** A step with the mark of what is secret in it. */
export function markStep(step: Step, { links, keys, properties }: SecretParts): Step {
  if (properties.length === 0) return step;
  // a boot file has all that the link has
  if (step.do === "setBootFiles" || step.do === "restoreBootFiles") return { ...step, secret: ["content"] };
  if (!("link" in step) || !links.some((link) => sameLink(link, step.link))) return step;
  const secret = partsIn(step).filter((part) => keys.includes(part));
  return secret.length === 0 ? step : { ...step, secret };
}

/** The parts of a link that a step has the value of. */
function partsIn(step: Step): readonly string[] {
  switch (step.do) {
    case "set":
      return [step.key];
    case "addLink":
      return Object.keys(step.settings);
    case "addAddress":
    case "deleteAddress":
      return ["addresses"];
    case "addRoute":
    case "deleteRoute":
      return ["routes"];
    case "announce":
      return ["link.address"];
    case "up":
    case "down":
      return ["up"];
    default:
      return [];
  }
}

/**
 * The step as people may see it: with the placeholder for each secret value. It has as many commands as the step itself;
 * an empty value stays, as it says that there is none.
 */
export function concealed(step: Step): Step {
  const { secret } = step;
  if (secret === undefined) return step;
  switch (step.do) {
    case "set":
      return {
        ...step,
        value: conceal(step.value),
        ...(step.was === undefined ? {} : { was: conceal(step.was) }),
      };
    case "addLink":
      return { ...step, settings: concealSettings(step.settings, secret) };
    case "addAddress":
    case "deleteAddress":
      return { ...step, address: { cidr: SECRET } };
    case "addRoute":
    case "deleteRoute":
      return { ...step, route: { to: SECRET } };
    case "announce":
      return { ...step, macAddress: SECRET };
    case "up":
    case "down":
      return { do: "set", link: step.link, kind: "", key: "link.state", value: SECRET };
    default:
      return step;
  }
}

function conceal(value: string): string {
  return value === "" ? "" : SECRET;
}

function concealSettings(settings: Settings, secret: readonly string[]): Settings {
  const entries = Object.entries(settings) as [SettingKey, string][];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, secret.includes(key) ? conceal(value) : value]),
  );
}
