/** OpenRC on a lab host, from Debian's packages, laid over its folders: nothing is installed on the machine. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "./fleet";
import { runOrThrow } from "./fleet/run";

const PACKAGES = ["openrc", "librc1", "libeinfo1"];

/** Gives the host OpenRC, with empty runlevels; `openrc default` is then its boot. A fresh reboot takes it away. */
export async function giveOpenRc(lab: Lab, host: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-openrc-"));
  try {
    // apt's own user may not read the folder, of which it warns
    const download = 'cd "$1" && shift && apt-get -qq download "$@"';
    await runOrThrow(["sh", "-c", download, "sh", folder, ...PACKAGES]);
    for (const file of readdirSync(folder)) {
      const unpack = "cat > /run/package && dpkg -x /run/package /run/root && rm /run/package";
      const input = readFileSync(join(folder, file));
      const { code, stderr } = await lab.exec(host, ["sh", "-c", unpack], { input });
      assert.equal(code, 0, stderr);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  await lab.sh(
    host,
    `set -e
lay() { # FOLDER of /usr, and what is laid over it
  mkdir -p /run/over/$1/up /run/over/$1/work
  mount -t overlay -o "lowerdir=$2:/usr/$1,upperdir=/run/over/$1/up,workdir=/run/over/$1/work" overlay /usr/$1
}
lay lib /run/root/lib
lay sbin /run/root/sbin
cp /run/root/etc/rc.conf /etc/; : > /etc/insserv.conf
mkdir -p /run/openrc /etc/runlevels/sysinit /etc/runlevels/boot /etc/runlevels/default`,
  );
}
