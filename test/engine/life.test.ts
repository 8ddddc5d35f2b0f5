/** The life of a stack on three hosts, one of them with sudo: created, refreshed, left unchanged, and destroyed. */
import assert from "node:assert/strict";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Lab } from "../lab/fleet";
import { openProject, stateText, useProject } from "./project";

const HOSTS = ["node1", "node2", "node3"];

/** Milliseconds until a new IPv6 address is surely usable: duplicate address detection takes up to 2 s (RFC 4862). */
const IPV6_READY = 6000;

/** The child of a host's namespace `web` on the lab's LAN. */
const webOf = (lab: Lab, index: number): { v4: string; v6: string } => ({
  v4: lab.host("node1").lan.replace(/\d+\.\d+$/, `200.${index}`),
  v6: lab.host("node1").lan6.replace(/[0-9a-f]*$/, `20${index}`),
});

const fleetOf = (lab: Lab): string => `
const hosts = ${JSON.stringify(lab.hosts.map(({ name, index, lan }) => ({ name, lan, ...webOf(lab, index) })))};
const lan = new HairpinBridge("lan", { host: "node1", name: "br0", ports: ["eth1"], stp: false });
for (const vm of ["1", "2"]) {
  new MacvlanInterface("vm" + vm, {
    host: "node2", parent: "eth1", name: "vm" + vm, mode: "vepa", netns: "vm" + vm, addresses: ["192.0.2." + vm + "/24"],
  });
}
exports.macs = {};
for (const { name: host, lan, v4, v6 } of hosts) {
  const web = new MacvlanInterface("web-" + host, {
    host, parent: "eth0", name: "mac0", netns: "web", addresses: [v4 + "/16", v6 + "/64"],
  });
  new HostShim("shim-" + host, { host, parent: "eth0", name: "shim0", routes: [{ to: v4 + "/32", source: lan }] });
  exports.macs[host] = web.macAddress;
}
exports.web = hosts.length;
exports.label = lan.label;
`;

interface IpLink {
  ifname: string;
  address: string;
  mtu: number;
  ifindex: number;
  operstate: string;
}

describe("a stack", () => {
  const on = useProject("life", async ({ lab }) => {
    // a bridge that sends frames back is for a host with vepa children, never for a switch
    await lab.switch.cable("node1", "node2");
    fresh = Object.fromEntries(await Promise.all(HOSTS.map(async (h) => [h, await snapshot(h)] as const)));
  });
  /** `ip -d -j addr` of each host before the first `up`. */
  let fresh: Record<string, string>;

  const snapshot = async (host: string): Promise<string> => {
    const links = await on.lab.ipJson<Record<string, unknown>[]>(host, ["-d", "addr"]);
    return JSON.stringify([
      links,
      await on.lab.ipJson(host, ["route"]),
      await on.lab.ipJson(host, ["-6", "route"]),
    ]);
  };
  const counts = async (): Promise<{ connections: number; commands: number }[]> =>
    Promise.all(
      HOSTS.map(async (host) => ({
        connections: await on.lab.connections(host),
        commands: await on.lab.commands(host),
      })),
    );
  const since = async (
    earlier: { connections: number; commands: number }[],
  ): Promise<{ connections: number; commands: number }[]> =>
    (await counts()).map((now, i) => ({
      connections: now.connections - (earlier[i]?.connections ?? 0),
      commands: now.commands - (earlier[i]?.commands ?? 0),
    }));

  it("previews with MAC addresses and labels known, and touches nothing", async () => {
    on.project.program(fleetOf(on.lab));
    const steps = await on.project.steps();
    assert.equal(Object.values(steps).filter(({ op }) => op === "create").length, 11);
    assert.equal(steps["web-node2"]?.op, "create");
    const inputs = steps["web-node2"].newState?.inputs ?? {};
    assert.match(String(inputs["macAddress"]), /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
    assert.equal(inputs["label"], "mac0@eth0");
    for (const host of HOSTS) assert.equal(await snapshot(host), fresh[host]);
  });

  it("is created by one up, over one connection per host, with one read and fewer scripts than resources", async () => {
    const earlier = await counts();
    await on.project.up();
    const used = await since(earlier);
    // node1 has three resources, node2 four, node3 two; usually one script for all, more if the engine is slow
    const most = [3, 4, 2].map((resources) => 1 + resources);
    for (const [index, { connections, commands }] of used.entries()) {
      assert.equal(connections, 1);
      assert.ok(commands >= 2 && commands <= (most[index] ?? 0), `${HOSTS[index]}: ${commands} commands`);
    }
    const all = used.reduce((sum, { commands }) => sum + commands, 0);
    assert.ok(all < most.reduce((sum, count) => sum + count, 0), `${all} commands`);
  });

  it("carries packets: between the children of different hosts, and between a host and its own child", async () => {
    for (const to of [webOf(on.lab, 2).v4, webOf(on.lab, 3).v4, webOf(on.lab, 3).v6]) {
      assert.ok(
        await on.lab.ping("node1", to, { netns: "web", deadline: IPV6_READY }),
        `web of node1 to ${to}`,
      );
    }
    assert.ok(await on.lab.ping("node2", webOf(on.lab, 2).v4), "node2 to its own child, through the shim");
    assert.ok(
      await on.lab.ping("node2", on.lab.host("node2").lan, { netns: "web" }),
      "the child to its own host",
    );
  });

  it("lets vepa children of one host reach each other through the hairpin bridge of another", async () => {
    assert.ok(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" }));
    const steps = await on.project.steps("--refresh");
    assert.deepEqual(Object.keys(steps), [], "traffic is no drift");
    await on.lab.sh("node1", "bridge link set dev eth1 hairpin off");
    assert.ok(!(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" })));
    await on.project.up();
    assert.ok(await on.lab.ping("node2", "192.0.2.2", { netns: "vm1" }));
  });

  it("has outputs that match the hosts", async () => {
    const state = await on.project.state();
    for (const host of HOSTS) {
      const [link] = await on.lab.ipJson<IpLink[]>(host, ["-n", "web", "link", "show", "dev", "mac0"]);
      const outputs = state[`web-${host}`]?.outputs ?? {};
      assert.deepEqual(
        [outputs["macAddress"], outputs["mtu"], outputs["ifIndex"], outputs["operState"], outputs["label"]],
        [link?.address, link?.mtu, link?.ifindex, link?.operstate, "mac0@eth0"],
      );
      const [parent] = await on.lab.ipJson<IpLink[]>(host, ["link", "show", "dev", "eth0"]);
      assert.equal(outputs["parentMacAddress"], parent?.address);
    }
    const ports = state["lan"]?.outputs["ports"] as { hairpin: boolean; state: string }[];
    assert.deepEqual([ports[0]?.hairpin, ports[0]?.state], [true, "forwarding"]);
    assert.equal(state["lan"]?.outputs["portTool"], "bridge");
    const macs = (await on.project.outputs())["macs"] as Record<string, string>;
    assert.equal(macs["node3"], state["web-node3"]?.outputs["macAddress"]);
  });

  it("is left unchanged by a second up: one connection and one read per host, no script", async () => {
    const earlier = await counts();
    const { output } = await on.project.up("--expect-no-changes");
    assert.match(output, /unchanged/);
    assert.deepEqual(await since(earlier), Array(3).fill({ connections: 1, commands: 1 }));
  });

  it("is read by refresh with one connection and one read per host, and agrees with the state", async () => {
    const earlier = await counts();
    await on.project.refresh("--expect-no-changes");
    assert.deepEqual(await since(earlier), Array(3).fill({ connections: 1, commands: 1 }));
    await on.project.preview("--refresh", "--expect-no-changes");
  });

  it("keeps less than 2 KiB per resource in the state besides its own properties, and no key", async () => {
    for (const [name, resource] of Object.entries(await on.project.state())) {
      if (!resource.type.includes("macvlan")) continue;
      const visible = (properties: Record<string, unknown>): Record<string, unknown> =>
        Object.fromEntries(Object.entries(properties).filter(([key]) => !key.startsWith("__")));
      const own = JSON.stringify([visible(resource.inputs), visible(resource.outputs)]).length;
      const beside = JSON.stringify(resource).length - own;
      assert.ok(beside < 2048, `${name}: ${beside} bytes beside its own properties`);
    }
    const key = readFileSync(on.lab.privateKey, "utf8").split("\n")[1] ?? "";
    assert.ok(key.length > 20 && !stateText(on.project).includes(key));
  });

  it("shows no change if the package is another build of the same schema", async () => {
    const built = resolve(__dirname, "../../dist/engine/provider.js");
    const text = readFileSync(built, "utf8");
    try {
      writeFileSync(built, `${text}\n// another build\n`);
      await on.project.expectNoChanges();
    } finally {
      writeFileSync(built, text);
      utimesSync(built, new Date(), new Date());
    }
  });

  it("feeds another stack through a StackReference", async () => {
    const other = await openProject(on.lab, "other");
    try {
      Object.assign(other.environment, { PULUMI_BACKEND_URL: on.project.environment["PULUMI_BACKEND_URL"] });
      assert.equal((await other.cli(["stack", "init", "two"])).code, 0);
      other.program(
        `exports.mac = new pulumi.StackReference("organization/fleet/dev").getOutput("macs").apply((m) => m.node2);`,
      );
      await other.up();
      const macs = (await on.project.outputs())["macs"] as Record<string, string>;
      assert.equal((await other.outputs())["mac"], macs["node2"]);
    } finally {
      other.remove();
    }
  });

  it("shows the commands of a run in a trace file, and no secret", async () => {
    const file = join(on.project.folder, "trace.jsonl");
    await on.lab.sh("node1", "ip link set dev shim0 alias changed-by-hand; ip link del dev br0");
    on.project.environment["MACVLAN_TRACE"] = file;
    try {
      await on.project.up();
    } finally {
      delete on.project.environment["MACVLAN_TRACE"];
    }
    const trace = readFileSync(file, "utf8");
    assert.match(trace, /link add name br0 /);
    assert.ok(!trace.includes("PRIVATE KEY"));
  });

  it("leaves every host as it was when it is destroyed", async () => {
    await on.project.destroy();
    for (const host of HOSTS) {
      const strip = (text: string | undefined): string =>
        (text ?? "").replace(
          /"(operstate|promiscuity|flags|valid_life_time|preferred_life_time)":(\[[^\]]*\]|[^,}]*)/g,
          "",
        );
      assert.equal(strip(await snapshot(host)), strip(fresh[host]));
      assert.equal(await on.lab.sh(host, "ls /run/netns"), "");
    }
    assert.equal(Object.keys(await on.project.state()).filter((name) => name !== "fleet-dev").length, 0);
  });

  it("is created and deleted in order if a parent is named by a plain string", async () => {
    on.project.program(`
      new HairpinBridge("lan", { host: "node3", name: "br0", ports: [], stp: false });
      for (let i = 0; i < 4; i++) new MacvlanInterface("mac" + i, { host: "node3", parent: "br0" });`);
    await on.project.up();
    const state = await on.project.state();
    assert.deepEqual(state["mac3"]?.dependencies, [state["lan"]?.urn]);
    await on.project.destroy();
  });
});
