/** Other versions of iproute2 for a host, from packages of Debian's releases. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { unpackedPackages } from "./debian";
import type { Lab } from "./lab";
import { run, runOrThrow } from "./run";

/** The packages that are unpacked together. */
export const USERLAND = ["iproute2", "busybox-static"];

/** Gives a host the `ip` and `bridge` of a release of Debian, until `lab.reset`. */
export async function installIproute2(lab: Lab, host: string, release: string): Promise<void> {
  const root = await unpackedPackages(release, USERLAND);
  const folder = `/run/userland/${release}`;
  const programs = await Promise.all(["ip", "bridge"].map((program) => programOf(root, program)));
  const [loader = "", ...libraries] = await librariesOf(root, programs);
  const files = [...programs, loader, ...libraries];
  const unpack = `mkdir -p ${folder} && tar -x -C ${folder}`;
  const { code, stderr } = await lab.exec(host, ["sh", "-c", unpack], { input: tarOf(files) });
  if (code !== 0) throw new Error(`${host}: ${unpack}: ${stderr}`);
  // by its own loader: its C library may be a newer one than the machine's
  await replaceBoth(lab, host, (program) => ({
    script: `#!/bin/sh\nexec ${folder}/${basename(loader)} --library-path ${folder} ${folder}/${program} "$@"\n`,
  }));
}

export async function replaceBoth(
  lab: Lab,
  host: string,
  by: (program: "ip" | "bridge") => { file: string } | { script: string },
): Promise<void> {
  for (const program of ["ip", "bridge"] as const) await lab.replace(host, program, by(program));
}

/** Path of a program below a root folder, through links that are only right within it. */
export async function programOf(root: string, program: string): Promise<string> {
  const found = await runOrThrow(["find", root, "-type", "f", "-name", program, "-path", "*bin/*"]);
  const [path = ""] = found.split("\n");
  if (path === "") throw new Error(`${root} has no program ${program}`);
  return path;
}

/** The dynamic loader of a root folder, then the libraries of it that the programs need. */
async function librariesOf(root: string, programs: readonly string[]): Promise<string[]> {
  const machine = (await runOrThrow(["uname", "-m"])).trim();
  const folders = [`${root}/usr/lib/${machine}-linux-gnu`, `${root}/lib/${machine}-linux-gnu`];
  const listed = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return []; // one of the two is a link or is not there
    }
  };
  const all = folders.flatMap(listed);
  const loader = all.find((path) => /\/ld-linux[^/]*\.so\.\d+$/.test(path));
  if (loader === undefined) throw new Error(`${root} has no dynamic loader`);
  const needed = new Set<string>();
  for (const program of programs) {
    const { stdout } = await run([loader, "--library-path", folders.join(":"), "--list", program]);
    for (const [, path] of stdout.matchAll(/=> (\S+)/g)) if (path?.startsWith(root)) needed.add(path);
  }
  return [loader, ...[...needed].filter((path) => !path.includes("/ld-linux"))];
}

/** An archive of files without their folders, links followed. */
function tarOf(files: readonly string[]): Buffer {
  return execFileSync("tar", ["-c", "-h", "--transform", "s|.*/||", "-P", ...files], {
    maxBuffer: 2 ** 26,
  });
}
