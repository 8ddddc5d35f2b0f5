import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The version of a package that is installed in this repository. */
export function installedVersion(name: string): string {
  const file = join(resolve(__dirname, "../.."), "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
