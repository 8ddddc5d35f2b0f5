/** The Debian archive that this machine's apt knows, and what packages of its releases have in them. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheHome, makeWhole } from "../../setup/cache";
import { runStep } from "../../setup/run";
import { alone } from "./lock";
import { requirePrograms } from "./requirements";
import { run } from "./run";

/** The release of Debian, unless the machine itself is another one. */
const SUITE = "bookworm";

/** A release, and where to have it from; without an address it is the archive that mmdebstrap knows. */
export interface Mirror {
  readonly suite: string;
  readonly address: readonly string[];
}

/** The archive that this machine's apt has Debian from, and the release that the machine itself is. */
export async function debianMirror(): Promise<Mirror> {
  const asked = [
    "apt-get",
    "indextargets",
    "--format",
    "$(ORIGIN)/$(LABEL)/$(COMPONENT) $(CODENAME) $(REPO_URI)",
  ];
  const { stdout } = await run(asked);
  const known = /^Debian\/Debian\/main ([a-z]+) (\S+)$/m.exec(stdout);
  const [suite, address] = [known?.[1], known?.[2]];
  return suite === undefined || address === undefined
    ? { suite: SUITE, address: [] }
    : { suite, address: [address] };
}

/**
 * A folder with what packages of a release, and those that they depend on, have in them: unpacked beside the machine's
 * own programs and never installed. Made once per machine, in seconds, and kept; it is never written to.
 * @throws if the archive does not have the release, or a package
 */
export async function unpackedPackages(suite: string, packages: readonly string[]): Promise<string> {
  const { address } = await debianMirror();
  const key = createHash("sha256").update(JSON.stringify(packages)).digest("hex").slice(0, 12);
  const folder = join(cacheHome(process.env), `debian-${suite}-${key}`);
  await requirePrograms(() => undefined, { mmdebstrap: "mmdebstrap" });
  return alone(async () => {
    if (!existsSync(folder)) await makeWhole(folder, (work) => unpack(work, suite, packages, address));
    return join(folder, "root");
  }, "pulumi-macvlan-debian");
}

async function unpack(
  work: string,
  suite: string,
  packages: readonly string[],
  address: readonly string[],
): Promise<void> {
  await runStep({
    doing: `unpacking ${packages.join(" ")} of Debian ${suite}`,
    command: "mmdebstrap",
    limit: 300,
    arguments: [
      ..."--mode=root --variant=extract --format=directory --quiet".split(" "),
      // a mirror may be behind with a release that changes every day; what it has is signed all the same
      "--aptopt=Acquire::Check-Valid-Until false",
      `--include=${packages.join(",")}`,
      ...[suite, join(work, "root"), ...address],
    ],
  });
}
