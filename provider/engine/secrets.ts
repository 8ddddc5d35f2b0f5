/**
 * Secrets among the inputs. The SDK hands them to a provider in plain text, and the engine prints the value of the
 * property at the path of a failed check: so that neither its path nor its text may lead there.
 */
import type { Issue, Json } from "../kinds/kind";
import { CREDENTIAL, CREDENTIAL_IN_HOST, holdsCredential, registerSecret } from "../model/redact";

/**
 * The properties whose values are not to be shown: those that the program marked as secret (`__secrets`), and those
 * that look like a credential in a place where none belongs. Their texts are withheld from here on.
 */
export function secretProperties(inputs: Json): ReadonlySet<string> {
  const marked = Array.isArray(inputs["__secrets"]) ? inputs["__secrets"].map(String) : [];
  const misplaced = Object.keys(inputs).filter(
    (key) =>
      !key.startsWith("__") && (CREDENTIAL.test(key) || (key === "host" && holdsCredential(inputs[key]))),
  );
  const secret = new Set([...marked, ...misplaced]);
  for (const key of marked) registerSecret(inputs[key]);
  for (const key of misplaced) registerSecret(key === "host" ? credentialsOf(inputs[key]) : inputs[key]);
  return secret;
}

function credentialsOf(host: unknown): unknown[] {
  if (typeof host === "string") return CREDENTIAL_IN_HOST.exec(host)?.slice(1) ?? [];
  if (typeof host !== "object" || host === null) return [];
  return Object.entries(host).flatMap(([key, value]: [string, unknown]) =>
    CREDENTIAL.test(key) ? [value] : credentialsOf(value),
  );
}

/** Issues as they may be shown: of a secret property without a path, by which the engine would print its value. */
export function withoutSecretPaths(issues: readonly Issue[], secret: ReadonlySet<string>): Issue[] {
  return issues.map(({ property, reason }) => {
    const root = property.split(/[.[]/)[0] ?? "";
    return secret.has(root) ? { property: "", reason: `${property} ${reason}` } : { property, reason };
  });
}
