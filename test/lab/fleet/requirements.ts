/** What the lab needs of the machine: root, and a handful of programs that Debian packages bring. */
import { accessSync, constants } from "node:fs";
import { run } from "./run";

/** Where programs are looked for, sbin too: an ordinary user's PATH on Debian lacks it. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The package of each program. */
type Packages = Readonly<Record<string, string>>;

const PACKAGE_OF: Packages = {
  sshd: "openssh-server",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  sudo: "sudo",
  ip: "iproute2",
  bridge: "iproute2",
  ping: "iputils-ping",
  arping: "iputils-arping",
  tcpdump: "tcpdump",
  brctl: "bridge-utils",
  dnsmasq: "dnsmasq-base",
  busybox: "busybox",
  ps: "procps",
  nsenter: "util-linux",
  unshare: "util-linux",
};

/** What guests need besides: their kernel, which is a program, and what makes their disk. */
export const GUEST_PACKAGES: Packages = {
  "linux.uml": "user-mode-linux",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
};

/** What compiles a library for a guest's kernel, on processors that need it; the second brings the C library's headers. */
export const GUEST_BUILD_PACKAGES: Packages = { gcc: "gcc", gencat: "libc-dev-bin", ld: "binutils" };

/** What tests need on top: other SSH servers, login shells and ways to root, a DHCP server and client. */
export const TEST_PACKAGES: Packages = {
  doas: "opendoas",
  dropbear: "dropbear-bin",
  dropbearkey: "dropbear-bin",
  fish: "fish",
  csh: "tcsh",
  "ssh-agent": "openssh-client",
  openssl: "openssl",
  localedef: "locales",
  dnsmasq: "dnsmasq-base",
  busybox: "busybox",
  shellcheck: "shellcheck",
  shfmt: "shfmt",
};

/** Full path of a program of the machine, or undefined. */
export function programPath(name: string): string | undefined {
  return SYSTEM_PATH.split(":")
    .map((folder) => `${folder}/${name}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @throws unless this process is root's: namespaces, mounts and other users' processes need it. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error("the lab makes network namespaces, mounts and logins: it needs root (try sudo)");
  }
}

/**
 * Makes sure that every program, and each of `more` (program: Debian package), is there: installs the Debian packages of those that are missing, and only those.
 * @throws naming programs and packages if they are missing and cannot be installed.
 */
export async function requirePrograms(
  progress: (line: string) => void,
  packageOf: Packages = PACKAGE_OF,
): Promise<void> {
  const missing = missingPrograms(packageOf);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => packageOf[name] ?? name))];
  const desired = `${missing.join(", ")} (Debian packages: ${packages.join(" ")})`;
  if (programPath("apt-get") === undefined) {
    throw new Error(`the lab needs programs that are missing: ${desired}; install them and try again`);
  }
  progress(`installing ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  let result = await run(install, { env });
  if (result.code !== 0) {
    progress("refreshing the package lists");
    await run(["apt-get", "update"], { env });
    result = await run(install, { env });
  }
  if (result.code !== 0 || missingPrograms(packageOf).length > 0) {
    throw new Error(`the lab needs ${desired}, and apt-get could not install them:\n${result.stderr.trim()}`);
  }
}

function missingPrograms(packageOf: Packages): string[] {
  return Object.keys(packageOf).filter((name) => programPath(name) === undefined);
}
