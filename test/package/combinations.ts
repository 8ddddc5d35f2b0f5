/** What the package is used with: package managers, languages, versions of Node.js and of Pulumi's SDK. Pure. */
import { version as locked } from "@pulumi/pulumi/version";

/** A package manager, and how it lays packages out. */
export type Manager = "npm" | "pnpm" | "yarn 1" | "yarn" | "yarn PnP";

/** What the program is written in, and what runs it. */
export type Language = "ts-node" | "tsx" | "CommonJS" | "ES module";

export interface Combination {
  readonly manager: Manager;
  readonly language: Language;
  /** Major version of Node.js. */
  readonly node: number;
  /** Version of @pulumi/pulumi. */
  readonly sdk: string;
}

export const MANAGERS: readonly Manager[] = ["npm", "pnpm", "yarn 1", "yarn", "yarn PnP"];
export const LANGUAGES: readonly Language[] = ["ts-node", "tsx", "CommonJS", "ES module"];
export const NODES = [20, 22, 24] as const;

/** The oldest SDK that the peer dependency takes. */
export const OLDEST_SDK = "3.100.0";

/** The newest: the one in the lock file, so that a new release makes no test fail by itself. */
export const NEWEST_SDK: string = locked;

/** The last SDK that takes Node.js 20 (`engines` of @pulumi/pulumi: 3.249.0 and later want 22). */
export const LAST_SDK_FOR_NODE_20 = "3.248.0";

/** The oldest and the newest SDK for a version of Node.js. */
export function sdksFor(node: number): readonly [oldest: string, newest: string] {
  return [OLDEST_SDK, node < 22 ? LAST_SDK_FOR_NODE_20 : NEWEST_SDK];
}

/**
 * What works with a package manager. An ES module by PnP does not with Pulumi itself: the SDK switches ts-node's hooks
 * on for it, and these look for packages in node_modules only.
 */
function languagesFor(manager: Manager): readonly Language[] {
  return manager === "yarn PnP" ? LANGUAGES.filter((language) => language !== "ES module") : LANGUAGES;
}

/** All of them, those that share an installation one after the other. */
export function allCombinations(): Combination[] {
  const environments = NODES.flatMap((node) => sdksFor(node).map((sdk) => ({ node, sdk })));
  const sorted = environments.toSorted((a, b) => a.sdk.localeCompare(b.sdk) || a.node - b.node);
  return MANAGERS.flatMap((manager) =>
    sorted.flatMap((environment) =>
      languagesFor(manager).map((language) => ({ manager, language, ...environment })),
    ),
  );
}

/** `pnpm, ts-node, Node.js 22, @pulumi/pulumi 3.100.0` */
export function describeCombination({ manager, language, node, sdk }: Combination): string {
  return `${manager}, ${language}, Node.js ${node}, @pulumi/pulumi ${sdk}`;
}
