/** Versions of iproute2 and of the kernel. Pure. */
/** The oldest that prints links, addresses and routes as JSON: 4.14 always prints routes as text. */
export const OLDEST_IPROUTE2 = "4.17";

/** Up to 5.7, `ip -V` shows only the day of the release (include/SNAPSHOT.h at its tags). */
const SNAPSHOTS: readonly (readonly [day: number, version: string])[] = [
  [180608, "4.17"],
  [180813, "4.18"],
  [181023, "4.19"],
  [190107, "4.20"],
  [190319, "5.0"],
  [190510, "5.1"],
  [190708, "5.2"],
  [190924, "5.3"],
  [191125, "5.4"],
  [200127, "5.5"],
  [200330, "5.6"],
  [200602, "5.7"],
];

/** The version from `ip -V`: `6.1.0`, `4` for all before 4.17, `unknown`; undefined for another program's `ip`. */
export function iproute2Version(ipText: string): string | undefined {
  if (!ipText.includes("iproute2")) return undefined;
  const [, day, version = "unknown"] = /iproute2-(?:ss([0-9]{6})|v?([0-9][0-9.]*))/.exec(ipText) ?? [];
  if (day === undefined) return version;
  return SNAPSHOTS.findLast(([first]) => first <= Number(day))?.[1] ?? "4";
}

/** Whether a version is older than another one; false for an unknown version. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((v) => v.split(".").map(Number));
  if (!a || !b || a.some(Number.isNaN)) return false;
  for (let i = 0; i < b.length; i++) {
    const [x = 0, y = 0] = [a[i], b[i]];
    if (x !== y) return x < y;
  }
  return false;
}

/**
 * The version from a kernel's release (`6.1.0` of `6.1.0-18-amd64`); undefined if it does not show the kernel's
 * features: kernels of RHEL and its derivatives (`5.14.0-427.el9.x86_64`) and of SLES (`5.14.21-150500.55-default`)
 * contain many backports.
 */
export function kernelVersion(release: string): string | undefined {
  if (/\.el\d|-1\d{5}\./.test(release)) return undefined;
  return /^\d+(?:\.\d+)+/.exec(release)?.[0];
}
