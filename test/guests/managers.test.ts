/** Links that a real daemon of the host manages: what is warned of does happen, and what is advised does help. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { addressesOf, linkOf } from "../lab/seen";
import { useLab } from "../lab/stack";
import { clean } from "./clean";

const FILE = "/etc/systemd/network/50-macvlans.network";

describe("a macvlan on a guest", function () {
  this.timeout(300_000);
  const on = useLab(1, [{}, { network: "NetworkManager" }]);
  const args = (host: string): MacvlanArgs => ({
    ...{ host, parent: "eth0", name: "mac0", addresses: ["203.0.113.1/24"] },
    routes: ["198.51.100.0/24"],
  });
  const addresses = async (host: string): Promise<string[]> =>
    addressesOf(await linkOf(on.lab, host, "mac0"));
  const restart = (host: string, unit: string): Promise<string> =>
    on.lab.sh(host, `systemctl restart ${unit}; sleep 2`);

  /** Warnings of a preview about what manages the link; that a guest's NIC cannot filter is always among them. */
  async function saidOf(host: string): Promise<string> {
    await on.stack.preview("MacvlanInterface", "m", args(host));
    const said = on.stack.said();
    const others = said.filter((text) => !/eth0 is in promiscuous mode.*cannot filter/.test(text));
    assert.equal(said.length - others.length, 1);
    return others.join("\n");
  }

  it("loses its addresses if networkd restarts and a file matches it, and keeps them with the advised file", async () => {
    const host = "guest1";
    // made before the file is there: networkd takes a new link over while it is still being made, or just after
    await on.stack.up("MacvlanInterface", "m", args(host));
    await on.lab.sh(
      host,
      `printf '[Match]\\nKind=macvlan\\n\\n[Network]\\nLinkLocalAddressing=no\\n' > ${FILE}; networkctl reload; sleep 1`,
    );
    const said = await saidOf(host);
    assert.match(
      said,
      new RegExp(`mac0 is managed by systemd-networkd \\(${FILE}\\), which removes addresses`),
    );
    await restart(host, "systemd-networkd");
    assert.deepEqual(await addresses(host), []);
    const { drift } = await on.stack.preview("MacvlanInterface", "m", args(host));
    assert.match(JSON.stringify(drift), /203\.0\.113\.1/);

    // word for word as it is said
    const [, file, ...lines] =
      /a file of its own, (\S+), with "(.*?)" "(.*?)" and "(.*?)" "(.*?)"/.exec(said) ?? [];
    assert.ok(file !== undefined && lines.length === 4, said);
    await on.lab.sh(host, `printf '%s\\n' '${lines.join("' '")}' > ${file}; networkctl reload; sleep 1`);
    await on.stack.up("MacvlanInterface", "m", args(host));
    assert.equal(await saidOf(host), "");
    for (const unit of ["systemd-networkd", "systemd-networkd"]) await restart(host, unit);
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "m", args(host))).drift, {});
    assert.deepEqual(await addresses(host), ["203.0.113.1/24"]);
    await on.lab.sh(host, `rm ${FILE} ${file}; networkctl reload`);
    await clean(on, [host]);
  });

  it("is only shown by NetworkManager, which leaves it alone when it restarts", async () => {
    const host = "guest2";
    const device = (): Promise<string> =>
      on.lab.sh(host, "nmcli -t -f DEVICE,STATE device | grep '^mac0:' || true");
    await on.stack.up("MacvlanInterface", "m", args(host));
    for (const unit of ["", "NetworkManager"]) {
      if (unit !== "") await restart(host, unit);
      assert.equal(await device(), "mac0:connected (externally)\n");
      assert.equal(await saidOf(host), "");
      assert.deepEqual((await on.stack.preview("MacvlanInterface", "m", args(host))).drift, {});
      assert.deepEqual(await addresses(host), ["203.0.113.1/24"]);
    }
  });

  it("is taken over by NetworkManager if a profile matches it, and released by the advised setting", async () => {
    const host = "guest2";
    await on.stack.up("MacvlanInterface", "m", args(host));
    await on.lab.sh(
      host,
      "nmcli connection add type macvlan con-name theirs ifname mac0 macvlan.parent eth0 macvlan.mode bridge " +
        "ipv4.method manual ipv4.addresses 203.0.113.99/24 ipv6.method disabled; nmcli connection up theirs",
    );
    const said = await saidOf(host);
    assert.match(said, /mac0 is managed by NetworkManager \(theirs\), which replaces its addresses/);
    assert.deepEqual(await addresses(host), ["203.0.113.99/24"]);
    const [, advised] = /run (nmcli device set mac0 managed no)/.exec(said) ?? [];
    assert.ok(advised !== undefined, said);
    await on.lab.sh(host, `${advised}; nmcli connection delete theirs`);
    await on.stack.up("MacvlanInterface", "m", args(host));
    assert.equal(await saidOf(host), "");
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "m", args(host))).drift, {});
    await on.stack.down();
  });
});
