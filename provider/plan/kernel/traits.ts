import type { KernelTraits } from "../transition";

/** A kernel's abilities, by its release (`6.1.0-18-amd64`). */
export function kernelTraits(release: string): Omit<KernelTraits, "newLink"> {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  return { liveRename: major > 6 || (major === 6 && minor >= 2) };
}
