import { appendFileSync } from "node:fs";
import { reasonOf } from "../model/error";

/** An event on a connection. It contains no secret: passwords are never part of a script. */
export interface TraceEvent {
  /** The host's label: `ops@node1.example:22`. */
  readonly host: string;
  readonly event: "open" | "retry" | "close" | "lost" | "run" | "failed";
  readonly description: string;
  /** The text that was run. */
  readonly script?: string;
  /** Exit code; null if a signal ended the script. */
  readonly code?: number | null;
  /** How long it took, in milliseconds. */
  readonly ms?: number;
  /** Bytes that the host printed. */
  readonly bytes?: number;
}

/** Records an event. */
export type Trace = (event: TraceEvent) => void;

/** Where a trace is written. */
export interface TraceOutput {
  /** Receives readable text, and the error if a file cannot be written. */
  readonly stderr: (text: string) => void;
  /** Redacts secrets in a text. */
  readonly redact?: (text: string) => string;
  readonly now?: () => Date;
}

/**
 * A trace to `target`, the value of `MACVLAN_TRACE`: `1` or `stderr` is a readable line with the script below it on
 * stderr, anything else is a file that gets one JSON object per line, with `time` in ISO 8601. Undefined or `0`:
 * nothing.
 */
export function openTrace(
  target: string | undefined,
  { stderr, redact = (text) => text, now = () => new Date() }: TraceOutput,
): Trace {
  if (target === undefined || target === "0") return () => undefined;
  const time = (): string => now().toISOString();
  if (target === "1" || target === "stderr") return (event) => stderr(redact(readable(event, time())));
  return (event) => {
    try {
      appendFileSync(target, redact(`${JSON.stringify({ time: time(), ...event })}\n`), { mode: 0o600 });
    } catch (error) {
      // A run must not fail because of its trace, but the user should know why there is none.
      const reason = reasonOf(error);
      stderr(`MACVLAN_TRACE: cannot write to ${target}: ${reason}\n`);
    }
  };
}

function readable({ host, event, description, script, code, ms, bytes }: TraceEvent, time: string): string {
  const facts = [
    code === undefined ? undefined : code === null ? "killed" : `exit ${code}`,
    ms === undefined ? undefined : `${Math.round(ms)} ms`,
    bytes === undefined ? undefined : `${bytes} bytes`,
  ].filter((fact) => fact !== undefined);
  const tail = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
  const body = script === undefined ? "" : `${script.trimEnd().replace(/^/gm, "    ")}\n`;
  return `${time} ${host} ${event}: ${description}${tail}\n${body}`;
}
