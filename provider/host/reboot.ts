/** Reboots a host. */
import { UNFINISHED_CHANGE } from "../model/observation";
import { quotedEnd } from "../model/outside-text";
import { shellScript, shellText } from "../shell/library";
import { newMarker, sections } from "../shell/quote";
import { type Connection, ConnectionLost } from "../ssh/connection";

/** Waits for the host's lock, and then has the init system reboot the host. */
export function rebootScript(marker: string): string {
  return shellScript({ M: marker }, shellText("holder", "lock", "reboot"));
}

/** Why the host is not going to reboot; undefined if it is. */
export function whyNotRebooting(output: string, marker: string): string | undefined {
  const [{ name, text } = { name: "", text: "" }] = sections(output, marker);
  const [what = "", code = "", ...command] = name.split(" ");
  switch (what) {
    case "refused":
      return quotedEnd(text);
    case "locked":
      return `there is ${UNFINISHED_CHANGE["in progress"]}`;
    case "unfinished":
      return `there is ${UNFINISHED_CHANGE["interrupted"]}, which "pulumi up" has to roll back first`;
    case "ended":
      if (code === "0") return undefined;
      return `"${command.join(" ")}" failed (exit ${code}) and printed ${quotedEnd(text)}`;
    default:
      return `the script printed ${quotedEnd(output)}`;
  }
}

/**
 * Has a host reboot. Resolves when its init system has been told, or the connection was lost by what that did.
 *
 * @throws Error if it is not going to reboot; SshError
 */
export async function rebootHost(connection: Connection): Promise<void> {
  const marker = newMarker();
  let why: string | undefined;
  try {
    const { stdout } = await connection.run(rebootScript(marker), { description: "reboot the host" });
    why = whyNotRebooting(stdout, marker);
  } catch (error) {
    // the host may end its connections before the script has ended
    if (!(error instanceof ConnectionLost) || !error.started) throw error;
  }
  if (why !== undefined) throw new Error(`${connection.label} was not rebooted: ${why}`);
}
