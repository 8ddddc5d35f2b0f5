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
  /** `Debian GNU/Linux 12 (bookworm)`; empty where the host does not say. */
  readonly system: string;
  readonly features: Readonly<Record<string, Feature>>;
  /** Files and folders that have to be written to, and can be. */
  readonly writable: readonly string[];
  /** Programs that run and manage links of their own. */
  readonly managers: readonly string[];
  /** Links with hardware below. */
  readonly nics: readonly Nic[];
}

/** A host that could be logged in to. */
export interface Examined {
  readonly user: string;
  readonly become: string;
  /** Why no root shell was to be had; the rest was then seen as an ordinary user. */
  readonly notRoot?: string;
  readonly observation: Observation;
  readonly abilities: Abilities;
}

/** What has to be written to: the sysctls of a shim, the records and the undo. */
export const WRITTEN = ["/proc/sys/net/ipv4/conf/all/arp_filter", "/run"] as const;

/** Names of processes, as far as the kernel keeps them (15 bytes). */
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

/** Parses what the script printed. @throws Error where it was cut short */
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

/** Logs in and looks: as root, and where that is not to be had as the ordinary user. @throws SshError, Error */
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
    const observation = await ask(connection, observeScript, parseObservation, "look at the host");
    const abilities = await ask(connection, probeScript, parseAbilities, "ask what the host can do");
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
