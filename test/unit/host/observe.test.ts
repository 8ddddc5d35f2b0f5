import fc from "fast-check";
import assert from "node:assert/strict";
import { observeScript, parseObservation } from "../../../provider/host/observe";
import { findLink } from "../../../provider/model/host";
import type { Observation } from "../../../provider/model/observation";

const MARKER = "@marker";

/** What a host prints, section by section. */
function observe(sections: Readonly<Record<string, string>>): Observation {
  const all = { ip: "ip utility, iproute2-6.1.0", links: "[]", ...sections, end: "" };
  const text = Object.entries(all).map(([name, body]) => `${MARKER} ${name}\n${body}\n`);
  return parseObservation(text.join(""), MARKER);
}

const link = (fields: object): string =>
  JSON.stringify([{ ifindex: 7, ifname: "mac0", flags: ["UP"], ...fields }]);

describe("what a host prints", () => {
  it("is refused if it is truncated", () => {
    assert.throws(() => parseObservation(`${MARKER} links\n[]\n`, MARKER), /is incomplete/);
  });

  it("gives a macvlan's settings, with its source list in one order and its flags in one word", () => {
    const data = {
      mode: "source",
      nodst: true,
      macaddr_count: 2,
      macaddr_data: ["02:00:00:00:00:02", "02:00:00:00:00:01"],
    };
    const { state } = observe({
      links: link({ link: "eth0", linkinfo: { info_kind: "macvlan", info_data: data } }),
    });
    const found = findLink(state, { name: "mac0", netns: "" });
    assert.equal(found?.parent, "eth0");
    assert.equal(found.settings["type.macaddr"], "02:00:00:00:00:01 02:00:00:00:00:02");
    assert.equal(found.settings["type.flags"], "nodst");
    assert.equal(found.settings["type.mode"], "source");
  });

  it("gives an ipvlan's mode and flag, and bridge if there is no flag", () => {
    const settings = (data: object): unknown => {
      const links = link({ link: "eth0", linkinfo: { info_kind: "ipvlan", info_data: data } });
      const found = findLink(observe({ links }).state, { name: "mac0", netns: "" });
      return Object.entries(found?.settings ?? {}).filter(([key]) => key.startsWith("type."));
    };
    const told = (mode: string, flag: string): unknown => [
      ["type.flag", flag],
      ["type.mode", mode],
    ];
    assert.deepEqual(settings({ mode: "l2", bridge: true }), told("l2", "bridge"));
    assert.deepEqual(settings({ mode: "l3s", private: true }), told("l3s", "private"));
    assert.deepEqual(settings({ mode: "l3", vepa: true }), told("l3", "vepa"));
    assert.deepEqual(settings({ mode: "l3" }), told("l3", "bridge"));
  });

  it("names the parent of a link in another namespace by its index in the host's own", () => {
    const { state } = observe({
      links: JSON.stringify([{ ifindex: 2, ifname: "eth0" }]),
      "netns blue": "4026531840 /run/netns/blue",
      "links blue": link({ link_index: 2, link_netnsid: 0, linkinfo: { info_kind: "macvlan" } }),
    });
    assert.equal(findLink(state, { name: "mac0", netns: "blue" })?.parent, "eth0");
  });

  it("names it even if an old kernel does not say in which namespace that index is, but by no other name", () => {
    const parentBy = (name: string): string | undefined => {
      const { state } = observe({
        links: JSON.stringify([{ ifindex: 2, ifname: "eth0" }]),
        "netns blue": "4026531840 /run/netns/blue",
        "links blue": link({ link: name, linkinfo: { info_kind: "macvtap" } }),
      });
      return findLink(state, { name: "mac0", netns: "blue" })?.parent;
    };
    assert.deepEqual(["if2", "if3", "eth7"].map(parentBy), ["eth0", "", ""]);
  });

  it("names it there even if that index is the macvtap's own, or a sibling's whose name it then has (Linux 5.10.46)", () => {
    const macvtap = (ifindex: number, ifname: string, below?: string): object => ({
      ...{ ifindex, ifname, linkinfo: { info_kind: "macvtap", info_data: { mode: "bridge" } } },
      ...(below === undefined ? {} : { link: below }),
    });
    const nic = (ifindex: number, ifname: string): object => ({ ifindex, ifname });
    const { state } = observe({
      links: JSON.stringify([
        nic(2, "eth0"),
        nic(3, "eth1"),
        nic(4, "mgmt0"),
        nic(9, "late0"),
        nic(6, "odd0"),
      ]),
      "netns blue": "4026531840 /run/netns/blue",
      // on eth0, eth1, eth0 again, and on late0; tap4 is on d0, which is the namespace's own
      "links blue": JSON.stringify([
        ...[macvtap(2, "cell"), macvtap(3, "tap1"), macvtap(4, "tap2", "cell"), macvtap(5, "tap3", "if9")],
        ...[{ ifindex: 6, ifname: "d0", linkinfo: { info_kind: "dummy" } }, macvtap(7, "tap4", "d0")],
      ]),
    });
    const parents = state.links
      .filter(({ kind }) => kind === "macvtap")
      .map(({ name, parent }) => [name, parent]);
    assert.deepEqual(Object.fromEntries(parents), {
      ...{ cell: "eth0", tap1: "eth1", tap2: "eth0", tap3: "late0", tap4: "" },
    });
  });

  it("counts static addresses of global scope as the link's own, and no others", () => {
    const inet = (local: string, more: object = {}): object => ({
      local,
      prefixlen: 24,
      scope: "global",
      ...more,
    });
    const addr_info = [
      inet("192.0.2.1", { family: "inet", broadcast: "192.0.2.255" }),
      inet("192.0.2.9", { family: "inet", dynamic: true }),
      inet("2001:db8::1", { family: "inet6", dadfailed: true }),
      inet("fe80::1", { family: "inet6", scope: "link" }),
    ];
    const found = findLink(observe({ links: link({ addr_info }) }).state, { name: "mac0", netns: "" });
    assert.deepEqual(found?.addresses, [
      { cidr: "192.0.2.1/24", broadcast: "192.0.2.255" },
      { cidr: "2001:db8::1/24", dadFailed: true },
    ]);
    assert.equal(found.details["dynamic"], "192.0.2.9");
  });

  it("counts static routes as the link's own, and leaves out default metrics", () => {
    const { state } = observe({
      links: `${link({})}\n${JSON.stringify([
        { dst: "default", gateway: "192.0.2.254", dev: "mac0", protocol: "static" },
        { dst: "192.0.2.0/24", dev: "mac0", protocol: "kernel" },
        { dst: "198.51.100.1", dev: "mac0", prefsrc: "192.0.2.1", metric: 5 },
      ])}`,
      routes6: JSON.stringify([{ dst: "2001:db8::/64", dev: "mac0", protocol: "static", metric: 1024 }]),
    });
    assert.deepEqual(findLink(state, { name: "mac0", netns: "" })?.routes, [
      { to: "0.0.0.0/0", via: "192.0.2.254", protocol: "static" },
      { to: "198.51.100.1/32", source: "192.0.2.1", metric: 5, protocol: "boot" },
      { to: "2001:db8::/64", protocol: "static" },
    ]);
  });

  it("is understood even if another owner's alias makes it invalid JSON", () => {
    const { state } = observe({ links: '[{"ifindex":7,"ifname":"mac0","ifalias":"it\\\'s \u0001 mine"}]' });
    assert.equal(findLink(state, { name: "mac0", netns: "" })?.settings["link.alias"], "it's \u0001 mine");
  });

  it("is understood whatever an alias has in it, as iproute2 before 6.1 and before 7.0 print it", () => {
    // lib/json_writer.c: quotes and backslashes are escaped, old ones escape ' too, other control characters are bare
    const print = (alias: string): string =>
      alias
        .replace(/["\\']/g, (c) => `\\${c}`)
        .replace(/[\n\t\r\f\b]/g, (c) => JSON.stringify(c).slice(1, -1));
    const alias = fc.string({
      unit: fc.constantFrom(...Array.from("\\'\"{}[],:@ \u0001\u001b\n\t\u007fau0é")),
    });
    fc.assert(
      fc.property(alias, (given) => {
        const { state } = observe({
          links: `[{"ifindex":7,"ifname":"mac0","ifalias":"${print(given)}"},{"ifindex":8,"ifname":"mac1"}]`,
        });
        assert.equal(findLink(state, { name: "mac0", netns: "" })?.settings["link.alias"], given);
        assert.ok(findLink(state, { name: "mac1", netns: "" }));
      }),
      { numRuns: 2000 },
    );
  });

  it("is refused if ip's output is truncated, naming the part", () => {
    const whole = link({ ifalias: "web" });
    for (let length = 2; length < whole.length; length += 7) {
      assert.throws(
        () => observe({ links: whole.slice(0, length) }),
        /what ip printed of the links is incomplete, or not a list/,
      );
    }
    assert.throws(
      () => observe({ links: link({}), "netns blue": "1 /run/netns/blue", "links blue": '[]\n[{"dst":' }),
      /what ip printed of the IPv4 routes of the namespace blue is incomplete, or not a list/,
    );
  });

  it("gives a bridge's id in one form, whichever version prints it", () => {
    const linkinfo = { info_kind: "bridge", info_data: { bridge_id: "8000.2:0:5e:0:53:1" } };
    const json = observe({ links: link({ linkinfo }) }).state.links[0];
    assert.equal(json?.details["bridge_id"], "8000.02:00:5e:00:53:01");
    const sysfs =
      "br0 ifindex 3\nbr0 flags 0x1003\nbr0 bridge/stp_state 1\nbr0 bridge/bridge_id 8000.02005e005301\n";
    const [old] = observe({ ip: "BusyBox v1.36.1 multi-call binary.", links: "", sysfs }).state.links;
    assert.equal(old?.details["bridge_id"], "8000.02:00:5e:00:53:01");
    assert.deepEqual([old.kind, old.up, old.settings["type.stp_state"]], ["bridge", true, "1"]);
  });

  it("shows which program sets a port's options, and whether the kernel filters VLANs", () => {
    const busybox = "BusyBox v1.36.1 multi-call binary.";
    const cases: [sections: Record<string, string>, tool: string][] = [
      [{ tools: "ip\nbridge\nbrctl" }, "bridge"],
      [{ tools: "ip\nbrctl", brctl: "bridge-utils, 1.7" }, "ip"],
      [{ tools: "ip\nbrctl", brctl: "bridge-utils, 1.5", ip: busybox }, "brctl"],
      [{ tools: "ip\nbrctl", brctl: "bridge-utils, 1.4", ip: busybox }, "sysfs"],
      [{ tools: "ip\nbrctl", brctl: busybox, ip: busybox }, "sysfs"],
    ];
    for (const [sections, tool] of cases) assert.equal(observe(sections).facts.portTool, tool);
    const filters = ["yes", "no", ""].map((text) => observe({ vlanfiltering: text }).facts.vlanFiltering);
    assert.deepEqual(filters, [true, false, undefined]);
  });

  it("binds records to the index of their link, and tolerates one that was truncated while it was written", () => {
    const record = { name: "mac0", netns: "", owner: "lab/test", resource: "web", made: true, restore: [] };
    const { state } = observe({
      links: link({}),
      records: `7 ${JSON.stringify(record)}\n8 {"name":"mac1","ne`,
    });
    assert.deepEqual(state.records, [{ ...record, ifIndex: 7 }]);
  });

  it("comes from a script that does nothing if it arrives truncated", () => {
    const script = observeScript(MARKER);
    assert.match(script, /^pm_main\(\) \{/);
    assert.match(script, /\}\npm_main <\/dev\/null\n$/);
  });
});
