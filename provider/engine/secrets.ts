/**
 * Secrets among the inputs. The SDK passes them to a provider in plain text, and the engine prints the value at the
 * path of a failed check. So neither the path nor the text of a failure may lead to a secret.
 */
import { secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import { secretTexts } from "../kinds/checks";
import type { Json } from "../kinds/kind";
import { type Issue, issue } from "../model/error";
import { CREDENTIAL, CREDENTIAL_IN_HOST, holdsCredential } from "../model/credential";
import type { Redactor } from "../model/redact";
import { isUnknown } from "../model/unknown";
import { type HostAddress, hostIdentity } from "../ssh/address";

/** The secrets among a resource's inputs. */
export interface InputSecrets {
  /** Properties that the program marked as secret. */
  readonly marked: readonly string[];
  /** Properties that are, or hold, a credential where none belongs. The schema refuses them by name. */
  readonly misplaced: readonly string[];
  /** Properties whose values are not to be shown. */
  readonly properties: ReadonlySet<string>;
  /** The values that must not be shown. */
  readonly values: readonly unknown[];
}

/**
 * Properties that the program marked as secret (`__secrets`), and what looks like a credential where none belongs.
 * Pure.
 */
export function secretsOf(inputs: Json): InputSecrets {
  const marked = Array.isArray(inputs["__secrets"]) ? inputs["__secrets"].map(String) : [];
  const misplaced = Object.keys(inputs).filter(
    (key) =>
      !key.startsWith("__") && (CREDENTIAL.test(key) || (key === "host" && holdsCredential(inputs[key]))),
  );
  return {
    marked,
    misplaced,
    properties: new Set([...marked, ...misplaced]),
    values: [
      ...marked.map((key) => secretIn(key, inputs[key])),
      ...misplaced.map((key) => (key === "host" ? credentialsOf(inputs[key]) : inputs[key])),
    ],
  };
}

/** What of a secret property is not to be shown: of checks what they try, and no word such as "host". */
function secretIn(property: string, value: unknown): unknown {
  return property === "checks" ? secretTexts(value) : value;
}

function credentialsOf(host: unknown): unknown[] {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.exec(host)?.slice(1) ?? [];
  if (typeof host !== "object" || host === null) return [];
  return Object.entries(host).flatMap(([key, value]: [string, unknown]) =>
    CREDENTIAL.test(key) ? [value] : credentialsOf(value),
  );
}

/** Properties that identify a link in IDs, labels, messages, and on its host, and therefore cannot be secret. */
const NAMING = ["host", "name", "netns", "parent", "ports"];

/** Issues of the inputs, with one for each such property that is a secret, in the place of all others about it. */
export function withNamingIssues(issues: readonly Issue[], secrets: InputSecrets): Issue[] {
  const { marked, misplaced } = secrets;
  const refused = NAMING.filter((name) => marked.includes(name) && !misplaced.includes(name));
  const others = issues.filter(({ property }) => !refused.includes(property.split(/[.[]/)[0] ?? ""));
  const reasons = refused.map(
    (name) =>
      `${name} cannot be a secret: the resource's ID, messages and the host itself contain it; if that does no harm, ` +
      `pass it through pulumi.unsecret()`,
  );
  return [...reasons.map((reason) => issue("invalid-input", "", reason)), ...others];
}

/** Withholds the secrets among inputs or outputs from all that is shown, the short ones from what is said of their host. */
export function withholdSecrets(redactor: Redactor, props: Json, names = secretNamesOf(props)): void {
  const { name, netns, parent, __resource: resource } = props;
  const known = [name, netns, parent, resource].filter((text) => typeof text === "string");
  const visible = visibleInputs(props);
  redactor.register(
    names.filter((secret) => !NAMING.includes(secret)).map((secret) => secretIn(secret, visible[secret])),
    hostOf(props),
    known,
  );
}

/** The host of inputs or outputs, for the redactor; empty if it is not known. */
export function hostOf({ host }: Json): string {
  const isKnown = typeof host === "object" && host !== null && "address" in host && !isUnknown(host);
  return isKnown ? hostIdentity(host as HostAddress) : "";
}

/** Issues that are safe to show: those of a secret property have no path, because the engine would print its value. */
export function withoutSecretPaths(issues: readonly Issue[], { properties }: InputSecrets): Issue[] {
  return issues.map(({ code, property, reason }) => {
    const root = property.split(/[.[]/)[0] ?? "";
    return properties.has(root) ? issue(code, "", `${property} ${reason}`) : issue(code, property, reason);
  });
}
