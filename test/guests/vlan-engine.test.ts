/** VLANs by the real engine: a VLAN and what sits on it in one program, through all that happens to them. */
import assert from "node:assert/strict";
import { type Project, openProject } from "../engine/project";
import { linkOf, seenLink } from "../lab/seen";
import { type Lab, labDown, labUp } from "../lab/fleet";

const HOST = "guest1";
const LAB = `vlans-${process.pid}`;

/** The children name their parent by its output, and by its name. */
const program = (id: number, more = ""): string => `
const host = "${HOST}";
const outer = new VlanInterface("outer", { host, parent: "eth1", name: "eth1.100", protocol: "802.1ad", vlanId: 100 });
const lan = new VlanInterface("lan", { host, parent: outer.name, name: "lan", vlanId: ${id}, egressQosMap: [{ from: 0, to: 3 }]${more} });
new MacvlanInterface("web", { host, parent: lan.name, name: "web0", addresses: ["192.0.2.1/24"] });
new HostShim("shim", { host, parent: "lan", name: "shim0", routes: ["192.0.2.1/32"] });
exports.label = lan.label;
`;

describe("a VLAN of a program", function () {
  this.timeout(300_000);
  let lab: Lab;
  let project: Project;

  before(async () => {
    lab = await labUp(1, { name: LAB, guests: [{}] });
    project = await openProject(lab, "vlans");
  });
  after(async () => {
    project.remove();
    await labDown(LAB);
  });

  const vlanId = async (): Promise<unknown> => (await linkOf(lab, HOST, "lan")).linkinfo?.info_data?.["id"];

  it("is created before what sits on it, shows drift, and is deleted after it", async () => {
    project.program(program(10));
    await project.up();
    assert.equal((await project.outputs())["label"], "lan@eth1.100");
    assert.equal((await linkOf(lab, HOST, "web0")).link, "lan");
    await project.expectNoChanges();

    await lab.sh(HOST, "ip link set lan type vlan egress-qos-map 0:5 7:1 gvrp on; ip link set lan mtu 1400");
    const { lan, web } = await project.steps();
    assert.deepEqual(lan?.newState?.inputs["drift"], {
      egressQosMap: "found 0:5 7:1, wanted 0:3",
    });
    assert.equal(web, undefined);
    await project.refresh();
    assert.deepEqual((await project.state())["lan"]?.inputs["egressQosMap"], [
      { from: 0, to: 5 },
      { from: 7, to: 1 },
    ]);
    await project.up();
    assert.deepEqual((await linkOf(lab, HOST, "lan")).linkinfo?.info_data?.["egress_qos"], [
      { from: 0, to: 3 },
    ]);
    await project.expectNoChanges();
  });

  it("brings back what sits on it in the update that replaces it, and the preview says so", async () => {
    project.program(program(11));
    const steps = await project.steps();
    assert.match(steps["lan"]?.op ?? "", /replace/);
    for (const child of ["web", "shim"])
      assert.match(
        JSON.stringify(steps[child]?.newState?.inputs["drift"]),
        /because its parent lan is replaced/,
      );
    assert.equal(steps["outer"], undefined);
    await project.up();
    assert.equal(await vlanId(), 11);
    for (const child of ["web0", "shim0"]) assert.equal((await linkOf(lab, HOST, child)).link, "lan");
    assert.match(await lab.sh(HOST, "ip route show dev shim0"), /^192\.0\.2\.1 /);
    await project.expectNoChanges();
  });

  it("is brought back with all that sits on it if it was deleted by hand", async () => {
    await lab.sh(HOST, "ip link del eth1.100");
    assert.equal(await seenLink(lab, HOST, "web0"), undefined);
    assert.deepEqual(Object.keys(await project.steps()).toSorted(), ["lan", "outer", "shim", "web"]);
    await project.up();
    await project.expectNoChanges();
    await project.destroy();
    for (const name of ["eth1.100", "lan", "web0", "shim0"])
      assert.equal(await seenLink(lab, HOST, name), undefined);
    assert.equal(await lab.sh(HOST, "ls /run/pulumi-macvlan/links"), "");
  });
});
