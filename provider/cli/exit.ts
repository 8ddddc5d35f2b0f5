/** Exit codes, the same for all commands: what a CI job decides by. */
export const EXIT = {
  /** Everything is as it should be. */
  fine: 0,
  /** Something could not be looked at, or the call was wrong. Wins over `differs`. */
  failed: 1,
  /** All was looked at, and there is something to do: a change, drift, a thing that a host lacks. */
  differs: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Text for the help of a command. */
export function exitCodes(fine: string, differs: string | undefined): string {
  const lines = [
    `  0  ${fine}`,
    "  1  a host could not be looked at, or the call was wrong: see stderr",
    ...(differs === undefined ? [] : [`  2  ${differs}`]),
  ];
  return `\nExit codes:\n${lines.join("\n")}\n`;
}
