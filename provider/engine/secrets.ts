/**
 * Secrets among the inputs. The SDK passes them to a provider in plain text, and the engine prints the value at the
 * path of a failed check. So neither the path nor the text of a failure may lead to a secret.
 */
import type { Issue, Json } from "../kinds/kind";
import { CREDENTIAL, CREDENTIAL_IN_HOST, holdsCredential } from "../model/redact";

/** The secrets among a resource's inputs. */
export interface InputSecrets {
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
    properties: new Set([...marked, ...misplaced]),
    values: [
      ...marked.map((key) => inputs[key]),
      ...misplaced.map((key) => (key === "host" ? credentialsOf(inputs[key]) : inputs[key])),
    ],
  };
}

function credentialsOf(host: unknown): unknown[] {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.exec(host)?.slice(1) ?? [];
  if (typeof host !== "object" || host === null) return [];
  return Object.entries(host).flatMap(([key, value]: [string, unknown]) =>
    CREDENTIAL.test(key) ? [value] : credentialsOf(value),
  );
}

/** Issues that are safe to show: those of a secret property have no path, because the engine would print its value. */
export function withoutSecretPaths(issues: readonly Issue[], { properties }: InputSecrets): Issue[] {
  return issues.map(({ property, reason }) => {
    const root = property.split(/[.[]/)[0] ?? "";
    return properties.has(root) ? { property: "", reason: `${property} ${reason}` } : { property, reason };
  });
}
