import { type Feature, parseFeatures } from "../../host/features";
import { observeScript, parseObservation } from "../../host/observe";
import type { Observation } from "../../model/observation";
import { shellScript, shellText } from "../../shell/library";
import { newMarker, sections } from "../../shell/quote";
import type { HostAddress } from "../../ssh/address";
import { type Connection, SshError, type SshClient } from "../../ssh/connection";

export interface Nic {
  readonly name: string;
  readonly driver: string;
}

export interface Abilities {
  /** `Debian GNU/Linux 12 (bookworm)`; empty if unknown. */
  readonly system: string;
  readonly features: Readonly<Record<string, Feature>>;
  /** The required files and folders that are writable. */
  readonly writable: readonly string[];
  /** Running programs that manage links. */
  readonly managers: readonly string[];
  /** Links of hardware. */
  readonly nics: readonly Nic[];
}

/** A host with a successful login. */
export interface Examined {
  readonly user: string;
  readonly become: string;
  /** Why there was no root shell; the rest was then checked as an ordinary user. */
  readonly notRoot?: string;
  readonly observation: Observation;
  readonly abilities: Abilities;
}

/** What must be writable: the sysctls of a shim, the records and the undo. */
export const WRITTEN = ["/proc/sys/net/ipv4/conf/all/arp_filter", "/run"] as const;

/** Names of processes, as the kernel cuts them (15 bytes). */
const MANAGERS: ReadonlyMap<string, string> = new Map([
  ["systemd-network", "systemd-networkd"],
  ["NetworkManager", "NetworkManager"],
  ["connmand", "ConnMan"],
  ["wickedd", "wicked"],
  ["dhcpcd", "dhcpcd"],
  ["ifplugd", "ifplugd"],
]);

function probeScript(marker: string): string {
  return shellScript({ M: marker, PM_WRITTEN: WRITTEN.join(" ") }, shellText("features", "doctor"));
}

/** Parses the output of the script. @throws Error if it is incomplete */
export function parseAbilities(output: string, marker: string): Abilities {
  const all = sections(output, marker);
  if (!all.some((s) => s.name === "end")) throw new Error("the output of the script is incomplete");
  const lines = (name: string): string[] =>
    (all.find((s) => s.name === name)?.text ?? "")
      .split("\n")
      .map((l) => l.trim())
      .filter(Boolean);
  const pairs = (name: string): [string, string][] =>
    lines(name).map((line) => [line.split(" ")[0] ?? "", line.split(" ")[1] ?? ""]);
  return {
    system: lines("system")[0] ?? "",
    features: parseFeatures(lines("features").join("\n")),
    writable: lines("writable"),
    managers: lines("processes").flatMap((name) => MANAGERS.get(name) ?? []),
    nics: pairs("nics").map(([name, driver]) => ({ name, driver })),
  };
}

/** Examines a host, as root or else as the ordinary user. @throws SshError, Error */
export async function examineHost(host: HostAddress, client: SshClient): Promise<Examined> {
  try {
    return await examineAs(host, client);
  } catch (error) {
    if (!(error instanceof SshError) || error.kind !== "become") throw error;
    return { ...(await examineAs({ ...host, become: "none" }, client)), notRoot: error.message };
  }
}

async function examineAs(host: HostAddress, client: SshClient): Promise<Examined> {
  const connection = await client.connect(host);
  try {
    const { user, become } = connection;
    const observation = await ask(connection, observeScript, parseObservation, "read the host");
    const abilities = await ask(connection, probeScript, parseAbilities, "examine the host");
    return { user, become, observation, abilities };
  } finally {
    await connection.close();
  }
}

async function ask<T>(
  connection: Connection,
  script: (marker: string) => string,
  parse: (output: string, marker: string) => T,
  description: string,
): Promise<T> {
  const marker = newMarker();
  return parse((await connection.run(script(marker), { description })).stdout, marker);
}
