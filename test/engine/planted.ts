/** Credentials that a test plants, and where on this machine, the lab's hosts among it, they turn up. */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** A credential, in the forms in which it would be recognised. */
export interface Planted {
  readonly name: string;
  readonly forms: readonly string[];
}

/** A password or the like. */
export function plantedText(name: string, text: string): Planted {
  return { name, forms: [text, Buffer.from(text).toString("base64").replace(/=+$/, "")] };
}

/** The text of a private key: each of its lines counts, but those that all keys have. */
export function plantedKey(name: string, text: string): Planted {
  const lines = text.split("\n").filter((line) => line.length > 20 && !line.startsWith("-----"));
  return { name, forms: lines.slice(1) };
}

/** Names of the credentials that a text has in it. */
export function foundIn(text: string, planted: readonly Planted[]): string[] {
  return planted.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ name }) => name);
}

/** The lines of a text that have one of the credentials in them, cut around it. */
export function linesWith(text: string, planted: readonly Planted[]): string[] {
  const forms = planted.flatMap((p) => p.forms);
  return text.split("\n").flatMap((line) => {
    const form = forms.find((f) => line.includes(f));
    return form === undefined
      ? []
      : [
          line.slice(0, 120) +
            " … " +
            line.slice(Math.max(0, line.indexOf(form) - 80), line.indexOf(form) + 20),
        ];
  });
}

/** A credential that a process had on its command line or in its environment. */
export interface Sighting {
  readonly credential: string;
  readonly where: "cmdline" | "environ";
  /** The process belongs to a host of the lab, or is none of those that were started with the credential. */
  readonly process: string;
  readonly isRemote: boolean;
}

/** Checks all processes of the machine every few milliseconds, until it is stopped. */
export function watchProcesses(planted: readonly Planted[]): {
  stop(): Promise<{ sightings: Sighting[]; looks: number; remoteProcesses: number }>;
} {
  const own = readlinkSync("/proc/self/ns/pid");
  const sightings = new Map<string, Sighting>();
  const remote = new Set<string>();
  let looks = 0;
  let isStopped = false;
  const look = (): void => {
    looks++;
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      if (pid === String(process.pid)) continue;
      try {
        const isRemote = readlinkSync(`/proc/${pid}/ns/pid`) !== own;
        const cmdline = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
        if (isRemote) remote.add(`${pid} ${cmdline}`);
        for (const where of ["cmdline", "environ"] as const) {
          const text = where === "cmdline" ? cmdline : readFileSync(`/proc/${pid}/environ`, "latin1");
          for (const credential of foundIn(text, planted)) {
            const sighting = { credential, where, process: cmdline.slice(0, 120), isRemote };
            sightings.set(JSON.stringify(sighting), sighting);
          }
        }
      } catch {
        // it has ended meanwhile
      }
    }
  };
  const watching = (async () => {
    while (!isStopped) {
      look();
      await new Promise((done) => setTimeout(done, 15));
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await watching;
      return { sightings: [...sightings.values()], looks, remoteProcesses: remote.size };
    },
  };
}
