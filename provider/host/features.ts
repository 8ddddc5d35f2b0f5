/** What a kernel has for links, as `features.sh` tells it. */

/** `module`: there to be loaded, which the kernel does by itself when it is asked for such a link. */
export type Feature = "yes" | "module" | "no" | "unknown";

/** What `pm_features` printed. */
export function parseFeatures(text: string): Readonly<Record<string, Feature>> {
  const lines = text.split("\n").map((line) => line.trim().split(" "));
  return Object.fromEntries(
    lines.flatMap(([name = "", feature = ""]) => (name === "" ? [] : [[name, feature as Feature]])),
  );
}
