/** What crosses to the engine: failures of a check with their codes, errors without stacks, and no secret in either. */
import type { dynamic } from "@pulumi/pulumi";
import { type Issue, MacvlanError, codedError, withCode } from "../model/error";
import { forLog } from "../model/outside-text";

type Redact = (text: string) => string;

export function asFailures(
  issues: readonly Issue[],
  redact: Redact = (text) => text,
): dynamic.CheckFailure[] {
  return issues.map(({ code, property, reason }) => ({
    property,
    reason: withCode(forLog(redact(reason)), code),
  }));
}

/**
 * An error as people are to see it. The engine prints its message with the resource. If it is thrown by check, diff, read or
 * delete, the SDK prints `${error}: ${error.stack}` as well, which would be the message a second time, with a stack: this
 * one says there what failed, and with which code. A stack is left only of a fault of ours, for those who report it.
 *
 * @param resource `MacvlanInterface "web"`
 */
export function asThrown(error: unknown, resource: string, operation: string, redact: Redact): MacvlanError {
  const known = codedError(error);
  const { code, cause } = known;
  const fault = code === "internal-error" && cause instanceof Error ? `\n${cause.stack ?? ""}` : "";
  // one error may be that of many resources: each gets its own view of it
  return Object.create(known, {
    message: { value: redact(known.message) },
    stack: { value: forLog(redact(withCode(`${operation} failed`, code) + fault)) },
    toString: { value: () => resource },
  }) as MacvlanError;
}
