import type { Become } from "./address";
import type { ResolvedHost } from "./client-config";
import { SshError } from "./ssh-error";

/**
 * The remote command lines. They are constant, so that no data and no secret is ever in a process list or parsed by a
 * login shell, and plain enough for every login shell: words and single quotes mean the same to sh, csh and fish. The
 * shell announces itself on both streams before it reads the script, with its process id on stderr; what was printed
 * before that is the noise of start-up files, of sudo's lecture and the like.
 */
const ANNOUNCEMENT = "macvlan-shell-is-ready";
/** sudo's prompt, on stderr and without a line break. */
export const PASSWORD_PROMPT = "macvlan-wants-the-password:";

const SHELL = `sh -c 'echo ${ANNOUNCEMENT}; echo ${ANNOUNCEMENT} $$ >&2; exec sh -s'`;

/** The command that starts the shell for a script, as root where `become` says so. */
export function shellCommand(become: Become, withPassword: boolean): string {
  switch (become) {
    case "none":
      return SHELL;
    case "sudo":
      return withPassword ? `sudo -S -p '${PASSWORD_PROMPT}' -- ${SHELL}` : `sudo -n -- ${SHELL}`;
    case "doas":
      return `doas -n ${SHELL}`;
  }
}

/** What was printed after the shell announced itself, and its process id; undefined when it has not. */
export function afterAnnouncement(
  output: Buffer,
): { readonly text: Buffer; readonly pid: number } | undefined {
  const start = output.indexOf(ANNOUNCEMENT);
  const end = start < 0 ? -1 : output.indexOf("\n", start);
  if (end < 0) return undefined;
  const pid = Number(output.subarray(start + ANNOUNCEMENT.length, end).toString("latin1"));
  return { text: output.subarray(end + 1), pid };
}

/** The error for a script that no shell was started for, from what was printed instead. */
export function shellNotStarted(host: ResolvedHost, printed: string, code: number | null): SshError {
  const said = printed.replaceAll(PASSWORD_PROMPT, "").trim();
  const quoted = said === "" ? "nothing" : JSON.stringify(said.slice(-400));
  const { become, label, user } = host;
  if (become !== "none") {
    const remedy = becomeRemedy(become, user, said, code);
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
    return `Let doas.conf say "permit nopass ${user}", as doas takes a password from a terminal only, ${wayOut}`;
  }
  if (/not in the sudoers|not allowed to (execute|run)|may not run sudo/i.test(said)) {
    return `Allow ${user} to run sh as root in sudoers, ${wayOut}`;
  }
  if (/must have a tty/i.test(said)) return `Take requiretty for ${user} out of sudoers, ${wayOut}`;
  if (/try again|incorrect password/i.test(said)) {
    return "The password of macvlan:becomePassword (MACVLAN_BECOME_PASSWORD) is not the right one";
  }
  return (
    `Allow ${user} sudo without a password (NOPASSWD in sudoers), or set the secret macvlan:becomePassword ` +
    `(MACVLAN_BECOME_PASSWORD), ${wayOut}`
  );
}
