import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { tooNewFor } from "../../../provider/kinds/iproute2-support";
import { iproute2Version, isOlder } from "../../../provider/iproute2/version";
import type { Observation } from "../../../provider/model/observation";
import { type LinkState, findLink } from "../../../provider/model/host";
import { FIXTURES, captured } from "../../support/captured";

/** Versions of which there is a capture, the oldest first; what they print is of one and the same namespace. */
const VERSIONS = readdirSync(join(FIXTURES, "iproute2"))
  .filter((file) => file.endsWith(".txt"))
  .map((file) => file.slice(0, -".txt".length))
  .toSorted((a, b) => (isOlder(a, b) ? -1 : 1));
const READABLE = VERSIONS.filter((version) => !isOlder(version, "4.17"));

function observed(version: string): Observation {
  const sysfs = "eth1 ifindex 2\neth1 mtu 1500\neth1 flags 0x1003";
  return captured(join("iproute2", `${version}.txt`), { sysfs });
}

function seen(version: string, name: string): LinkState {
  const link = findLink(observed(version).state, { name, netns: "" });
  assert.ok(link, `${version} shows no ${name}`);
  return link;
}

describe("what versions of iproute2 print", () => {
  it("of one macvlan is read the same, from 4.17 on", () => {
    assert.deepEqual(READABLE, ["4.17.0", "4.20.0", "5.9.0", "6.1.0", "6.15.0", "7.3.0"]);
    for (const version of READABLE) {
      const { kind, parent, up, settings, addresses, routes } = seen(version, "cell");
      assert.deepEqual([kind, parent, up], ["macvlan", "eth1", true], version);
      assert.equal(settings["type.mode"], "source", version);
      assert.equal(settings["type.macaddr"], "02:00:5e:00:53:0b", version);
      assert.equal(settings["link.mtu"], "1400", version);
      assert.equal(settings["link.alias"], "a cell", version);
      assert.deepEqual(addresses, [{ cidr: "192.0.2.1/24" }, { cidr: "2001:db8::1/64" }], version);
      assert.deepEqual(
        routes.toSorted((a, b) => a.to.localeCompare(b.to)),
        [
          { to: "198.51.100.0/24", via: "192.0.2.9", metric: 7, protocol: "boot" },
          { to: "2001:db8:1::/48", protocol: "boot" },
        ],
        version,
      );
    }
  });

  it("of a bridge and its port is as well, as far as they know the option", () => {
    for (const version of READABLE) {
      assert.equal(seen(version, "br0").settings["type.ageing_time"], "3000", version);
      const { settings } = seen(version, "p1");
      assert.deepEqual(
        [settings["link.master"], settings["port.hairpin"], settings["port.learning"]],
        ["br0", "on", "off"],
        version,
      );
      assert.equal(settings["port.isolated"], isOlder(version, "4.18") ? undefined : "on", version);
    }
  });

  it("of versions that print no JSON, or text as JSON, is not read: the host counts as one without", () => {
    for (const version of ["4.9.0", "4.14.0"]) {
      const { facts, state } = observed(version);
      assert.equal(facts.iproute2, undefined, version);
      assert.match(facts.ipVersionText, /^ip utility, iproute2-ss1[67]/);
      assert.deepEqual(
        state.links.map(({ name }) => name),
        ["eth1"],
        "as sysfs tells",
      );
      assert.equal(facts.portTool, "bridge", version);
    }
  });

  it("gives their version: before 5.0 by the date", () => {
    assert.deepEqual(
      VERSIONS.map((version) => observed(version).facts.iproute2),
      [...[undefined, undefined, "4.17", "4.20", "5.9.0", "6.1.0", "6.15.0", "7.3.0"]],
    );
    assert.equal(iproute2Version("ip utility, iproute2-ss180813"), "4.18");
    assert.equal(iproute2Version("ip utility, iproute2-ss180402"), "4");
    assert.equal(iproute2Version("ip utility, iproute2-v4.19.0-12-gabcdef"), "4.19.0");
    assert.equal(iproute2Version("ip utility, iproute2-gabcdef"), "unknown");
    assert.equal(iproute2Version("BusyBox v1.36.1 () multi-call binary."), undefined);
  });

  it("decides what can be asked of the host, by the property that asks", () => {
    const asks = (
      version: string,
      key: "type.bcqueuelen" | "type.bclim" | "type.flags" | "port.isolated",
      value: string,
      kernel = "6.4.0",
    ): string[] => {
      const settings = [
        { key, value, property: key === "port.isolated" ? "ports[0].isolated" : "noPromisc" },
      ];
      const desired = { links: [{ name: "cell", netns: "", exists: true, settings }], netns: "", owner: "" };
      return tooNewFor({ ...observed(version).facts, kernel }, desired).map(
        ({ property, reason }) => `${property}: ${reason}`,
      );
    };
    assert.match(
      asks("4.17.0", "port.isolated", "on").join(),
      /^ports\[0\]\.isolated: needs iproute2 4\.18 or newer, and the host has "ip utility, iproute2-ss180608"/,
    );
    assert.match(asks("5.9.0", "type.bcqueuelen", "4000").join(), /needs iproute2 5\.11/);
    assert.match(asks("5.9.0", "type.flags", "nodst").join(), /^nodst: needs iproute2 5\.14/);
    assert.deepEqual(asks("5.9.0", "type.flags", "nopromisc"), []);
    assert.deepEqual(asks("6.1.0", "type.flags", "nodst"), []);
    assert.deepEqual(asks("4.9.0", "type.flags", "nodst"), [], "the host is refused as a whole");
    assert.match(
      asks("6.1.0", "type.bclim", "5", "6.1.0-18-amd64").join(),
      /needs iproute2 6\.4 or newer, and the host has "ip utility, iproute2-6\.1\.0.*"; and Linux 6\.4 or newer, and the host has 6\.1\.0-18-amd64; leave/,
    );
    assert.match(
      asks("6.15.0", "type.bclim", "5", "6.3.9").join(),
      /needs Linux 6\.4 or newer, and the host has 6\.3\.9;/,
    );
    assert.match(asks("6.15.0", "type.bcqueuelen", "5", "5.10.0-33-amd64").join(), /needs Linux 5\.11/);
    for (const kernel of [
      "6.4.0",
      "6.18.44",
      "5.14.0-427.el9.x86_64",
      "5.14.21-150500.55.19-default",
      "unknown",
    ])
      assert.deepEqual(asks("6.15.0", "type.bclim", "5", kernel), [], kernel);
  });
});
