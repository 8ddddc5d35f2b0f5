import { appendFileSync } from "node:fs";
import { redact } from "../model/redact";

/** Something that happened on a host's connection. Holds no secret: passwords never are part of a script. */
export interface TraceEvent {
  /** The host's label: `ops@node1.example:22`. */
  readonly host: string;
  readonly event: "open" | "retry" | "close" | "lost" | "run" | "failed";
  readonly description: string;
  /** The text that was run. */
  readonly script?: string;
  /** Exit code; null when a signal ended the script. */
  readonly code?: number | null;
  /** How long it took, in milliseconds. */
  readonly ms?: number;
  /** Bytes that the host printed. */
  readonly bytes?: number;
}

/**
 * Writes an event where `MACVLAN_TRACE` says: `1` or `stderr` is a readable line with the script below it on stderr,
 * anything else is a file that gets one JSON object a line, with `time` in ISO 8601. Unset or empty: nothing.
 */
export function trace(event: TraceEvent): void {
  const target = process.env["MACVLAN_TRACE"];
  if (target === undefined || target === "" || target === "0") return;
  const time = new Date().toISOString();
  if (target === "1" || target === "stderr") {
    process.stderr.write(redact(readable(event, time)));
    return;
  }
  try {
    appendFileSync(target, redact(`${JSON.stringify({ time, ...event })}\n`), { mode: 0o600 });
  } catch (error) {
    // A run must not fail because of its trace; but whoever asked for one should hear why there is none.
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`MACVLAN_TRACE: cannot write to ${target}: ${reason}\n`);
  }
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
