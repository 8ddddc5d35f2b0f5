/**
 * What programs in other languages than that of Node.js need: language hosts, SDKs of the native provider, Python's
 * packages. What takes long is made once per machine and kept as the engine is.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { alone } from "../lab/fleet/lock";
import { cacheHome, makeWhole } from "./cache";
import { LANGUAGE_HOSTS, type Program, SDK_GENERATOR, buildPrograms, engineVersion } from "./go-build";
import { runStep, say } from "./run";

export type Language = keyof typeof LANGUAGE_HOSTS;

const SCHEMA = resolve(__dirname, "../../dist/native/schema.json");

/**
 * A search path on which the engine finds the host of a language. Builds the host if it is not there, which takes a few
 * minutes.
 */
export async function withLanguageHost(language: Language, path: string): Promise<string> {
  const host = LANGUAGE_HOSTS[language];
  return [path, await builtProgram(host, `language-${language}`)].join(delimiter);
}

/** Generates the SDK of the native provider for a language. @returns its folder */
export async function generateSdk(language: "python" | "go", folder: string): Promise<string> {
  const bin = await builtProgram(SDK_GENERATOR, "gen-sdk");
  await runStep({
    doing: `generating the SDK for ${language}`,
    command: join(bin, SDK_GENERATOR.name),
    arguments: [SCHEMA, folder, language],
  });
  return join(folder, language);
}

/** A virtual environment of Python with Pulumi's SDK in the engine's version, and what generated SDKs need besides. */
export async function pythonEnvironment(): Promise<string> {
  const packages = [`pulumi==${engineVersion}`, "parver", "semver", "setuptools", "wheel"];
  const root = join(cacheHome(process.env), `python-pulumi-v${engineVersion}`);
  return madeOnce(root, "pyvenv.cfg", async (work) => {
    say(`installing Pulumi's SDK for Python v${engineVersion}: once per machine`);
    await runStep({
      doing: "python3 -m venv",
      command: "python3",
      arguments: ["-m", "venv", "--copies", work],
    });
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
    await runStep({ doing: "pip install", command: join(work, "bin/python"), arguments: pip });
  });
}

/** The folder of a program that is built if it is not there. */
async function builtProgram(program: Program, name: string): Promise<string> {
  const root = join(cacheHome(process.env), `${name}-v${program.version}`);
  await madeOnce(root, join("bin", program.name), async (work) => {
    say(`building ${program.doing} v${program.version} from Go modules: a few minutes, once per machine`);
    await mkdir(join(work, "bin"));
    await buildPrograms([program], join(work, "bin"));
  });
  return join(root, "bin");
}

/** A folder that is made if it does not have a file yet. Others who need it at the same time wait for the first. */
async function madeOnce(root: string, file: string, make: (work: string) => Promise<void>): Promise<string> {
  const isThere = (): boolean => existsSync(join(root, file));
  if (!isThere()) {
    await alone(async () => {
      if (!isThere()) await makeWhole(root, make);
    }, "pulumi-macvlan-languages");
  }
  return root;
}
