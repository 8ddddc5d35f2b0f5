import assert from "node:assert/strict";
import type { ShimArgs } from "../../provider/kinds/args";
import { examineHost } from "../../provider/cli/doctor/probe";
import { judgeHost } from "../../provider/cli/doctor/judge";
import { clientOf } from "../../provider/cli/ssh-client";
import { readSettings } from "../../provider/ssh/settings";
import { useLab } from "./stack";

describe("links and routes that cannot be read", function () {
  this.timeout(60_000);
  const on = useLab(1);
  const HOST = "node1";
  const SHIM: ShimArgs = { host: HOST, parent: "eth1", routes: ["192.0.2.10/32"] };

  /** Whatever `ip -j` prints of a host passes through this `sed` command. */
  const mangle = async (command: string): Promise<void> => {
    await on.lab.sh(HOST, '[ -e /run/real-ip ] || cp "$(readlink -f "$(command -v ip)")" /run/real-ip');
    await on.lab.replace(HOST, "ip", {
      script: `#!/bin/sh\ncase "$*" in *-j*) /run/real-ip "$@" | sed -e '${command}';; *) exec /run/real-ip "$@";; esac\n`,
    });
  };
  const withoutMtu = (link: string): string =>
    `s/\\("ifname":"${link}","flags":\\[[^]]*\\],"mtu":\\)[0-9]*/\\1{}/`;
  const preview = (): ReturnType<typeof on.stack.preview> => on.stack.preview("HostShim", "shim0", SHIM);

  beforeEach(async () => {
    await on.stack.up("HostShim", "shim0", SHIM);
    await on.lab.sh(
      HOST,
      "ip link add odd type bridge; ip link set odd up; ip route add 203.0.113.0/24 dev odd",
    );
  });

  it("of others are left out: ours are changed, and doctor names them", async () => {
    await mangle(`${withoutMtu("odd")}; s/"dst":"203.0.113.0\\/24"/"dst":5/`);
    assert.deepEqual((await preview()).failures, []);
    const routes = ["192.0.2.11/32"];
    await on.stack.up("HostShim", "shim0", { ...SHIM, routes });
    assert.match(await on.lab.sh(HOST, "ip route show dev shim0"), /^192\.0\.2\.11 /);
    const settings = readSettings({ MACVLAN_SSH_CONFIG_PATH: on.lab.sshConfig }, () => undefined);
    const checks = judgeHost(await examineHost({ address: HOST }, clientOf(settings)));
    assert.deepEqual(
      checks
        .filter(({ check }) => check === "ip's output")
        .map(({ found }) => found.replace(/\(.*\)/, "(…)")),
      [
        "what ip printed of the link odd cannot be read (…); it is ignored",
        "what ip printed of an IPv4 route through odd cannot be read (…); it is ignored",
      ],
    );
  });

  it("are an error of the resource that has the link, on its name or its routes", async () => {
    await mangle(withoutMtu("shim0"));
    assert.match(
      (await preview()).failures.join("; "),
      /^name: what ip printed of the link shim0 cannot be read \(mtu is an object: .*\): shim0 cannot be managed \(node1\) \[host-unreadable\]$/,
    );
    await mangle('s/"dst":"192.0.2.10"/"dst":"192.0.2.10","metric":"x"/');
    assert.match(
      (await preview()).failures.join("; "),
      /^routes: .*an IPv4 route through shim0 cannot be read \(metric is x: .* \[host-unreadable\]$/,
    );
  });

  it("in a truncated list make the host fail, and nothing on it is treated as gone", async () => {
    await mangle('s/,"addr_info".*$//');
    // an update continues to its own failure; the plan is made without knowledge of the host
    const { drift, failures } = await preview();
    assert.deepEqual([drift, failures], [{ host: "found none that answers" }, []]);
    await assert.rejects(
      on.stack.up("HostShim", "shim0", SHIM),
      /cannot read .*what ip printed of the links is incomplete, or not a list/,
    );
    assert.match(await on.lab.sh(HOST, "/run/real-ip route show dev shim0"), /^192\.0\.2\.10 /);
  });
});
