/**
 * Secrets among the inputs. The SDK hands them to a provider in plain text, and the engine prints the value of the
 * property at the path of a failed check: so that neither its path nor its text may lead there.
 */
import type { Issue, Json } from "../kinds/kind";
import { CREDENTIAL, CREDENTIAL_IN_HOST, holdsCredential } from "../model/redact";

/** The secrets among a resource's inputs. */
export interface InputSecrets {
  /** Properties whose values are not to be shown. */
  readonly properties: ReadonlySet<string>;
  /** What must not be shown of them. */
  readonly values: readonly unknown[];
}

/**
 * What the program marked as secret (`__secrets`), and what looks like a credential in a place where none belongs. Pure.
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

/** Issues as they may be shown: of a secret property without a path, by which the engine would print its value. */
export function withoutSecretPaths(issues: readonly Issue[], { properties }: InputSecrets): Issue[] {
  return issues.map(({ property, reason }) => {
    const root = property.split(/[.[]/)[0] ?? "";
    return properties.has(root) ? { property: "", reason: `${property} ${reason}` } : { property, reason };
  });
}
