/** Language hosts for programs that are not written for Node.js: built once per machine, and kept as the engine is. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { alone } from "../lab/fleet/lock";
import { cacheHome, makeWhole } from "./cache";
import { LANGUAGE_HOSTS, buildPrograms } from "./go-build";
import { say } from "./run";

export type Language = keyof typeof LANGUAGE_HOSTS;

/**
 * A search path on which the engine finds the host of a language. Builds the host if it is not there, which takes a few
 * minutes.
 */
export async function withLanguageHost(language: Language, path: string): Promise<string> {
  const host = LANGUAGE_HOSTS[language];
  const root = join(cacheHome(process.env), `language-${language}-v${host.version}`);
  const bin = join(root, "bin");
  const isThere = (): boolean => existsSync(join(bin, host.name));
  if (!isThere()) {
    await alone(async () => {
      if (isThere()) return;
      say(`building ${host.doing} v${host.version} from Go modules: a few minutes, once per machine`);
      await makeWhole(root, async (work) => {
        await mkdir(join(work, "bin"));
        await buildPrograms([host], join(work, "bin"));
      });
    }, "pulumi-macvlan-languages");
  }
  return [path, bin].join(delimiter);
}
