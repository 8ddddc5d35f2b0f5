/** How boot files are called, and which link one is for. Pure. */
import type { LinkId } from "./host";

/** Where the scripts are. */
export const SCRIPTS = "/etc/pulumi-macvlan";
export const UNITS = "/etc/systemd/system";
export const INIT_SCRIPTS = "/etc/init.d";
export const RUNLEVELS = "/etc/runlevels";
export const IF_UP = "/etc/network/if-up.d";

/** What the files outside of {@link SCRIPTS} begin with. */
export const PREFIX = "pulumi-macvlan-";

/** The longest name that leaves room for prefix, instance and ending in 255 bytes (NAME_MAX, UNIT_NAME_MAX). */
const MAX_NAME = 160;

/**
 * A link's name in file names: `mac0`, or `mac0_in_blue` in the namespace blue. Whatever else than letters, digits and
 * `-` a name has is `_` and two hexadecimal digits a byte: run-parts(8) takes no other names, and no two links share one.
 */
export function bootName(link: LinkId): string {
  const name = escapeBytes(link.name, /[A-Za-z0-9-]/, "_").replace(/^-/, "_2d");
  return link.netns === "" ? name : `${name}_in_${escapeBytes(link.netns, /[A-Za-z0-9-]/, "_")}`;
}

/** Why a link cannot be persisted under its name, or undefined where it can. */
export function whyNotBootName(link: LinkId): string | undefined {
  return bootName(link).length > MAX_NAME
    ? "needs shorter names of link and network namespace: files are named after them"
    : undefined;
}

/**
 * A name as a part of a unit's name that stands for a path (systemd.unit(5), string escaping): `eth-0` → `eth\x2d0`.
 * The path is /sys/subsystem/net/devices/NAME, so that a dot is never its first character.
 */
export function escapeUnit(name: string): string {
  return escapeBytes(name, /[A-Za-z0-9:_.]/, "\\x");
}

/** The unit by which systemd knows a network link that udev has seen (99-systemd.rules). */
export function deviceUnit(instance: string): string {
  return `sys-subsystem-net-devices-${instance}.device`;
}

/** The link that a file is for, by its path; undefined where the path is none of ours. */
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
