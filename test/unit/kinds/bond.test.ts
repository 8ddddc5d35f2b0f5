/** What is refused for a bond: by its inputs alone, or by the state of its host. */
import assert from "node:assert/strict";
import { kernelOf } from "../../../provider/kinds";
import { type BondInputs, bond } from "../../../provider/kinds/bond";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import type { PlanContext } from "../../../provider/kinds/kind";
import type { Issue } from "../../../provider/model/error";
import type { LinkState } from "../../../provider/model/host";
import { plan } from "../../../provider/plan/plan";
import { contextOn } from "../../support/contexts";
import { BARE, nic, observationOf } from "../../support/hosts";

const INPUTS: BondInputs = {
  ...{ host: { address: "node1" }, name: "bond0", up: true, mode: "active-backup" },
  ports: [{ name: "eth0" }, { name: "eth1" }],
};

interface Odd {
  readonly wireless?: readonly string[];
  readonly lacks?: readonly string[];
}

function viewOn(links: readonly LinkState[], { wireless = [], lacks = [] }: Odd = {}): PlanContext {
  return contextOn(observationOf({ ...BARE, links }, { wireless, lacks, tools: ["ip"] }));
}

const [eth0 = nic("eth0", 2), eth1 = nic("eth1", 3)] = BARE.links;
const told = (issues: readonly Issue[]): string[] => issues.map((i) => `${i.property}: ${i.reason}`);

describe("a bond", () => {
  const refusals: readonly (readonly [Partial<BondInputs>, RegExp])[] = [
    [{ miimon: 100, arpInterval: 100 }, /^arpInterval: cannot be combined with miimon/],
    [{ mode: "802.3ad", arpInterval: 100 }, /^arpInterval: needs mode "balance-rr"/],
    [{ mode: "balance-alb", miimon: 0 }, /^miimon: cannot be 0/],
    [{ arpInterval: 100, arpIpTargets: [] }, /^arpIpTargets: is empty/],
    [{ arpValidate: "all", miimon: 100 }, /^arpValidate: needs arpInterval/],
    [{ updelay: 200, miimon: 0 }, /^updelay: needs miimon/],
    [{ downdelay: 250, miimon: 100 }, /^downdelay: must be a multiple of miimon, 100/],
    [{ mode: "balance-rr", primary: "eth0" }, /^primary: needs mode "active-backup"/],
    [{ primary: "eth7" }, /^primary: is not one of the ports/],
    [{ lacpRate: "fast" }, /^lacpRate: needs mode "802.3ad"/],
    [{ failOverMac: "active", macAddress: "02:00:00:00:00:01" }, /^macAddress: /],
    [{ ports: [{ name: "bond0" }] }, /^ports\[0\]\.name: is the bond itself/],
  ];
  for (const [inputs, says] of refusals) {
    it(`refuses ${JSON.stringify(inputs)}`, () => {
      const [first = ""] = told(bond.rules({ ...INPUTS, ...inputs }));
      assert.match(first, says);
    });
  }

  describe("of ports with one MAC address", () => {
    const MAC = "02:00:5e:00:53:01";
    const twin = (name: string, index: number, mac = MAC): LinkState => {
      const link = nic(name, index);
      return { ...link, settings: { ...link.settings, "link.address": mac } };
    };
    const links = [twin("eth0", 2), twin("eth1", 3), twin("eth2", 4), twin("eth3", 5, "02:00:5e:00:53:04")];
    const ports = (...names: string[]): Partial<BondInputs> => ({ ports: names.map((name) => ({ name })) });
    for (const mode of ["balance-tlb", "balance-alb"] as const) {
      it(`is refused in mode ${mode}, unless there is a spare address`, () => {
        const problems = (inputs: Partial<BondInputs>): string[] =>
          told(bond.problems({ ...INPUTS, mode, ...inputs }, viewOn(links)));
        const [first = "", ...others] = problems(ports("eth0", "eth1"));
        assert.match(first, /^ports\[1\]\.name: eth1 has the MAC address of eth0, .*macAddress of its own/);
        assert.deepEqual(others, []);
        const macAddress = "02:00:5e:00:53:09";
        assert.deepEqual(problems({ ...ports("eth0", "eth1"), macAddress }), []);
        assert.match(
          problems({ ...ports("eth0", "eth1", "eth2"), macAddress })[0] ?? "",
          /^ports\[2\]\.name: /,
        );
        assert.match(problems({ ...ports("eth0", "eth1"), macAddress: MAC })[0] ?? "", /^ports\[1\]\.name: /);
        assert.deepEqual(problems(ports("eth0", "eth3")), []);
      });
    }

    it("is taken by the other modes", () => {
      for (const mode of ["active-backup", "balance-rr", "802.3ad"] as const)
        assert.deepEqual(
          told(bond.problems({ ...INPUTS, mode, ...ports("eth0", "eth1") }, viewOn(links))),
          [],
        );
    });
  });

  it("does not refuse options because of others that are not known yet", () => {
    const { name, ports } = INPUTS;
    assert.deepEqual(bond.rules({ name, ...(ports ? { ports } : {}), primary: "eth1", updelay: 200 }), []);
  });

  it("requires a mode, and IPv4 addresses as ARP targets", () => {
    const { issues } = checkInputs(
      bond,
      { host: "node1", name: "bond0", arpIpTargets: ["2001:db8::1"] },
      undefined,
    );
    assert.deepEqual(
      issues.map((i) => i.property),
      ["arpIpTargets[0]", "mode"],
    );
  });

  const problems: readonly (readonly [string, readonly LinkState[], Odd, refused: string])[] = [
    ["a port that is not there", [eth0], {}, "ports[1].name not-on-host"],
    [
      "another master's port",
      [eth0, { ...eth1, settings: { ...eth1.settings, "link.master": "br0" } }],
      {},
      "ports[1].name taken-on-host",
    ],
    [
      "a port with a macvlan",
      [eth0, eth1, { ...nic("mac0", 4), kind: "macvlan", parent: "eth1" }],
      {},
      "ports[1].name unsuitable-link",
    ],
    [
      "a port with a VLAN",
      [eth0, eth1, { ...nic("eth1.10", 4), kind: "vlan", parent: "eth1" }],
      {},
      "ports[1].name unsuitable-link",
    ],
    [
      "an address that would stop answering",
      [eth0, { ...eth1, addresses: [{ cidr: "192.0.2.1/24" }] }],
      {},
      "ports[1].name port-has-addresses",
    ],
    [
      "an address by DHCP",
      [eth0, { ...eth1, details: { dynamic: "192.0.2.1" } }],
      {},
      "ports[1].name port-has-addresses",
    ],
    ["a wireless port", [eth0, eth1], { wireless: ["eth1"] }, "ports[1].name unsuitable-link"],
    ["a kernel without bonding", [eth0, eth1], { lacks: ["bonding"] }, "host host-unsupported"],
  ];
  for (const [what, links, odd, refused] of problems) {
    it(`reports ${what} at preview`, () => {
      const found = bond.problems(INPUTS, viewOn(links, odd));
      assert.deepEqual(
        found.map(({ property, code }) => `${property} ${code}`),
        [refused],
      );
    });
  }

  it("accepts a wireless port if the bond has its port's MAC address", () => {
    const context = viewOn([eth0, eth1], { wireless: ["eth1"] });
    assert.deepEqual(bond.problems({ ...INPUTS, failOverMac: "active" }, context), []);
  });

  it("gets its first port's MAC address and monitors the carrier by default", () => {
    const { steps } = plan(BARE, bond.desired(INPUTS, viewOn(BARE.links)), kernelOf("6.2.0"));
    const made = steps.find(({ step }) => step.do === "addLink")?.step;
    assert.deepEqual(made?.do === "addLink" && made.settings, {
      "link.address": eth0.settings["link.address"],
      "type.miimon": "100",
      "type.mode": "active-backup",
    });
    // a port is closed before the bond takes it in
    const onPort = steps.flatMap(({ step }) =>
      "link" in step && step.link.name === "eth0" ? [step.do] : [],
    );
    assert.deepEqual(onPort.slice(0, 2), ["down", "set"]);
  });
});
