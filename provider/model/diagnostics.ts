import type { Redactor } from "./redact";

/** Lines for the person at the CLI that are no error of a resource. The engine shows them as diagnostics of the stack. */
export interface Diagnostics {
  readonly say: (text: string) => void;
  /** Says it the first time only. `about` tells what is the same, if that is not the text. */
  readonly sayOnce: (text: string, about?: string) => void;
}

/** @param write gets each line, without what is withheld */
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
