/** What a program ignores, and what it does not state of a link that it adopts: neither compared nor changed. */
import assert from "node:assert/strict";
import { addressesOf, linkOf } from "../lab/seen";
import { useProject } from "./project";

const HOST = "node1";
const MAC = "02:00:5e:00:53:41";

describe("what is left alone", function () {
  this.timeout(240_000);
  const on = useProject("left-alone");
  const sysctl = async (name: string): Promise<string> =>
    (await on.lab.sh(HOST, `cat /proc/sys/net/ipv4/conf/shim0/${name}`)).trim();

  it("is what an adopted link has and the program does not state: address, state, mode and sysctls", async () => {
    await on.lab.sh(
      HOST,
      `ip link add shim0 link eth0 address ${MAC} mtu 1400 type macvlan mode vepa
      ip link add tap0 link eth0 address 02:00:5e:00:53:42 type macvtap mode private
      ip link set tap0 up`,
    );
    on.project.program(`
      new HostShim("shim", { host: "${HOST}", parent: "eth0", name: "shim0", mtu: 1450, adopt: true });
      new MacvtapInterface("tap", { host: "${HOST}", parent: "eth0", name: "tap0", adopt: true });`);
    const { output } = await on.project.preview();
    assert.match(output, /shim0 on \S+ is adopted: mtu: found 1400, wanted 1450\./);
    assert.match(output, /tap0 on \S+ is adopted: nothing changes\./);
    await on.project.up();
    const shim = await linkOf(on.lab, HOST, "shim0");
    assert.equal(shim.address, MAC);
    assert.equal(shim.linkinfo?.info_data?.["mode"], "vepa");
    assert.equal(shim.flags.includes("UP"), false);
    assert.equal(shim.mtu, 1450);
    assert.deepEqual([await sysctl("arp_filter"), await sysctl("arp_notify")], ["0", "0"]);
    const tap = await linkOf(on.lab, HOST, "tap0");
    assert.deepEqual([tap.address, tap.linkinfo?.info_data?.["mode"]], ["02:00:5e:00:53:42", "private"]);
    await on.project.expectNoChanges();
    await on.project.destroy();
    assert.equal((await linkOf(on.lab, HOST, "shim0")).mtu, 1400);
    assert.equal((await linkOf(on.lab, HOST, "tap0")).address, "02:00:5e:00:53:42");
    await on.lab.reset(HOST);
  });

  it("is what ignoreChanges names, of whole properties and of list entries, also from a transformation", async () => {
    on.project.program(`
      pulumi.runtime.registerStackTransformation(({ props, opts, type }) => type.endsWith(":MacvlanInterface")
        ? { props, opts: pulumi.mergeOptions(opts, { ignoreChanges: ["addresses"] }) } : undefined);
      new HairpinBridge("lan", { host: "${HOST}", name: "br0", ports: [{ name: "eth1", cost: 5, priority: 7 }], ageingTime: 300 },
        { ignoreChanges: ["ports[0].cost", "ageingTime"] });
      new MacvlanInterface("web", { host: "${HOST}", parent: "eth0", name: "mac0", mtu: 1400, addresses: ["192.0.2.10/24"] },
        { ignoreChanges: ["mtu"] });
      new HostLinks("links", { host: "${HOST}", links: { db: { kind: "macvlan", parent: "lan" }, log: { kind: "macvlan", parent: "eth0", mtu: 1500 } } },
        { ignoreChanges: ["links.db"] });
      new MacvlanInterface("any", { host: "${HOST}", parent: "eth0" }, { ignoreChanges: ["*"] });`);
    await on.lab.sh(HOST, "ip link property add dev eth0 altname lan");
    await on.project.up();
    await on.lab.sh(
      HOST,
      `ip address add 192.0.2.100/32 dev mac0; ip link set mac0 mtu 1450
      for link in db log any; do ip link set $link mtu 1450; done
      bridge link set dev eth1 cost 9 priority 9; ip link set br0 type bridge ageing_time 20000`,
    );
    const { lan, web, links, any } = await on.project.steps();
    assert.deepEqual([web, any], [undefined, undefined], "a step for what is ignored");
    assert.deepEqual(Object.keys(links?.newState?.inputs["drift"] ?? {}), ["links.log.mtu"]);
    assert.deepEqual(Object.keys(lan?.newState?.inputs["drift"] ?? {}), ["ports[0].priority"]);
    await on.project.up();
    const mac0 = await linkOf(on.lab, HOST, "mac0");
    assert.deepEqual(addressesOf(mac0).toSorted(), ["192.0.2.10/24", "192.0.2.100/32"]);
    assert.equal(mac0.mtu, 1450);
    for (const [link, mtu] of [
      ["db", 1450],
      ["any", 1450],
      ["log", 1500],
    ] as const)
      assert.equal((await linkOf(on.lab, HOST, link)).mtu, mtu, link);
    const eth1 = (await linkOf(on.lab, HOST, "eth1")).linkinfo?.info_slave_data;
    assert.deepEqual([eth1?.["cost"], eth1?.["priority"]], [9, 7]);
    assert.equal((await linkOf(on.lab, HOST, "br0")).linkinfo?.info_data?.["ageing_time"], 20000);
    const { output } = await on.project.expectNoChanges();
    assert.doesNotMatch(
      output,
      /replaced/,
      "the name that the program has for the parent is not the kernel's",
    );
    await on.project.destroy();
  });
});
