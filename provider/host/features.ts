/** A kernel's features for links, from `features.sh`. */

/** `module`: available as a module, which the kernel loads by itself when such a link is made. */
export type Feature = "yes" | "module" | "no" | "unknown";

/** What `pm_features` printed. */
export function parseFeatures(text: string): Readonly<Record<string, Feature>> {
  const lines = text.split("\n").map((line) => line.trim().split(" "));
  return Object.fromEntries(
    lines.flatMap(([name = "", feature = ""]) => (name === "" ? [] : [[name, feature as Feature]])),
  );
}
