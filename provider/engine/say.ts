import { redact } from "../model/redact";

/** Tells the person at the CLI: the engine shows it as a diagnostic of the stack. */
export function say(text: string): void {
  console.error(redact(text));
}
