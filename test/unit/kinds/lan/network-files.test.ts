import assert from "node:assert/strict";
import { parseNetworkFiles, parseProfiles } from "../../../../provider/host/managers";
import { type LinkToBe, networkFileFor, profileFor } from "../../../../provider/kinds/lan/network-files";

const MAC: LinkToBe = { name: "mac0", kind: "macvlan", macAddress: "02:00:5e:00:53:01" };

/** What a host prints of files, by path. */
function printed(files: Readonly<Record<string, string>>): string {
  const paths = Object.keys(files).filter((path) => path.endsWith(".network"));
  const lines = Object.entries(files).flatMap(([path, text]) =>
    text.split("\n").flatMap((line) => (/^(?:\[|[A-Za-z0-9]* *=)/.test(line) ? [`${path}:${line}`] : [])),
  );
  return [...paths.map((path) => `netfile ${path}`), ...lines, "nm eth0:connected:Wired"].join("\n");
}

const takesOver = (files: Readonly<Record<string, string>>, link = MAC): string | undefined =>
  networkFileFor(parseNetworkFiles(printed(files)), link)?.path;

const WIRED = "/etc/systemd/network/90-wired.network";
const match = (...lines: string[]): string => ["[Match]", ...lines, "", "[Network]", "DHCP=yes"].join("\n");

describe("systemd-networkd's files for a link that is to be created", () => {
  for (const [lines, isMatch, link] of [
    [["Type=ether"], true],
    [["Name=*"], true],
    [["Name=en* mac?"], true],
    [["Name=mac[0-4]"], true],
    [["Name=mac[!0-4]"], false],
    [["Name=!mac*"], false],
    [["Name=!en*"], true],
    [["Type=ether", "Kind=!*"], false],
    [["Kind=macvlan ipvlan"], true],
    [["Type=ether", "Name=eth*"], false],
    [["MACAddress=02:00:5E:00:53:01"], true],
    [["PermanentMACAddress=02:00:5e:00:53:01"], false],
    [["Path=pci-*"], false],
    [["Virtualization=vm", "Type=ether"], true],
    [["Type=ether"], false, { name: "br0", kind: "bridge" }],
    [["Type=bridge"], true, { name: "br0", kind: "bridge" }],
    [["Type=ether"], false, { name: "eth0.10", kind: "vlan" }],
    [["Type=ether"], true, { name: "ip0", kind: "ipvlan" }],
    [[], true],
  ] as readonly (readonly [string[], boolean, LinkToBe?])[]) {
    const { name } = link ?? MAC;
    it(`${isMatch ? "match" : "do not match"} ${name} by ${JSON.stringify(lines.join(", "))}`, () => {
      assert.equal(takesOver({ [WIRED]: match(...lines) }, link), isMatch ? WIRED : undefined);
    });
  }

  it("count in the order of their names, the first that matches alone", () => {
    const own = { "/run/systemd/network/00-mac0.network": "[Match]\nName=mac0\n\n[Link]\nUnmanaged=yes" };
    assert.equal(takesOver({ [WIRED]: match("Type=ether"), ...own }), undefined);
    const late = { "/etc/systemd/network/99-mac0.network": "[Match]\nName=mac0\n\n[Link]\nUnmanaged=yes" };
    assert.equal(takesOver({ [WIRED]: match("Type=ether"), ...late }), WIRED);
  });

  it("stand in for those of the same name in other folders, also if they are empty", () => {
    const vendor = { "/usr/lib/systemd/network/90-wired.network": match("Type=ether") };
    assert.equal(takesOver(vendor), "/usr/lib/systemd/network/90-wired.network");
    assert.equal(takesOver({ ...vendor, [WIRED]: match("Name=eth0") }), undefined);
    assert.equal(takesOver({ ...vendor, [WIRED]: "" }), undefined);
    const local = { "/usr/local/lib/systemd/network/90-wired.network": match("Name=eth0") };
    assert.equal(takesOver({ ...vendor, ...local }), undefined);
  });

  it("are matched in no time and without an error, whatever patterns a host has in them", () => {
    const began = process.cpuUsage();
    for (const pattern of [
      "*".repeat(200) + "x",
      "*a".repeat(100),
      "[z-a]",
      "[",
      "[!]",
      "[]",
      "\\",
      "(?<a",
    ]) {
      assert.equal(takesOver({ [WIRED]: match(`Name=${pattern}`) }), undefined, pattern);
    }
    assert.ok(process.cpuUsage(began).user < 1e6);
  });

  it("have drop-ins, which may say that the link is not managed", () => {
    const dropIn = { [`${WIRED}.d/no.conf`]: "[Link]\nUnmanaged=yes" };
    assert.equal(takesOver({ [WIRED]: match("Type=ether"), ...dropIn }), undefined);
  });
});

const PROFILE = "/etc/NetworkManager/system-connections/theirs.nmconnection";
const CONF = "/etc/NetworkManager/conf.d/90-mine.conf";
const profile = (type: string, name: string, ...more: string[]): string =>
  ["[connection]", "id=theirs", `type=${type}`, `interface-name=${name}`, ...more].join("\n");
const has = (files: Readonly<Record<string, string>>, link = MAC): string | undefined => {
  const lines = Object.entries(files).flatMap(([path, text]) => text.split("\n").map((l) => `${path}:${l}`));
  return profileFor(parseProfiles(lines.join("\n")), link)?.path;
};

describe("profiles of NetworkManager and stanzas of ifupdown for a link that is to be created", () => {
  for (const [title, files, isFor, link] of [
    ["of its name and type", { [PROFILE]: profile("macvlan", "mac0") }, true],
    ["for a macvtap", { [PROFILE]: profile("macvlan", "tap0") }, true, { name: "tap0", kind: "macvtap" }],
    ["for a bridge", { [PROFILE]: profile("bridge", "br0") }, true, { name: "br0", kind: "bridge" }],
    ["of another name", { [PROFILE]: profile("macvlan", "mac1") }, false],
    ["of another type", { [PROFILE]: profile("ethernet", "mac0") }, false],
    [
      "that is not activated by itself",
      { [PROFILE]: profile("macvlan", "mac0", "autoconnect=false") },
      false,
    ],
  ] as readonly (readonly [string, Record<string, string>, boolean, LinkToBe?])[]) {
    it(`${isFor ? "are" : "are not"} a profile ${title}`, () => {
      assert.equal(has(files, link), isFor ? PROFILE : undefined);
    });
  }

  for (const [list, isUnmanaged] of [
    ["interface-name:mac0", true],
    ["interface-name:mac*;interface-name:eth9", true],
    ["interface-name:=mac*", false],
    ["type:macvlan", true],
    ["mac:02:00:5E:00:53:01", true],
    ["*,except:type:macvlan", false],
    ["interface-name:eth0", false],
  ] as const) {
    it(`${isUnmanaged ? "do not" : "do"} count with unmanaged-devices=${list}`, () => {
      const files = {
        [PROFILE]: profile("macvlan", "mac0"),
        [CONF]: `[keyfile]\nunmanaged-devices=${list}`,
      };
      assert.equal(has(files), isUnmanaged ? undefined : PROFILE);
    });
  }

  it("do not count for devices of a section with managed=0; a later file replaces a list", () => {
    const files = { [PROFILE]: profile("macvlan", "mac0") };
    const section = "[device-mine]\nmatch-device=interface-name:mac*\nmanaged=0";
    assert.equal(has({ ...files, [CONF]: section }), undefined);
    const later = {
      "/etc/NetworkManager/conf.d/99.conf": "[keyfile]\nunmanaged-devices=interface-name:eth1",
    };
    const first = { [CONF]: "[keyfile]\nunmanaged-devices=interface-name:mac0" };
    assert.equal(has({ ...files, ...first, ...later }), PROFILE);
  });

  for (const [title, lines, names, except] of [
    ["a list of names", ["interface-name=mac*;eth9"], ["mac0", "eth9"], ["tap0"]],
    ["a name that is left out", ["interface-name=!mac1;mac*"], ["mac0"], ["mac1", "tap0"]],
    ["only names that are left out", ["interface-name=&!mac1"], ["mac0"], ["mac1"]],
    ["no section", [], ["mac0", "tap0"], []],
  ] as const) {
    it(`are for the names of [match]: ${title}`, () => {
      const files = { [PROFILE]: ["[connection]", "type=macvlan", "[match]", ...lines].join("\n") };
      for (const name of names) assert.equal(has(files, { name, kind: "macvlan" }), PROFILE, name);
      for (const name of except) assert.equal(has(files, { name, kind: "macvlan" }), undefined, name);
      assert.equal(has(files, { name: "mac0", kind: "vlan" }), undefined);
    });
  }

  const NETPLAN = "/etc/netplan/50-theirs.yaml";
  const yaml = (...lines: string[]): Record<string, string> => ({ [NETPLAN]: lines.join("\n") });
  for (const [title, files, isFor, link] of [
    ["its name", yaml("network:", "  ethernets:", "    mac0:"), true],
    ["its name, quoted", yaml("network:", "  ethernets:", "    'mac0':"), true],
    ["another name", yaml("network:", "  ethernets:", "    eth9:"), false],
    ["a pattern", yaml("network:", "  ethernets:", "    all:", "      match:", '        name: "ma*"'), true],
    [
      "a pattern inside a line",
      yaml("network:", "  ethernets:", "    all:", "      match: {name: 'm*'}"),
      true,
    ],
    [
      "another pattern",
      yaml("network:", "  ethernets:", "    mac0:", "      match:", "        name: e*"),
      false,
    ],
    [
      "its MAC address",
      yaml("network:", "  ethernets:", "    a:", "      match:", "        macaddress: 02:00:5E:00:53:01"),
      true,
    ],
    [
      "its driver",
      yaml("network:", "  ethernets:", "    a:", "      match:", "        driver: [virtio*, macvlan]"),
      true,
    ],
    ["any", yaml("network:", "  ethernets:", "    a:", "      match: {}"), true],
    [
      "its name as a NIC for NetworkManager",
      yaml("network:", "  renderer: NetworkManager", "  ethernets:", "    mac0:"),
      false,
    ],
    [
      "its name as a bridge for NetworkManager",
      yaml("network:", "  bridges:", "    br0:", "      renderer: NetworkManager"),
      true,
      { name: "br0", kind: "bridge" },
    ],
    [
      "its name at the end",
      yaml(
        "network:",
        "  version: 2",
        "  ethernets:",
        "    eth0:",
        "      match:",
        "        name: eth0",
        "  bonds:",
        "    bond0:",
      ),
      true,
      { name: "bond0", kind: "bond" },
    ],
  ] as readonly (readonly [string, Record<string, string>, boolean, LinkToBe?])[]) {
    it(`are ${isFor ? "" : "not "}a definition of netplan for ${title}`, () => {
      assert.equal(has(files, link), isFor ? NETPLAN : undefined);
    });
  }

  it("are no definition of netplan if networkd has a file for the link already, or leaves it alone", () => {
    const facts = {
      profiles: parseProfiles(`${NETPLAN}:network:\n${NETPLAN}:  ethernets:\n${NETPLAN}:    mac0:`).profiles,
      networkFiles: [
        { path: "/etc/systemd/network/00-mac0.network", match: [["Name", "mac0"]], isUnmanaged: true },
      ],
    } as const;
    assert.equal(profileFor(facts, MAC), undefined);
  });

  const IFCFG = "/etc/sysconfig/network-scripts/ifcfg-theirs";
  for (const [title, lines, isFor] of [
    ["its name", ["DEVICE=mac0", "ONBOOT=yes"], true],
    ["its name, quoted", ['DEVICE="mac0"'], true],
    ["its MAC address", ["HWADDR=02:00:5E:00:53:01"], true],
    ["its name, not at boot", ["DEVICE=mac0", "ONBOOT=no"], false],
    ["another name", ["DEVICE=eth9"], false],
  ] as const) {
    it(`are ${isFor ? "" : "not "}an ifcfg file for ${title}`, () => {
      assert.equal(has({ [IFCFG]: lines.join("\n") }), isFor ? IFCFG : undefined);
    });
  }

  it("are dhcpcd's and connman's settings, if these run and do not leave the link out", () => {
    const by = (...lines: string[]): string | undefined =>
      profileFor(parseProfiles(lines.join("\n")), MAC)?.by;
    const conf = "/etc/dhcpcd.conf";
    assert.equal(by("dhcpcd"), "dhcpcd");
    assert.equal(by("dhcpcd", `${conf}:denyinterfaces veth* mac*`), undefined);
    assert.equal(by("dhcpcd", `${conf}:denyinterfaces veth*`, `${conf}:allowinterfaces eth0 mac0`), "dhcpcd");
    assert.equal(by("dhcpcd", `${conf}:allowinterfaces eth0`), undefined);
    assert.equal(by(`${conf}:denyinterfaces veth*`), undefined);
    const main = "/etc/connman/main.conf";
    assert.equal(by("connman"), "connman");
    assert.equal(by("connman", `${main}:NetworkInterfaceBlacklist = veth,mac`), undefined);
  });

  it("are stanzas of ifupdown by a pattern, and by the name of the stanza", () => {
    const main = "/etc/network/interfaces";
    assert.equal(has({ [main]: "auto /mac*\niface mac0 inet dhcp" }), main);
    assert.equal(has({ [main]: "auto mac0=lan\niface lan inet dhcp" }), main);
    assert.equal(has({ [main]: "allow-hotplug mac*\niface mac* inet dhcp" }), main);
    assert.equal(has({ [main]: "auto eth*\niface eth0 inet dhcp" }), undefined);
  });

  it("are stanzas that are brought up by themselves, in whatever file they are", () => {
    const main = "/etc/network/interfaces";
    const more = "/etc/network/interfaces.d/lan";
    assert.equal(has({ [main]: "auto lo mac0", [more]: "iface mac0 inet static" }), main);
    assert.equal(has({ [main]: "auto lo", [more]: "allow-hotplug mac0\niface mac0 inet dhcp" }), more);
    assert.equal(has({ [main]: "iface mac0 inet manual" }), undefined);
    assert.equal(has({ [main]: "auto mac0" }), undefined);
  });
});
