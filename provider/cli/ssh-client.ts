import { forLog } from "../model/outside-text";
import { openDiagnostics } from "../model/diagnostics";
import { openRedactor } from "../model/redact";
import { type SshClient, openSshClient } from "../ssh/connection";
import type { Settings } from "../ssh/settings";
import { openTrace } from "../ssh/trace";

/** The SSH client of a command. Its warnings go to stderr. */
export function clientOf(settings: Settings): SshClient {
  const stderr = (text: string): void => void process.stderr.write(forLog(text));
  const { sayOnce } = openDiagnostics((line) => stderr(`${line}\n`), openRedactor());
  return openSshClient(settings, { trace: openTrace(settings.traceTo, { stderr }), warn: sayOnce });
}
