/** The packed package, once for all tests of the suite: as a tarball, and unpacked where a program can import it. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { alone } from "../lab/fleet/lock";
import { whenLeaving } from "../setup/leave";
import { runStep } from "../setup/run";
import { type PackedPackage, packPackage } from "./stranger";

const REPOSITORY = resolve(__dirname, "../..");

export interface Unpacked extends PackedPackage {
  /** A folder in whose node_modules the package is, unpacked, beside this repository's other packages. */
  readonly folder: string;
}

/** Has the package packed and unpacked before the tests of a describe block: once for all blocks of the run. */
export function useUnpacked(): Unpacked {
  let unpacked: Unpacked | undefined;
  const ready = (): Unpacked => {
    if (unpacked === undefined) throw new Error("the package is unpacked within tests only");
    return unpacked;
  };
  before(async function () {
    this.timeout(180_000);
    unpacked = await (made ??= unpack());
  });
  return {
    get folder() {
      return ready().folder;
    },
    get tarball() {
      return ready().tarball;
    },
    get repository() {
      return ready().repository;
    },
    get files() {
      return ready().files;
    },
  };
}

let made: Promise<Unpacked> | undefined;

/** In the folder that the runner has for all processes of the suite, and removes; else in one of this process. */
async function unpack(): Promise<Unpacked> {
  const shared = process.env["MACVLAN_TEST_SHARED"];
  if (shared === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-unpacked-"));
    whenLeaving(() => rmSync(folder, { recursive: true, force: true }));
    return unpackIn(folder);
  }
  const note = join(shared, "unpacked.json");
  return alone(async () => {
    if (existsSync(note)) return JSON.parse(readFileSync(note, "utf8")) as Unpacked;
    const unpacked = await unpackIn(mkdtempSync(join(shared, "unpacked-")));
    writeFileSync(note, JSON.stringify(unpacked));
    return unpacked;
  }, note);
}

async function unpackIn(folder: string): Promise<Unpacked> {
  const packed = await packPackage(folder);
  const modules = join(folder, "node_modules");
  const home = join(modules, "pulumi-macvlan");
  mkdirSync(home, { recursive: true });
  await runStep({
    doing: "unpacking the package",
    command: "tar",
    arguments: ["-xzf", packed.tarball, "-C", home, "--strip-components=1"],
  });
  for (const name of ["@pulumi", "@types", "zod", "ipaddr.js", "fastest-levenshtein", "node-ssh", "yaml"])
    symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name));
  return { folder, ...packed };
}
