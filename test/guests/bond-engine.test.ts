/** A bond by the real engine, with what sits on it in the same program. */
import assert from "node:assert/strict";
import { type Project, openProject } from "../engine/project";
import { addressesOf, linkOf, seenLink } from "../lab/seen";
import { type Lab, labDown, labUp } from "../lab/fleet";

const HOST = "guest1";
const LAB = `bonds-${process.pid}`;
const ADDRESS = "192.0.2.1/24";

const PROGRAM = `
const host = "${HOST}";
const uplink = new Bond("uplink", {
  host, name: "bond0", mode: "active-backup", ports: ["eth1"], takeOverAddresses: true, primaryReselect: "better",
});
new MacvlanInterface("web", { host, parent: uplink.name, name: "web0", addresses: ["192.0.2.2/24"] });
exports.ports = uplink.ports;
`;

describe("a bond of a program", function () {
  this.timeout(300_000);
  let lab: Lab;
  let project: Project;

  before(async () => {
    lab = await labUp(1, { name: LAB, guests: [{}] });
    project = await openProject(lab, "bonds");
  });
  after(async () => {
    project.remove();
    await labDown(LAB);
  });

  it("takes over its port's address, shows drift, follows a refresh, and gives the address back", async () => {
    await lab.sh(HOST, "systemctl stop systemd-networkd.socket systemd-networkd");
    await lab.sh(HOST, `ip address add ${ADDRESS} dev eth1`);
    project.program(PROGRAM);
    await project.up();
    assert.deepEqual(addressesOf(await linkOf(lab, HOST, "bond0")), [ADDRESS]);
    assert.equal((await linkOf(lab, HOST, "web0")).link, "bond0");
    assert.deepEqual((await project.outputs())["ports"], [
      { name: "eth1", state: "active", miiStatus: "up" },
    ]);
    await project.expectNoChanges();

    await lab.sh(HOST, "ip link set bond0 type bond primary_reselect failure");
    assert.deepEqual((await project.steps())["uplink"]?.newState?.inputs["drift"], {
      primaryReselect: "found failure, wanted better",
    });
    await project.refresh();
    assert.equal((await project.state())["uplink"]?.inputs["primaryReselect"], "failure");
    await project.up();
    await project.expectNoChanges();

    await project.destroy();
    assert.deepEqual(addressesOf(await linkOf(lab, HOST, "eth1")), [ADDRESS]);
    for (const name of ["bond0", "web0"]) assert.equal(await seenLink(lab, HOST, name), undefined);
  });
});
