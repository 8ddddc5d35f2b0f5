import assert from "node:assert/strict";
import type { LinkManager, Observation } from "../../../../provider/model/observation";
import { parseManagers } from "../../../../provider/host/managers";
import type { Claim } from "../../../../provider/kinds/lan/conflicts";
import { warningsOf } from "../../../../provider/kinds/lan/warnings";
import type { LinkState, DesiredLink } from "../../../../provider/model/host";
import { BARE, nic, observationOf } from "../../../support/hosts";

const CLAIM: Claim = {
  ...{ name: "web", netns: "", resource: 'MacvlanInterface "web"', host: "node1:22", hostLabel: "node1" },
  ...{ lan: "eth0", addresses: [] },
};

function warn(
  links: readonly LinkState[],
  managers: readonly LinkManager[] = [],
  ports: string[] = [],
  hairpin = "off",
): string[] {
  const observation: Observation = {
    ...observationOf({ ...BARE, links }, { managers }),
    managementPath: { client: "192.0.2.9", links: ["eth0"], prefix: 24 },
  };
  const settings: DesiredLink["settings"] = [
    { key: "port.hairpin", value: hairpin, property: "ports[0].hairpin" },
  ];
  const desired = ports.map((name): DesiredLink => ({ name, netns: "", exists: true, settings }));
  return warningsOf(CLAIM, desired, observation).map(({ text }) => text);
}

describe("warnings", () => {
  const eth0 = nic("eth0", 2);

  it("name a NIC that is promiscuous although nothing asks for it, and no other", () => {
    const promiscuous = { ...eth0, promiscuity: 1 };
    assert.match(warn([promiscuous])[0] ?? "", /eth0 is in promiscuous mode, for no visible reason/);
    assert.deepEqual(warn([eth0]), []);
    assert.deepEqual(warn([{ ...promiscuous, details: { promisc: "on" } }]), []);
    assert.deepEqual(warn([{ ...promiscuous, kind: "veth" }]), []);
    const port = { ...promiscuous, settings: { ...eth0.settings, "link.master": "br0" } };
    assert.deepEqual(warn([port]), []);
    const passthru = {
      ...nic("web", 3),
      kind: "macvlan",
      parent: "eth0",
      settings: { "type.mode": "passthru" },
    };
    assert.deepEqual(warn([promiscuous, passthru]), []);
    const quiet = { ...passthru, settings: { ...passthru.settings, "type.flags": "nopromisc" } };
    assert.equal(warn([promiscuous, quiet]).length, 1);
  });

  it("name a hairpin port that leads to the network by which the host is reached", () => {
    assert.match(warn([eth0], [], ["eth0"], "on")[0] ?? "", /eth0 leads to the network.*set hairpin: false/);
    assert.deepEqual(warn([eth0], [], ["eth0"]), []);
    assert.deepEqual(warn([eth0], [], ["eth1"], "on"), []);
  });

  it("name what else manages the link or a port, with the remedy", () => {
    const networkd = {
      link: "web",
      by: "systemd-networkd",
      file: "/etc/systemd/network/all.network",
    } as const;
    assert.match(
      warn([eth0], [networkd])[0] ?? "",
      /web is managed by systemd-networkd \(.*all\.network\).*Unmanaged=yes/,
    );
    const nm = { link: "eth1", by: "NetworkManager", file: "Wired connection 1" } as const;
    assert.match(
      warn([eth0], [nm], ["eth1"])[0] ?? "",
      /eth1 is managed by NetworkManager.*nmcli device set eth1 managed no/,
    );
    // the parent of a macvlan may be anybody's: its children are left alone
    assert.deepEqual(warn([eth0], [{ ...nm, link: "eth0" }]), []);
  });

  it("come from what networkd and NetworkManager say of their links", () => {
    const text = `networkd 2
ADMIN_STATE=configured
NETWORK_FILE=/run/systemd/network/10-eth0.network
networkd 3
ADMIN_STATE=unmanaged
networkd 4
ADMIN_STATE=unmanaged
NETWORK_FILE=/etc/systemd/network/none.network
networkd 99
ADMIN_STATE=configured
NETWORK_FILE=/etc/systemd/network/gone.network
nm eth1:connected:Wired connection 1
nm mac0:connected (externally):mac0
nm eth2:unmanaged:
nm a\\:b:connecting (getting IP configuration):x
`;
    const names = new Map([
      [2, "eth0"],
      [3, "eth3"],
      [4, "eth4"],
    ]);
    assert.deepEqual(
      parseManagers(text, (index) => names.get(index)),
      [
        { link: "eth0", by: "systemd-networkd", file: "/run/systemd/network/10-eth0.network" },
        { link: "eth1", by: "NetworkManager", file: "Wired connection 1" },
        { link: "a:b", by: "NetworkManager", file: "x" },
      ],
    );
  });
});
