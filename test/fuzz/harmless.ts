import assert from "node:assert/strict";

/** Fails if a text could do anything to a terminal, or if a line of it is a command of a CI system. */
export function assertHarmless(text: string): void {
  assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\n)\p{Cc}/u);
  for (const line of text.split("\n")) assert.ok(!line.trimStart().startsWith("::"), JSON.stringify(line));
  assert.doesNotMatch(text, /##(?:\[|vso\[|teamcity\[)/i);
}
