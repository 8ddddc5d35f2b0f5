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
    // in this order: a kernel without ipvlans is reported first, and ends the run
    const app = `new IpvlanInterface("app", { host: "node1", parent: "eth0" }, { dependsOn: [vm] });\n`;
    on.project.program(TAP + app);
    const mixed = await on.project.cli(["preview"]);
    assert.notEqual(mixed.code, 0);
    assert.match(
      mixed.output,
      /property parent[^]*(MacvtapInterface "vm1"|IpvlanInterface "app") of this stack has the same parent eth0/,
    );
    assert.equal(await seenLink(on.lab, "node1", "app"), undefined);
  });

  const bridged = (own: number, parent: number): string =>
    `new HairpinBridge("br7", { host: "node1", name: "br7", mtu: ${parent} });
     new MacvtapInterface("vm7", { host: "node1", parent: "br7", mtu: ${own} });\n`;

  it("a macvtap has its MAC address at preview and its device once created", async () => {
    on.project.program(TAP + bridged(1500, 1500));
    const { vm1 } = await on.project.steps();
    await on.project.up();
    const link = await linkOf(on.lab, "node1", "vm1");
    const { device, mac } = await on.project.outputs();
    assert.equal(device, `/dev/tap${link.ifindex}`);
    assert.equal(mac, link.address);
    assert.equal(vm1?.newState?.inputs["macAddress"], mac);
  });

  it("drift of a macvtap is repaired in place, and another gets a greater MTU in the same update as its parent", async () => {
    const { ifindex } = await linkOf(on.lab, "node1", "vm1");
    await on.lab.sh("node1", "ip link set dev vm1 type macvtap mode private");
    on.project.program(TAP + bridged(9000, 9000));
    assert.match((await on.project.preview()).output, /found private, wanted vepa/);
    await on.project.up();
    for (const name of ["br7", "vm7"]) assert.equal((await linkOf(on.lab, "node1", name)).mtu, 9000, name);
    await on.project.refresh();
    await on.project.expectNoChanges();
    assert.equal((await linkOf(on.lab, "node1", "vm1")).ifindex, ifindex);
  });

  it("may not get an MTU above the one that the program sets for their parent; destroy leaves nothing", async () => {
    on.project.program(TAP + bridged(9000, 4000));
    const { code, output } = await on.project.cli(["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /property mtu[^]*above the MTU of the parent br7, which this program sets to 4000/);
    await on.project.destroy();
    for (const name of ["vm1", "vm7", "br7"]) assert.equal(await seenLink(on.lab, "node1", name), undefined);
  });
});
