/** Programs that a host has in the place of the machine's own iproute2: other versions of it, and busybox's applet. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Lab } from "../lab/fleet";
import { unpackedPackages } from "../lab/fleet/debian";
import { run, runOrThrow } from "../lab/fleet/run";

export interface Userland {
  /** Where it comes from. */
  readonly title: string;
  /** Gives the host its programs, until `lab.reset`. */
  install(lab: Lab, host: string): Promise<void>;
}

/** Releases of Debian with another iproute2 than the machine's: the oldest that its archive still has, and the newest. */
const RELEASES = ["bullseye", "trixie", "sid"];

/**
 * Folders, separated by colons, that each have `ip` and `bridge` of an own build: no archive of packages has versions
 * that are as old as some hosts are.
 */
const BUILDS = "MACVLAN_TEST_IPROUTE2";

/** Where the machine's own `ip` stays to be had on a host, for the test to look at its links. */
export const OWN_IP = "/run/own-ip";

/** All that can be had on this machine. */
export function userlands(): Userland[] {
  const builds = (process.env[BUILDS] ?? "").split(":").filter(Boolean);
  return [
    ...builds.map((folder) => ({
      title: `built from its source, ${basename(folder)}`,
      install: (lab: Lab, host: string) =>
        replaceBoth(lab, host, (program) => ({ file: join(folder, program) })),
    })),
    ...RELEASES.map((release) => ({
      title: `Debian ${release}`,
      install: (lab: Lab, host: string) => installIproute2(lab, host, release),
    })),
    { title: "this machine's", install: () => Promise.resolve() },
    ...[...RELEASES, ""].map((release) => ({
      title: release === "" ? "busybox, this machine's" : `busybox, Debian ${release}`,
      install: (lab: Lab, host: string) => installBusybox(lab, host, release),
    })),
    {
      title: "no ip, no bridge: brctl",
      install: (lab: Lab, host: string) => lab.hide(host, ["ip", "bridge"]),
    },
    {
      title: "no ip, no bridge, no brctl: /sys",
      install: (lab: Lab, host: string) => lab.hide(host, ["ip", "bridge", "brctl"]),
    },
  ];
}

async function installIproute2(lab: Lab, host: string, release: string): Promise<void> {
  const root = await unpackedPackages(release, ["iproute2", "busybox-static"]);
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

async function replaceBoth(
  lab: Lab,
  host: string,
  by: (program: "ip" | "bridge") => { file: string } | { script: string },
): Promise<void> {
  for (const program of ["ip", "bridge"] as const) await lab.replace(host, program, by(program));
}

async function installBusybox(lab: Lab, host: string, release: string): Promise<void> {
  await lab.hide(host, ["bridge", "brctl"]);
  if (release !== "") {
    const root = await unpackedPackages(release, ["iproute2", "busybox-static"]);
    await lab.replace(host, "busybox", { file: await programOf(root, "busybox") });
  }
  await lab.replace(host, "ip", { script: '#!/bin/sh\nexec busybox ip "$@"\n' });
}

/** Path of a program below a root folder, through links that are only right within it. */
async function programOf(root: string, program: string): Promise<string> {
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
