/** The packed package, once for all tests of the suite: as a tarball, and unpacked where a program can import it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { whenLeaving } from "../setup/leave";
import { runStep } from "../setup/run";
import { packPackage } from "./stranger";

const REPOSITORY = resolve(__dirname, "../..");

export interface Unpacked {
  /** A folder in whose node_modules the package is, unpacked, beside this repository's other packages. */
  readonly folder: string;
  readonly tarball: string;
  /** The copy of the repository in which it was built. */
  readonly repository: string;
}

/** Has the package packed and unpacked before the tests of a describe block: once for all blocks. */
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
  };
}

let made: Promise<Unpacked> | undefined;

async function unpack(): Promise<Unpacked> {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-unpacked-"));
  whenLeaving(() => rmSync(folder, { recursive: true, force: true }));
  const { tarball, repository } = await packPackage(folder);
  const modules = join(folder, "node_modules");
  const home = join(modules, "pulumi-macvlan");
  mkdirSync(home, { recursive: true });
  await runStep({
    doing: "unpacking the package",
    command: "tar",
    arguments: ["-xzf", tarball, "-C", home, "--strip-components=1"],
  });
  for (const name of ["@pulumi", "@types", "zod", "ipaddr.js", "fastest-levenshtein", "node-ssh", "yaml"])
    symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name));
  return { folder, tarball, repository };
}
