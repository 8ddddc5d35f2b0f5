/** `persist` through the real CLI: switched on and off, its drift in a plain preview, and a host that reboots. */
import assert from "node:assert/strict";
import { useProject } from "./project";

const HOST = "node2";

const program = (persist: string): string => `
new MacvlanInterface("web", { host: "${HOST}", parent: "eth0", name: "mac0", addresses: ["192.0.2.10/24"], ${persist} });
`;

describe("persistence", function () {
  // each test is several calls of the CLI
  this.timeout(240_000);
  const on = useProject("persist", async ({ lab }) => {
    await lab.sh(HOST, "mkdir -p /etc/network/if-up.d; : > /etc/network/interfaces");
  });

  const files = (): Promise<string> =>
    on.lab.sh(HOST, "find /etc -name '*pulumi-macvlan*' -o -name mac0.sh | sort");
  const WRITTEN =
    "/etc/network/if-up.d/pulumi-macvlan-mac0\n/etc/pulumi-macvlan\n/etc/pulumi-macvlan/mac0.sh\n";
  const upTo = async (persist: string): Promise<void> => {
    on.project.program(program(persist));
    await on.project.up();
  };

  it("is refused at preview if nothing on the host would run the files, naming what is missing", async () => {
    await on.lab.sh(HOST, "mv /etc/network/interfaces /etc/network/away");
    on.project.program(program("persist: true"));
    const { code, output } = await on.project.cli(["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /persist[^]*neither systemd \(\/run\/systemd\/system\) nor OpenRC[^]*ifupdown/);
    await on.lab.sh(HOST, "mv /etc/network/away /etc/network/interfaces");
  });

  it("is switched on, off and on again without touching the link", async () => {
    await upTo("persist: true");
    assert.equal(await files(), WRITTEN);
    const [link] = await on.lab.ipJson<{ ifindex: number }[]>(HOST, ["link", "show", "mac0"]);
    for (const [persist, expected] of [
      ["persist: false", ""],
      ["persist: true", WRITTEN],
    ] as const) {
      await upTo(persist);
      assert.equal(await files(), expected);
    }
    await on.project.expectNoChanges();
    assert.deepEqual(
      (await on.lab.ipJson<{ ifindex: number }[]>(HOST, ["link", "show", "mac0"]))[0]?.ifindex,
      link?.ifindex,
    );
  });

  it("drifts if its files change, as a plain preview shows, and is repaired by the next up", async () => {
    await on.lab.sh(HOST, "echo exit >> /etc/pulumi-macvlan/mac0.sh");
    const steps = await on.project.steps();
    assert.deepEqual(steps["web"]?.newState?.inputs["drift"], {
      persist: "found changed /etc/pulumi-macvlan/mac0.sh, wanted true",
    });
    await on.project.up();
    await on.lab.sh(HOST, "rm -r /etc/pulumi-macvlan");
    await on.project.refresh();
    assert.equal((await on.project.state())["web"]?.outputs["persist"], false);
    await on.project.up();
    await on.project.expectNoChanges();
    assert.equal(await files(), WRITTEN);
  });

  it("leaves nothing to do after a reboot, and nothing behind after destroy", async () => {
    await on.lab.reboot(HOST);
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.equal(await files(), "");
    await on.lab.reboot(HOST);
    assert.equal(await on.lab.sh(HOST, "ls /sys/class/net | grep mac0 || true"), "");
  });
});
