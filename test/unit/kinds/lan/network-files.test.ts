import assert from "node:assert/strict";
import { parseNetworkFiles } from "../../../../provider/host/managers";
import { type LinkToBe, networkFileFor } from "../../../../provider/kinds/lan/network-files";

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

describe("systemd-networkd's files for a link that is to be made", () => {
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
  });

  it("have drop-ins, which may say that the link is not managed", () => {
    const dropIn = { [`${WIRED}.d/no.conf`]: "[Link]\nUnmanaged=yes" };
    assert.equal(takesOver({ [WIRED]: match("Type=ether"), ...dropIn }), undefined);
  });
});
