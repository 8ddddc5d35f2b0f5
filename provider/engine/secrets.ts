/**
 * Secrets among the inputs. The SDK passes them to a provider in plain text, and the engine prints the value at the
 * path of a failed check. So neither the path nor the text of a failure may lead to a secret.
 */
import { secretNamesOf, visibleInputs } from "../kinds/check-inputs";
import { secretTexts } from "../kinds/checks";
import type { Json } from "../kinds/kind";
import { type Issue, issue } from "../model/error";
import { CREDENTIAL, CREDENTIAL_IN_HOST, holdsCredential } from "../model/credential";
import { parsePath, pathOf } from "../model/property-path";
import type { Redactor } from "../model/redact";
import { isUnknown } from "../model/unknown";
import { type HostAddress, hostIdentity } from "../ssh/address";
import type { ResourceType } from "./resource-type";

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
  const links = Object.entries(objectOf(inputs["links"]));
  const misplaced = [
    ...misplacedIn(inputs, []),
    ...links.flatMap(([key, link]) => misplacedIn(objectOf(link), ["links", key])),
  ];
  return {
    marked,
    misplaced: misplaced.map(({ path }) => path),
    properties: new Set([...marked, ...misplaced.map(({ path }) => path)]),
    values: [
      ...marked.map((path) => secretAt(inputs, parsePath(path) ?? [])),
      ...misplaced.map(({ value }) => value),
    ],
  };
}

/** What of a secret property is not to be shown: of checks what they try, and no word such as "host". */
function secretIn(property: unknown, value: unknown): unknown {
  return property === "checks" ? secretTexts(value) : value;
}

function secretAt(inputs: Json, path: readonly (string | number)[]): unknown {
  return secretIn(path.at(-1), valueAt(inputs, path));
}

/** Credentials among the properties of a resource, or of one of its links. */
function misplacedIn(props: Json, at: readonly string[]): { path: string; value: unknown }[] {
  return Object.entries(props).flatMap(([key, value]) => {
    if (key.startsWith("__")) return [];
    const path = pathOf([...at, key]);
    if (key === "host" && holdsCredential(value)) return [{ path, value: credentialsOf(value) }];
    return CREDENTIAL.test(key) ? [{ path, value }] : [];
  });
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function valueAt(value: unknown, steps: readonly (string | number)[]): unknown {
  return steps.reduce<unknown>(
    (v, step) => (typeof v === "object" && v !== null ? Reflect.get(v, step) : undefined),
    value,
  );
}

/** Whether a property is at a path, or within what is there. */
function isWithin(property: string, path: string): boolean {
  return property === path || property.startsWith(`${path}.`) || property.startsWith(`${path}[`);
}

function credentialsOf(host: unknown): unknown[] {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.exec(host)?.slice(1) ?? [];
  if (typeof host !== "object" || host === null) return [];
  return Object.entries(host).flatMap(([key, value]: [string, unknown]) =>
    CREDENTIAL.test(key) ? [value] : credentialsOf(value),
  );
}

/** Properties that identify a link in IDs, labels, messages, and on its host, and therefore cannot be secret. */
const NAMING: readonly (string | number | undefined)[] = [
  "host",
  "name",
  "netns",
  "parent",
  "ports",
  "kind",
  "links",
];

/** Issues of the inputs, with one for each such property that is a secret, in the place of all others about it. */
export function withNamingIssues(issues: readonly Issue[], secrets: InputSecrets): Issue[] {
  const { marked, misplaced } = secrets;
  const refused = marked.filter(
    (path) => NAMING.includes(parsePath(path)?.at(-1)) && !misplaced.includes(path),
  );
  const others = issues.filter(({ property }) => !refused.some((path) => isWithin(property, path)));
  const reasons = refused.map(
    (name) =>
      `${name} cannot be a secret: the resource's ID, messages and the host itself contain it; if that does no harm, ` +
      `pass it through pulumi.unsecret()`,
  );
  return [...reasons.map((reason) => issue("invalid-input", "", reason)), ...others];
}

/**
 * Withholds the secrets of a resource's links from all that is shown, the short ones from what is said of their host.
 *
 * @param all inputs or outputs of the resource: what is secret in one of them is so in all
 * @param others properties of a resource of one link that are secret as well
 */
export function withholdSecrets(
  redactor: Redactor,
  type: ResourceType,
  all: readonly Json[],
  others: readonly string[] = [],
): void {
  const members = all.flatMap((props) => type.members(props));
  const secret = new Map<string, readonly string[]>();
  for (const { key, props } of members)
    secret.set(key, [...(secret.get(key) ?? []), ...secretNamesOf(props)]);
  for (const { key, props } of members) {
    withholdOf(redactor, props, [...others, ...(secret.get(key) ?? [])]);
  }
}

function withholdOf(redactor: Redactor, props: Json, names: readonly string[]): void {
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
  return issues.map(({ code, property, reason }) =>
    [...properties].some((path) => isWithin(property, path))
      ? issue(code, "", `${property} ${reason}`)
      : issue(code, property, reason),
  );
}
