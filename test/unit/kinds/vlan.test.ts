import assert from "node:assert/strict";
import { planLink } from "../../../provider/engine/planning";
import { commandsOf, describeCommand } from "../../../provider/iproute2/commands";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import type { HostFacts } from "../../../provider/model/observation";
import type { PlanContext } from "../../../provider/kinds/kind";
import { type Claim, conflictsOf, macsOn, tooManyMacs } from "../../../provider/kinds/lan/conflicts";
import { macvlan } from "../../../provider/kinds/macvlan";
import { type VlanInputs, vlan } from "../../../provider/kinds/vlan";
import type { HostState, LinkState, Settings } from "../../../provider/model/host";
import { simulate } from "../../../provider/plan/kernel/simulate";
import { contextOn } from "../../support/contexts";
import { link, macvlan as macvlanLink, observationOf, observed } from "../../support/hosts";

const host = { address: "node1" };
const FLAGS: Settings = {
  ...{ "type.protocol": "802.1Q", "type.reorder_hdr": "on", "type.gvrp": "off", "type.mvrp": "off" },
  ...{ "type.loose_binding": "off", "type.bridge_binding": "off" },
  ...{ "type.ingress-qos-map": "", "type.egress-qos-map": "" },
};
const inputs: VlanInputs = {
  host,
  name: "eth0.10",
  parent: "eth0",
  vlanId: 10,
  protocol: "802.1Q",
  up: true,
};

/** A VLAN of the name `PARENT.ID`. */
function vlanLink(name: string, more: Settings = {}): LinkState {
  const [, parent = "", id = ""] = /^(.*)\.(\d+)$/.exec(name) ?? [];
  const mac = { "link.address": "02:77:00:00:00:02" };
  return link(name, "vlan", { parent, settings: { ...mac, ...FLAGS, "type.id": id, ...more } });
}

function viewOn(
  links: readonly LinkState[] = [],
  facts: Partial<HostFacts> = {},
  expected: readonly string[] = [],
): PlanContext {
  return contextOn(observationOf(observed(links).state, facts), {
    ...{ owner: "fleet/dev", resource: "v" },
    isExpected: (name) => expected.includes(name),
  });
}

/** The commands that bring a host with these links to the inputs. */
function commands(desired: VlanInputs, links: readonly LinkState[] = [], own = true): string[] {
  const context = viewOn(links);
  const records = links.map((l) => ({
    ...{
      name: l.name,
      netns: l.netns,
      ifIndex: l.ifIndex,
      owner: "fleet/dev",
      resource: "v",
      made: true,
      restore: [],
    },
  }));
  const state = { ...context.observation.state, records: own ? records : [] };
  const { steps } = planLink(vlan, desired, {
    ...context,
    observation: { ...context.observation, state },
  });
  return steps
    .flatMap(({ step }) => commandsOf(step, "bridge"))
    .filter((command) => command.run === "ip")
    .map(describeCommand);
}

/** What is refused, each as its property and its code. */
const refused = (desired: VlanInputs, context: PlanContext): string =>
  vlan
    .problems(desired, context)
    .map((p) => `${p.property} ${p.code}`)
    .join("; ");

describe("a VLAN", () => {
  it("is made with all that it can be made with, in one command", () => {
    const maps = { egressQosMap: [{ from: 0, to: 5 }], ingressQosMap: [{ from: 3, to: 4 }] };
    assert.deepEqual(commands({ ...inputs, ...maps, protocol: "802.1ad", mtu: 1496 }), [
      "ip link add name eth0.10 link eth0 mtu 1496 type vlan protocol 802.1ad id 10 ingress-qos-map 3:4 egress-qos-map 0:5",
      "ip link set dev eth0.10 up",
    ]);
  });

  it("removes entries of a map by name, as the kernel only adds some", () => {
    const now = vlanLink("eth0.10", { "type.egress-qos-map": "0:5 6:3", "type.ingress-qos-map": "1:1" });
    const egressQosMap = [
      { from: 6, to: 4 },
      { from: 7, to: 7 },
    ];
    assert.deepEqual(commands({ ...inputs, egressQosMap, ingressQosMap: [] }, [now]), [
      "ip link set dev eth0.10 type vlan ingress-qos-map 1:0",
      "ip link set dev eth0.10 type vlan egress-qos-map 0:0 6:4 7:7",
    ]);
    assert.deepEqual(commands({ ...inputs, egressQosMap: [] }, [vlanLink("eth0.10")]), []);
  });

  it("is replaced for another number, as the kernel ignores one on a live link", () => {
    assert.deepEqual(commands({ ...inputs, vlanId: 11 }, [vlanLink("eth0.10")]).slice(0, 2), [
      "ip link delete dev eth0.10",
      "ip link add name eth0.10 link eth0 type vlan protocol 802.1Q id 11",
    ]);
    assert.deepEqual(vlan.replaces(inputs, { ...inputs, vlanId: 11, parent: "eth1" }), ["parent", "vlanId"]);
  });

  it("has maps in one form, without defaults", () => {
    const given = (egressQosMap: unknown) =>
      checkInputs(
        vlan,
        { host: "node1", parent: "eth0", vlanId: 10, egressQosMap, __owner: "", __resource: "v" },
        undefined,
      );
    const { inputs: canonical, issues } = given([
      { from: 7, to: 1 },
      { from: 3, to: 0 },
      { from: 0, to: 2 },
    ]);
    assert.deepEqual(issues, []);
    assert.deepEqual(canonical["egressQosMap"], [
      { from: 0, to: 2 },
      { from: 7, to: 1 },
    ]);
    assert.match(given([{ from: 0, to: 8 }]).issues[0]?.property ?? "", /^egressQosMap\[0\]\.to$/);
    assert.match(
      given([
        { from: 1, to: 1 },
        { from: 1, to: 2 },
      ]).issues[0]?.property ?? "",
      /^egressQosMap\[1\]/,
    );
  });

  it("is refused if the kernel has no VLANs, or the parent has that one already", () => {
    assert.equal(refused(inputs, viewOn([], { lacks: ["8021q"] })), "host host-unsupported");
    const duplicate = vlanLink("eth0.10");
    assert.equal(refused({ ...inputs, name: "lan" }, viewOn([duplicate])), "vlanId taken-on-host");
    assert.equal(refused({ ...inputs, name: "lan", protocol: "802.1ad" }, viewOn([duplicate])), "");
    assert.equal(refused({ ...inputs, name: "lan", parent: "eth1" }, viewOn([duplicate])), "");
    assert.equal(refused({ ...inputs, parent: "eth7" }, viewOn()), "parent not-on-host");
    assert.equal(refused({ ...inputs, parent: "eth7" }, viewOn([], {}, ["eth7"])), "");
  });

  it("is refused if another resource of the stack has the same one, before either is there", () => {
    const claim = (name: string, vlanId: number): Claim => ({
      ...{
        name,
        netns: "",
        lan: name,
        resource: `VlanInterface "${name}"`,
        host: "h",
        hostLabel: "h",
        addresses: [],
      },
      exclusiveUse: { property: "vlanId", what: `VLAN ${vlanId}`, of: "eth0" },
    });
    const { issues } = conflictsOf(claim("a", 10), [claim("b", 10), claim("c", 11)]);
    assert.equal(issues.length, 1);
    assert.equal(issues[0]?.code, "program-conflict");
    assert.match(issues[0].reason, /VlanInterface "b"/);
  });

  it("says what a port of a bridge or bond means for it", () => {
    const port = link("eth5", "", { settings: { "link.master": "br0" } });
    const context = viewOn([port, link("br0", "bridge")]);
    assert.match(
      vlan.warnings?.({ ...inputs, parent: "eth5" }, context).join() ?? "",
      /port of the bridge br0/,
    );
    assert.deepEqual(vlan.warnings?.(inputs, context), []);
  });

  it("keeps macvlans off Wi-Fi, which is not to be seen from the link itself", () => {
    const context = viewOn([link("wlan0", ""), vlanLink("wlan0.10")], { wireless: ["wlan0"] });
    const child = { host, name: "mac0", parent: "wlan0.10", mode: "bridge" as const, up: true };
    assert.equal(macvlan.problems(child, context)[0]?.code, "unsuitable-link");
    assert.equal(refused({ ...inputs, parent: "wlan0", vlanId: 11, name: "wlan0.11" }, context), "");
  });
});

describe("what sits on a VLAN", () => {
  const state: HostState = observed([
    vlanLink("eth0.10"),
    vlanLink("eth0.10.5", { "link.address": "02:77:00:00:00:99" }),
    macvlanLink("mac0", { parent: "eth0.10" }),
    macvlanLink("mac1", {
      parent: "eth0.10.5",
      netns: "blue",
      settings: { "link.address": "02:00:5e:00:53:11" },
    }),
  ]).state;
  const named = (after: HostState, name: string): LinkState | undefined =>
    after.links.find((l) => l.name === name);

  it("counts for the NIC's switch port, and for the VLAN", () => {
    assert.equal(macsOn(state, "eth0").length, 4);
    assert.equal(macsOn(state, "eth0.10").length, 4);
    assert.equal(macsOn(state, "eth0.10.5").length, 2);
    const claim = (name: string, lan: string, more: Partial<Claim> = {}): Claim => ({
      ...{ name, netns: "", lan, resource: name, host: "h", hostLabel: "h", addresses: [] },
      ...more,
    });
    const limited = claim("x", "eth0", { macAddress: "02:00:00:00:00:01", maxMacs: 6 });
    const fits = claim("y", "eth0.10", { macAddress: "02:00:00:00:00:02" });
    assert.deepEqual(tooManyMacs(state, fits, [limited]), []);
    const [issue] = tooManyMacs(state, claim("z", "eth0.10", { macAddress: "02:00:00:00:00:03" }), [
      limited,
      fits,
    ]);
    assert.equal(issue?.code, "too-many-macs");
    assert.match(issue.reason, /^has a limit, maxMacs of x, which is 6, .*eth0 would carry 7/);
    // a VLAN that is to be made in the same run
    const coming = claim("eth1.7", "eth1.7", {
      exclusiveUse: { property: "vlanId", what: "VLAN 7", of: "eth1" },
    });
    const onIt = claim("w", "eth1.7", { macAddress: "02:00:00:00:00:04" });
    const most = claim("v", "eth1", { macAddress: "02:00:00:00:00:05", maxMacs: 2 });
    assert.match(tooManyMacs(state, onIt, [coming, most])[0]?.reason ?? "", /eth1 would carry 3/);
  });

  it("goes with it, and with the NIC below", () => {
    const names = ({ links }: HostState): string[] => links.map((l) => l.name);
    const on = (name: string): HostState => simulate(state, { do: "deleteLink", link: { name, netns: "" } });
    assert.deepEqual(names(on("eth0.10")), ["eth0", "eth1"]);
    assert.deepEqual(names(on("eth0")), ["eth1"]);
    assert.deepEqual(names(on("eth0.10.5")), ["eth0", "eth1", "eth0.10", "mac0"]);
  });

  it("is lowered with the NIC's MTU, goes down and up with it, and has its address", () => {
    const eth0 = { name: "eth0", netns: "" };
    const lowered = simulate(state, { do: "set", link: eth0, kind: "", key: "link.mtu", value: "1400" });
    for (const name of ["eth0.10", "eth0.10.5", "mac0", "mac1"])
      assert.equal(named(lowered, name)?.settings["link.mtu"], "1400");
    const down = simulate(state, { do: "down", link: eth0 });
    assert.deepEqual(
      ["eth0.10", "eth0.10.5", "mac0"].map((name) => named(down, name)?.up),
      [false, false, true],
    );
    const up = simulate(down, { do: "up", link: eth0 });
    assert.deepEqual(
      ["eth0.10", "eth0.10.5", "mac0"].map((name) => named(up, name)?.up),
      [true, true, true],
    );
    const moved = simulate(state, {
      do: "set",
      link: eth0,
      kind: "",
      key: "link.address",
      value: "02:00:00:00:00:07",
    });
    assert.equal(named(moved, "eth0.10")?.settings["link.address"], "02:00:00:00:00:07");
    assert.equal(named(moved, "eth0.10.5")?.settings["link.address"], "02:77:00:00:00:99");
    assert.equal(named(moved, "mac0")?.settings["link.address"], "02:00:5e:00:53:10");
  });

  it("stays up if the VLAN is not bound to the link below", () => {
    const loose = observed([vlanLink("eth0.10", { "type.loose_binding": "on" })]).state;
    const down = simulate(loose, { do: "down", link: { name: "eth0", netns: "" } });
    assert.equal(named(down, "eth0.10")?.up, true);
  });
});
