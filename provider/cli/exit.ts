/** Exit codes, the same for all commands, for decisions of CI jobs. */
export const EXIT = {
  /** Everything is as it should be. */
  fine: 0,
  /** A host could not be read, or the command line was wrong. Takes precedence over `differs`. */
  failed: 1,
  /** Everything was read, and there is something to do: a change, drift, a missing feature of a host. */
  differs: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Text for the help of a command. */
export function exitCodes(fine: string, differs: string | undefined): string {
  const lines = [
    `  0  ${fine}`,
    "  1  a host could not be read, or the command line was wrong: see stderr",
    ...(differs === undefined ? [] : [`  2  ${differs}`]),
  ];
  return `\nExit codes:\n${lines.join("\n")}\n`;
}
