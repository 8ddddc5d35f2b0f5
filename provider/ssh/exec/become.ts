import type { Become } from "../address";
import { quotedEnd } from "../../model/outside-text";
import type { ResolvedHost } from "../config/resolve";
import { SshError } from "../error";

/**
 * The remote command lines. They are constant, so that no data and no secret is ever in a process list or parsed by a
 * login shell. They are simple enough for every login shell: words and single quotes mean the same in sh, csh and fish.
 * The shell announces itself on both streams before it reads the script, with its process ID on stderr. Earlier output
 * comes from start-up files, sudo's lecture and the like.
 */
const ANNOUNCEMENT = "macvlan-shell-is-ready";
/** sudo's prompt, on stderr and without a line break. */
const PASSWORD_PROMPT = "macvlan-wants-the-password:";

const SHELL = `sh -c 'echo ${ANNOUNCEMENT}; echo ${ANNOUNCEMENT} $$ >&2; exec sh -s'`;

/**
 * The shell on a terminal, which doas requires to read a password. Both streams are one, the script's length comes
 * first because a terminal has no end of file, and because of the pipe the shell is not interactive.
 */
const SHELL_ON_TERMINAL = `sh -c 'echo ${ANNOUNCEMENT}; read -r n; head -c $n | sh -s'`;

/** RFC 4254, 8: a terminal that passes every byte on unchanged, and echoes none. */
export const RAW_TERMINAL = {
  modes: { ECHO: 0, ICANON: 0, ISIG: 0, IEXTEN: 0, ICRNL: 0, INLCR: 0, IXON: 0, OPOST: 0 },
} as const;

/** Whether the command needs a terminal. */
export function needsTerminal(become: Become, withPassword: boolean): boolean {
  return become === "doas" && withPassword;
}

/** Whether the output is a password prompt: ours in the case of sudo, doas' own otherwise (opendoas, doas.c). */
export function isPasswordPrompt(become: Become, printed: string): boolean {
  return become === "doas"
    ? /doas \([^)\n]*\) password: ?$/.test(printed)
    : printed.includes(PASSWORD_PROMPT);
}

/** How often sudo asks: more than once if the first answer was wrong. */
export function promptsIn(printed: string): number {
  return printed.split(PASSWORD_PROMPT).length - 1;
}

/** The input for the shell on a terminal, which announces itself like the other one. */
export function forTerminal(script: string): string {
  const text = `echo ${ANNOUNCEMENT} $$\n${script}`;
  return `${Buffer.byteLength(text)}\n${text}`;
}

/** The command that starts the shell for a script, as root where `become` says so. */
export function shellCommand(become: Become, withPassword: boolean): string {
  switch (become) {
    case "none":
      return SHELL;
    case "sudo":
      return withPassword ? `sudo -S -p '${PASSWORD_PROMPT}' -- ${SHELL}` : `sudo -n -- ${SHELL}`;
    case "doas":
      return withPassword ? `doas ${SHELL_ON_TERMINAL}` : `doas -n ${SHELL}`;
  }
}

/**
 * What was printed after the shell announced itself, and its process ID; undefined if it has not yet. On a terminal it
 * announces itself twice, before the script and from within it: `times` says which of them counts.
 */
export function afterAnnouncement(
  output: Buffer,
  times = 1,
): { readonly text: Buffer; readonly pid: number } | undefined {
  const first = output.indexOf(ANNOUNCEMENT);
  const start = times === 1 || first < 0 ? first : output.indexOf(ANNOUNCEMENT, first + ANNOUNCEMENT.length);
  const end = start < 0 ? -1 : output.indexOf("\n", start);
  if (end < 0) return undefined;
  const pid = Number(output.subarray(start + ANNOUNCEMENT.length, end).toString("latin1"));
  return { text: output.subarray(end + 1), pid };
}

/** The error if no shell was started for a script, from what was printed instead. */
export function shellNotStarted(
  host: ResolvedHost,
  printed: string,
  code: number | null,
  /** Why no password was sent, if it was withheld. */
  distrust?: string,
): SshError {
  const said = printed.replaceAll(PASSWORD_PROMPT, "").trim();
  const quoted = quotedEnd(said);
  const { become, label, user } = host;
  if (become !== "none") {
    const remedy =
      distrust === undefined
        ? becomeRemedy(become, user, said, code)
        : `It may have asked for the password: ${distrust}`;
    if (remedy !== undefined) {
      return new SshError(
        "become",
        label,
        `${label}: ${become} gave no root shell: it printed ${quoted}. ${remedy}.`,
      );
    }
  }
  return new SshError(
    "shell",
    label,
    `${label}: the login shell of ${user} did not start sh: it printed ${quoted} and ended with ` +
      `${code === null ? "a signal" : `exit code ${code}`}. Give ${user} a login shell that runs commands ` +
      `(chsh; no nologin, no ForceCommand).`,
  );
}

const WRONG_PASSWORD =
  "The password of macvlan:becomePassword (MACVLAN_BECOME_PASSWORD) is not the right one";

function becomeRemedy(
  become: "sudo" | "doas",
  user: string,
  said: string,
  code: number | null,
): string | undefined {
  const wayOut = "or log in as root, for whom become is none";
  if (/account is (currently )?not available/i.test(said)) return undefined;
  if (code === 127 || /not found|unknown command|no such file/i.test(said)) {
    return `Install ${become}, or choose another way with become, ${wayOut}`;
  }
  if (become === "doas") {
    if (/authentication failed/i.test(said)) return WRONG_PASSWORD;
    if (/not permitted/i.test(said)) return `Let doas.conf say "permit ${user}", ${wayOut}`;
    return (
      `Let doas.conf say "permit nopass ${user}", or set the secret macvlan:becomePassword ` +
      `(MACVLAN_BECOME_PASSWORD), ${wayOut}`
    );
  }
  if (/not in the sudoers|not allowed to (execute|run)|may not run sudo/i.test(said)) {
    return `Allow ${user} to run sh as root in sudoers, ${wayOut}`;
  }
  if (/must have a tty/i.test(said)) return `Take requiretty for ${user} out of sudoers, ${wayOut}`;
  if (/try again|incorrect password/i.test(said)) {
    return WRONG_PASSWORD;
  }
  return (
    `Allow ${user} sudo without a password (NOPASSWD in sudoers), or set the secret macvlan:becomePassword ` +
    `(MACVLAN_BECOME_PASSWORD), ${wayOut}`
  );
}
