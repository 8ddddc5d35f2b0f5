import type { KernelTraits } from "../transition";

/** A kernel's abilities, by its release (`6.1.0-18-amd64`). */
export function kernelTraits(release: string): Omit<KernelTraits, "newLink"> {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const isSince = (since: number, minorSince: number): boolean =>
    major > since || (major === since && minor >= minorSince);
  return { liveRename: isSince(6, 2), deletesGroups: isSince(4, 1) };
}
