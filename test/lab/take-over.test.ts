/** Programs that would take a new link over, by the files that a real host has: a preview says so before it is made. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { useLab } from "./stack";

const HOST = "node1";

describe("the preview of a link that another program of the host would take over", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const MAC: MacvlanArgs = { host: HOST, parent: "eth1", name: "mac0" };

  /** What is said with these files on the host, beside what is always said. */
  async function said(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      const quoted = text.replaceAll("\n", "\\n").replaceAll("'", "");
      await on.lab.sh(HOST, `mkdir -p ${path.replace(/\/[^/]*$/, "")}; printf '${quoted}\\n' > ${path}`);
    }
    const { failures } = await on.stack.preview("MacvlanInterface", "m", MAC);
    assert.deepEqual(failures, []);
    await on.lab.sh(
      HOST,
      `rm -f ${Object.keys(files).join(" ")}; rm -rf /run/systemd/netif /run/NetworkManager`,
    );
    return on.stack
      .said()
      .filter((line) => /take over|profile|configure/.test(line))
      .join("\n");
  }

  const NETWORKD = { "/run/systemd/netif/state": "" };
  const NM = { "/run/NetworkManager/no": "" };

  it("names systemd-networkd's file, in each of its folders, and those that netplan has written for it", async () => {
    for (const path of [
      "/etc/systemd/network/90-all.network",
      "/usr/local/lib/systemd/network/90-all.network",
      "/run/systemd/network/10-netplan-lan.network",
    ]) {
      const text = await said({ ...NETWORKD, [path]: "[Match]\nType=ether\n\n[Network]\nDHCP=yes" });
      assert.ok(text.includes(`because ${path} matches it`), text);
      assert.match(text, /00-mac0\.network.*Unmanaged=yes/);
    }
  });

  it("names NetworkManager's profile, also netplan's, and prints no password", async () => {
    for (const path of [
      "/etc/NetworkManager/system-connections/theirs.nmconnection",
      "/run/NetworkManager/system-connections/netplan-mac0.nmconnection",
    ]) {
      const profile =
        "[connection]\nid=theirs\ntype=macvlan\ninterface-name=mac0\n\n[wifi-security]\npsk=hunter2";
      const text = await said({ ...NM, [path]: profile });
      assert.ok(text.includes(`NetworkManager has a profile for mac0 (${path})`), text);
      assert.match(text, /unmanaged-devices=interface-name:mac0/);
      assert.doesNotMatch(text, /hunter2/);
      const conf = "[keyfile]\nunmanaged-devices=interface-name:mac0";
      assert.equal(await said({ ...NM, [path]: profile, "/etc/NetworkManager/conf.d/mac0.conf": conf }), "");
    }
  });

  it("names ifupdown's file, also one that another file includes", async () => {
    const main = "/etc/network/interfaces";
    assert.match(
      await said({ [main]: "auto mac0\niface mac0 inet dhcp" }),
      /ifupdown configures mac0 .*interfaces\)/,
    );
    const more = "/etc/network/interfaces.d/lan";
    const files = {
      [main]: "source /etc/network/interfaces.d/*",
      [more]: "allow-hotplug mac0\niface mac0 inet dhcp",
    };
    assert.match(await said(files), /ifupdown configures mac0 .*interfaces\.d\/lan\)/);
  });

  it("names ifupdown's file that is included by an included one, by a name that is not absolute", async () => {
    const files = {
      "/etc/network/interfaces": "source-directory interfaces.d",
      "/etc/network/interfaces.d/more": "source deep/*.conf",
      "/etc/network/interfaces.d/deep/lan.conf":
        "auto /mac*\niface mac0 inet dhcp\nsource /etc/network/interfaces",
    };
    assert.match(await said(files), /ifupdown configures mac0 .*interfaces\.d\/deep\/lan\.conf\)/);
  });

  it("names netplan's file that nothing was generated from, and prints no password", async () => {
    for (const folder of ["/etc/netplan", "/run/netplan", "/usr/lib/netplan"]) {
      const path = `${folder}/60-theirs.yaml`;
      const yaml =
        'network:\n  version: 2\n  wifis:\n    wlan0:\n      access-points:\n        home:\n          password: "hunter2"\n' +
        '  ethernets:\n    all:\n      match:\n        name: "ma*"\n      dhcp4: true';
      const text = await said({ [path]: yaml });
      assert.ok(text.includes(`because ${path} matches it`), text);
      assert.match(text, /00-mac0\.network.*Unmanaged=yes/);
      assert.doesNotMatch(text, /hunter2/);
    }
  });

  it("names ifcfg files, dhcpcd and ConnMan, if these run", async () => {
    const ifcfg = "/etc/sysconfig/network-scripts/ifcfg-mac0";
    assert.match(await said({ [ifcfg]: "DEVICE=mac0\nONBOOT=yes" }), /ifcfg-mac0\).*ONBOOT=no/);
    const dhcpcd = { "/run/dhcpcd/pid": "1" };
    assert.match(await said(dhcpcd), /denyinterfaces mac0/);
    assert.equal(await said({ ...dhcpcd, "/etc/dhcpcd.conf": "denyinterfaces mac*" }), "");
    await on.lab.sh(HOST, "rm -r /run/dhcpcd");
    assert.match(await said({ "/run/connman/x": "" }), /NetworkInterfaceBlacklist/);
    await on.lab.sh(HOST, "rm -r /run/connman");
  });

  it("says nothing if no file matches the link", async () => {
    assert.equal(
      await said({ ...NETWORKD, ...NM, "/etc/network/interfaces": "auto eth1\niface eth1 inet dhcp" }),
      "",
    );
  });
});
