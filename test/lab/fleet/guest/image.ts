/** The disk that all guests begin with: made of Debian packages, once a machine, and kept outside the repository. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheHome, makeWhole, removeFolder } from "../../../setup/cache";
import { runStep } from "../../../setup/run";
import { type Mirror, debianMirror } from "../debian";
import { userLines } from "../files";
import { alone } from "../lock";

/** Besides what is essential (Priority: required): systemd, sshd, tools, and the three that configure links. */
const PACKAGES = [
  ..."systemd-sysv udev dbus openssh-server sudo kmod procps".split(" "),
  ..."iproute2 bridge-utils ethtool iputils-ping iputils-arping tcpdump iperf3".split(" "),
  ..."ifupdown network-manager".split(" "),
];

/** Left out of what the packages bring. */
const EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

/** Of the file system, as mke2fs(8) writes it; the file itself has holes. */
const DISK_SIZE = "1G";

/**
 * Path of the disk, which is made if it is not there yet (about a minute). It is never written to: each guest has
 * what differs from it in a file of its own. Others who want it at the same time wait for the first.
 * @throws if a package cannot be had, or the folder's path is not one that a kernel's arguments can have.
 */
export async function guestDisk(): Promise<string> {
  const mirror = await debianMirror();
  const root = join(cacheHome(process.env), `guest-${mirror.suite}-${recipeKey(mirror.suite)}`);
  if (!/^\/[\w./-]+$/.test(root)) throw new Error(`guests cannot have a disk in ${root}: set XDG_CACHE_HOME`);
  const disk = join(root, "disk.ext4");
  return alone(async () => {
    if (!existsSync(disk)) await makeWhole(root, (work) => makeDisk(work, mirror));
    return disk;
  }, "pulumi-macvlan-guest");
}

/** What names an image: everything that it is made of, but for the versions of packages that a mirror has just now. */
function recipeKey(suite: string): string {
  const parts = [
    suite,
    PACKAGES,
    EXCLUDED,
    DISK_SIZE,
    userLines(),
    scriptText("customise"),
    scriptText("init"),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

function scriptText(name: "customise" | "init"): string {
  return readFileSync(join(__dirname, `${name}.sh`), "utf8");
}

async function makeDisk(work: string, { suite, address }: Mirror): Promise<void> {
  const [added, root] = [join(work, "added"), join(work, "root")];
  mkdirSync(added);
  writeFileSync(join(added, "init"), scriptText("init"));
  for (const [file, lines] of Object.entries(userLines())) writeFileSync(join(added, file), lines);
  await runStep({
    doing: `installing Debian ${suite} for the lab's guests`,
    command: "mmdebstrap",
    arguments: [
      ..."--mode=root --variant=minbase --format=directory --quiet".split(" "),
      `--include=${PACKAGES.join(",")}`,
      ...EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`),
      `--customize-hook=sh ${__dirname}/customise.sh ${added} "$1"`,
      ...[suite, root, ...address],
    ],
  });
  await runStep({
    doing: "making the disk of the lab's guests",
    command: "mke2fs",
    // the smallest journal: also what a guest's power loss interrupts is whole again when the disk is mounted
    arguments: [..."-q -t ext4 -L guest -J size=4 -d".split(" "), root, join(work, "disk.ext4"), DISK_SIZE],
  });
  for (const folder of [added, root]) removeFolder(folder);
}
