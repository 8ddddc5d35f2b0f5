/** The names of boot files, and the link of a boot file. Pure. */
import type { LinkId } from "./host";

/** The folder of the scripts. */
export const SCRIPTS = "/etc/pulumi-macvlan";
export const UNITS = "/etc/systemd/system";
export const INIT_SCRIPTS = "/etc/init.d";
export const RUNLEVELS = "/etc/runlevels";
export const IF_UP = "/etc/network/if-up.d";

/** The prefix of files outside {@link SCRIPTS}. */
export const PREFIX = "pulumi-macvlan-";

/** The longest name, so that with prefix, instance and suffix it fits into 255 bytes (NAME_MAX, UNIT_NAME_MAX). */
const MAX_NAME = 160;

/**
 * A link's name in file names: `mac0`, or `mac0_in_blue` in the namespace blue. Other bytes than letters, digits and
 * `-` are written as `_` and two hexadecimal digits: run-parts(8) accepts no other names, and no two links share one.
 */
export function bootName(link: LinkId): string {
  const name = escapeBytes(link.name, /[A-Za-z0-9-]/, "_").replace(/^-/, "_2d");
  return link.netns === "" ? name : `${name}_in_${escapeBytes(link.netns, /[A-Za-z0-9-]/, "_")}`;
}

/** Why a link cannot be persisted under its name; undefined if it can. */
export function whyNotBootName(link: LinkId): string | undefined {
  return bootName(link).length > MAX_NAME
    ? "needs shorter names of link and network namespace, because files are named after them"
    : undefined;
}

/**
 * A name as the part of a unit's name that stands for a path (systemd.unit(5), string escaping): `eth-0` → `eth\x2d0`.
 * The path is /sys/subsystem/net/devices/NAME, so that a dot is never its first character.
 */
export function escapeUnit(name: string): string {
  return escapeBytes(name, /[A-Za-z0-9:_.]/, "\\x");
}

/** systemd's unit for a network link that udev has reported (99-systemd.rules). */
export function deviceUnit(instance: string): string {
  return `sys-subsystem-net-devices-${instance}.device`;
}

/** The link of a boot file, by its path; undefined for other paths. */
export function bootNameOf(path: string): string | undefined {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const match = path.startsWith(`${SCRIPTS}/`)
    ? /^([A-Za-z0-9_-]+)\.sh$/.exec(file)
    : path.startsWith(`${UNITS}/`)
      ? /^pulumi-macvlan-([A-Za-z0-9_-]+)(?:@.*)?\.service$/.exec(file)
      : /^pulumi-macvlan-([A-Za-z0-9_-]+)$/.exec(file);
  return match?.[1];
}

function escapeBytes(text: string, plain: RegExp, escape: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return plain.test(character) ? character : `${escape}${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
