/** Kinds of links that share a parent, in one program. */
import assert from "node:assert/strict";
import { linkOf, seenLink } from "../lab/seen";
import { useProject } from "./project";

describe("macvtaps and ipvlans", function () {
  this.timeout(240_000);
  const on = useProject("children");

  const TAP = `const vm = new MacvtapInterface("vm1", { host: "node1", parent: "eth0", mode: "vepa" });
    exports.device = vm.devicePath; exports.mac = vm.macAddress;\n`;

  it("are refused on one parent at preview, whatever else the host lacks, and nothing is touched", async () => {
    // in this order: a kernel without ipvlans is told of first, and ends the run
    const app = `new IpvlanInterface("app", { host: "node1", parent: "eth0" }, { dependsOn: [vm] });\n`;
    on.project.program(TAP + app);
    const mixed = await on.project.cli(["preview"]);
    assert.notEqual(mixed.code, 0);
    assert.match(
      mixed.output,
      /property parent[^]*(MacvtapInterface "vm1"|IpvlanInterface "app") of this stack is to be of the kind (mac|ip)vlan on eth0/,
    );
    assert.equal(await seenLink(on.lab, "node1", "app"), undefined);
  });

  it("a macvtap names its MAC address at preview and its device when it is made; drift heals; destroying leaves nothing", async () => {
    on.project.program(TAP);
    const { vm1 } = await on.project.steps();
    await on.project.up();
    const link = await linkOf(on.lab, "node1", "vm1");
    const { device, mac } = await on.project.outputs();
    assert.equal(device, `/dev/tap${link.ifindex}`);
    assert.equal(mac, link.address);
    assert.equal(vm1?.newState?.inputs["macAddress"], mac);
    await on.project.expectNoChanges();
    await on.lab.sh("node1", "ip link set dev vm1 type macvtap mode private");
    assert.match((await on.project.preview()).output, /found private, wanted vepa/);
    await on.project.up();
    await on.project.refresh();
    await on.project.expectNoChanges();
    assert.equal((await linkOf(on.lab, "node1", "vm1")).ifindex, link.ifindex);
    await on.project.destroy();
    assert.equal(await seenLink(on.lab, "node1", "vm1"), undefined);
  });
});
