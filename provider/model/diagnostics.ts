import type { Redactor } from "./redact";

/** Messages at the CLI that are not errors of a resource. The engine shows them as diagnostics of the stack. */
export interface Diagnostics {
  readonly say: (text: string) => void;
  /** Shows a message once. `about` identifies repetitions, if not the text. */
  readonly sayOnce: (text: string, about?: string) => void;
}

/** @param write receives each line, with secrets redacted */
export function openDiagnostics(write: (line: string) => void, { redact }: Redactor): Diagnostics {
  const said = new Set<string>();
  const say = (text: string): void => write(redact(text));
  return {
    say,
    sayOnce(text, about = text) {
      if (said.has(about)) return;
      said.add(about);
      say(text);
    },
  };
}
