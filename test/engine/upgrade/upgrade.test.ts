/** A stack of an earlier version of the package, with links of all kinds, in the hands of this one. */
import assert from "node:assert/strict";
import { snapshot } from "../../lab/seen";
import { useProject } from "../project";
import { RECORDED, inShort, otherBootFile, restore } from "./restore";
import { UPGRADE_STACKS } from "./stacks";

const { hosts, before: prepare, program } = UPGRADE_STACKS.nodes;

/** The persistent links, whose boot files have another text. */
const LASTING = {
  lasting: otherBootFile("mac0_in_blue"),
  "lasting-tap": otherBootFile("tap0"),
  "lasting-shim": otherBootFile("shim0"),
  "lasting-bridge": otherBootFile("br0"),
  "lasting-passthru": otherBootFile("pass0"),
  "net/node1/b": otherBootFile("lanb"),
  "net/node3/b": otherBootFile("lanb"),
};

for (const version of RECORDED) {
  describe(`a stack created by version ${version}`, function () {
    this.timeout(300_000);
    const untouched = new Map<string, string>();
    const on = useProject("upgrade", async ({ lab }) => {
      for (const [host, script] of Object.entries(prepare)) await lab.sh(host, script);
      for (const host of hosts) untouched.set(host, await snapshot(lab, host));
    });

    /** The links of all hosts, each with its index. */
    const links = async (): Promise<string> => {
      const script = `ip -o link show; for n in $(ls /run/netns); do ip -n $n -o link show; done`;
      const shown = await Promise.all(
        hosts.map((host) => on.lab.sh(host, `{ ${script}; } | cut -d: -f 1,2`)),
      );
      return shown.join();
    };
    const bootFiles = (host: string): Promise<string> =>
      on.lab.sh(host, "find /etc -name '*pulumi-macvlan-*' -o -path '/etc/pulumi-macvlan/*'");
    const recordOf = async (link: string): Promise<Record<string, unknown>> => {
      const text = await on.lab.sh("node1", `cat /run/pulumi-macvlan/links/${link}`);
      return JSON.parse(text.replace(/^[0-9]+ /, "")) as Record<string, unknown>;
    };

    it("gets an identity and the boot files of this version, and needs no other change", async () => {
      await restore(on, version, "nodes");
      assert.deepEqual(inShort(await on.project.steps()), { "stack-identity": "create", ...LASTING });
    });

    it("is up to date after one up, which touches no link, and after a refresh", async () => {
      const before = await links();
      await on.project.up();
      await on.project.refresh();
      await on.project.expectNoChanges();
      assert.equal(await links(), before);
    });

    it("is known by its identity on the host from the next change of a link on", async () => {
      const identity = (await on.project.state())["stack-identity"]?.outputs["identity"];
      assert.equal((await recordOf("web:web"))["stack"], undefined);
      on.project.program(program.replace('"web", {', '"web", { mtu: 1400,'));
      await on.project.up();
      assert.equal((await recordOf("web:web"))["stack"], identity);
    });

    it("is destroyed, and the hosts are as they were before it, adopted links too", async () => {
      await on.project.destroy();
      for (const host of hosts) {
        assert.equal(await snapshot(on.lab, host), untouched.get(host));
        assert.equal(await bootFiles(host), "");
      }
    });

    it("has its links created at boot by its own files, and can be destroyed without an up first", async () => {
      await restore(on, version, "nodes");
      await on.lab.reboot("node2");
      // as ifupdown does at the end of booting, which the lab leaves out
      await on.lab.sh("node2", "for f in /etc/network/if-up.d/pulumi-macvlan-*; do IFACE=--all $f; done");
      assert.deepEqual(inShort(await on.project.steps()), { "stack-identity": "create", ...LASTING });
      await on.project.destroy();
      for (const host of ["node1", "node3"]) assert.equal(await snapshot(on.lab, host), untouched.get(host));
      assert.equal(
        await on.lab.sh("node2", "ls /run/netns /run/pulumi-macvlan/links | grep -v :$; true"),
        "\n",
      );
      assert.match(await on.lab.sh("node2", "echo $(ls /sys/class/net)"), /^eth0 eth1 lo mgmt0$/m);
      for (const host of hosts) assert.equal(await bootFiles(host), "");
    });
  });
}
