/** Hosts whose `sh` is another one, and whose programs are busybox's: what the provider sends them has to run there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runOrThrow } from "../lab/fleet/run";
import { unpackedPackages } from "../lab/fleet/debian";
import { linkOf, seenLink } from "../lab/seen";
import { openStack, useLab } from "../lab/stack";
import type { BridgeArgs, MacvlanArgs } from "../../provider/kinds/args";
import { type Table, isWhole, useTable } from "./table";

const TABLE: Table = {
  name: "shells",
  of: ["sh", "Other programs"],
  columns: ["change, and change again", "a change that fails is undone", "boot script"],
};
const HOST = "node1";

interface Shell {
  readonly title: string;
  /** The package of Debian that has it, and its name there; the machine's own program without. */
  readonly from?: { readonly package: string; readonly program: string };
  readonly program: string;
  /** Nothing but busybox's applets and iproute2 is in /usr/bin, as on Alpine. */
  readonly isAlone?: boolean;
}

const SHELLS: readonly Shell[] = [
  { title: "dash", program: "dash" },
  { title: "busybox ash", program: "busybox" },
  { title: "busybox ash", program: "busybox", isAlone: true },
  { title: "bash", program: "bash" },
  { title: "mksh", program: "mksh", from: { package: "mksh", program: "mksh" } },
  { title: "ksh93", program: "ksh93", from: { package: "ksh93u+m", program: "ksh93" } },
  { title: "yash", program: "yash", from: { package: "yash", program: "yash" } },
];

describe("a host's sh:", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const note = useTable(TABLE);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);
  const tried = isWhole ? SHELLS : SHELLS.filter(({ isAlone }) => isAlone);

  // in the reverse order: one lies over the other
  afterEach(async () => {
    await sh("umount -l /usr/bin/dash 2>/dev/null; umount -l /usr/bin 2>/dev/null; true");
    await on.lab.reboot(HOST, { fresh: true });
  });

  for (const shell of tried)
    it(`${shell.title}${shell.isAlone ? ", and busybox for all else" : ""}`, async () => {
      await become(shell);
      const stack = openStack(on.lab);
      const web: MacvlanArgs = {
        ...{ host: HOST, parent: "eth1", name: "cell", netns: "blue", alias: "it's a cell", persist: true },
        ...{ addresses: ["192.0.2.1/24", "2001:db8::1/64"], routes: ["198.51.100.0/24"] },
      };
      const lan: BridgeArgs = { host: HOST, name: "br7", stp: false, ports: ["p1"], persist: true };
      const row = [shell.title, shell.isAlone ? "busybox, iproute2" : "GNU"];
      await stack.up("MacvlanInterface", "web", web);
      await stack.up("HairpinBridge", "lan", lan);
      const changed = { ...web, mtu: 1400, addresses: ["192.0.2.2/24"] };
      await stack.up("MacvlanInterface", "web", changed);
      for (const [kind, name, args] of [
        ["MacvlanInterface", "web", changed],
        ["HairpinBridge", "lan", lan],
      ] as const) {
        const { drift, changes } = await stack.preview(kind, name, args);
        assert.deepEqual([drift, changes], [{}, false]);
      }
      assert.equal((await linkOf(on.lab, HOST, "cell", "blue")).mtu, 1400);
      assert.equal(await sh("cat /sys/class/net/p1/brport/hairpin_mode"), "1\n");
      note(row, "change, and change again", { is: "works" });

      // the kernel refuses a route whose gateway no address leads to: the last step of the change
      const wrong = { ...web, mtu: 1300, routes: [{ to: "203.0.113.0/24", via: "198.51.100.77" }] };
      await assert.rejects(stack.up("MacvlanInterface", "web", wrong), /Everything was undone/);
      assert.equal((await linkOf(on.lab, HOST, "cell", "blue")).mtu, 1400);
      note(row, "a change that fails is undone", { is: "works" });

      await sh("ip netns del blue; ip link del br7; rm -rf /run/pulumi-macvlan");
      await sh("for f in /etc/pulumi-macvlan/*.sh; do sh $f || exit; sh $f || exit; done");
      for (const [kind, name, args] of [
        ["MacvlanInterface", "web", changed],
        ["HairpinBridge", "lan", lan],
      ] as const) {
        const { drift, changes } = await stack.preview(kind, name, args);
        assert.deepEqual([drift, changes], [{}, false], "after the boot script");
      }
      await stack.down();
      assert.equal(await seenLink(on.lab, HOST, "br7"), undefined);
      assert.equal(await sh("ls /run/netns; find /etc -name '*pulumi-macvlan*'"), "");
      note(row, "boot script", { is: "works" });
    });

  /** Gives the host this shell for its `sh`, and a port for a bridge. */
  async function become({ program, from, isAlone }: Shell): Promise<void> {
    await sh(
      "mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces; ip link add p1 type veth peer name q1; ip link set q1 up",
    );
    if (isAlone === true)
      // the login shell as well; sshd and what else runs already is in /usr/sbin
      await sh(`mkdir /run/alone && cp "$(command -v busybox)" /run/alone/ && busybox --install -s /run/alone
rm -f /run/alone/ip; cp "$(readlink -f "$(command -v ip)")" /run/alone/ip
for f in /run/alone/*; do [ ! -L $f ] || ln -sf busybox $f; done; ln -sf busybox /run/alone/bash
sed -i 's|/bin/bash|/bin/sh|' /etc/passwd; mount --bind /run/alone /usr/bin`);
    let asked = (await sh(`readlink -f "$(command -v ${from ? "dash" : program})"`)).trim();
    if (isAlone !== true && program !== "dash") {
      if (from) {
        asked = "/run/other-sh";
        const root = await unpackedPackages("bookworm", [from.package]);
        const found = await runOrThrow([
          "find",
          root,
          "-type",
          "f",
          "-name",
          from.program,
          "-path",
          "*bin/*",
        ]);
        const input = readFileSync(found.split("\n")[0] ?? "");
        const { code, stderr } = await on.lab.exec(
          HOST,
          ["sh", "-c", `cat > ${asked} && chmod 755 ${asked}`],
          {
            input,
          },
        );
        assert.equal(code, 0, stderr);
      }
      await sh(`mount --bind "${asked}" /usr/bin/dash`);
    }
    // not as its last command, which some run in their own place
    const { stdout } = await on.lab.ssh(
      HOST,
      `sh -c 'cmp /proc/$$/exe ${isAlone === true ? "/run/alone/busybox" : asked} && echo same'`,
    );
    assert.equal(stdout, "same\n", "sh is another one");
  }
});
