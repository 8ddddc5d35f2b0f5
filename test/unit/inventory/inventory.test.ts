import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import {
  type Inventory,
  type InventoryOptions,
  type Vars,
  inventoryFromSshConfig,
  inventoryFromStack,
  readInventory,
} from "../../../provider/inventory";

const FLEET = `
vars:
  parent: eth0
  dns: [192.0.2.53]
hosts:
  node1:
  node2: ops@node2.example:2222
  node3:
    host: { address: 192.0.2.3, jump: bastion.example }
    vars: { parent: eth1, rack: 3 }
  edge[08:10].example:
    vars: { parent: bond0 }
groups:
  # inner before outer on purpose: the order of values is by who is around whom
  web:
    hosts: [node1, "edge*"]
    vars: { parent: br0, role: web }
  site:
    groups: [web]
    hosts: [node3, "!edge09.example"]
    vars: { role: any, site: north }
`;

describe("inventory", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "macvlan-inventory-"))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
    pulumi.runtime.setAllConfig({});
  });

  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const read = <V = Vars>(text: string, options?: InventoryOptions<V>): Inventory<V> =>
    readInventory(write("hosts.yaml", text), options);
  /** What is wrong with a file, without the file's folder. */
  const problems = <V = Vars>(text: string, options?: InventoryOptions<V>): string[] => {
    try {
      read(text, options);
    } catch (error) {
      assert.ok(error instanceof pulumi.RunError, String(error));
      return error.message
        .replaceAll(`${folder}/`, "")
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    }
    return assert.fail("it did not fail");
  };
  const names = (hosts: readonly { name: string }[]): string[] => hosts.map(({ name }) => name);

  it("has hosts by name, shorthand and fields, and by a range of numbers", () => {
    const inventory = read(FLEET);
    assert.deepEqual(names(inventory.hosts()), [
      ...["node1", "node2", "node3", "edge08.example", "edge09.example", "edge10.example"],
    ]);
    assert.deepEqual(inventory.host("node1").host, { address: "node1" });
    assert.deepEqual(inventory.host("node2").host, { address: "node2.example", port: 2222, user: "ops" });
    assert.deepEqual(inventory.host("node3").host, {
      address: "192.0.2.3",
      jump: { address: "bastion.example" },
    });
    assert.deepEqual(inventory.host("edge09.example").host, { address: "edge09.example" });
  });

  it("selects by groups, with patterns and groups within groups", () => {
    const inventory = read(FLEET);
    assert.deepEqual(inventory.groups, ["web", "site"]);
    assert.deepEqual(names(inventory.hosts("web")), [
      "node1",
      "edge08.example",
      "edge09.example",
      "edge10.example",
    ]);
    assert.deepEqual(names(inventory.hosts("site")).slice(0, 2), ["node1", "node3"]);
    assert.deepEqual(inventory.hosts("site", "web").length, 5);
    assert.deepEqual(inventory.host("node1").groups, ["site", "web"]);
    assert.throws(() => inventory.hosts("wbe"), /has no group wbe; it has web, site/);
    assert.throws(() => inventory.host("node4"), /has no host node4; it has node1, node2/);
  });

  it("gives values of all hosts, of outer groups, of inner ones and of the host, the last one as a whole", () => {
    const inventory = read(FLEET);
    const dns = ["192.0.2.53"];
    assert.deepEqual(inventory.host("node2").vars, { parent: "eth0", dns });
    assert.deepEqual(inventory.host("node1").vars, { parent: "br0", dns, role: "web", site: "north" });
    assert.deepEqual(inventory.host("node3").vars, {
      parent: "eth1",
      dns,
      role: "any",
      site: "north",
      rack: 3,
    });
    assert.equal(inventory.host("edge08.example").vars["parent"], "bond0");
  });

  it("understands anchors and merge keys", () => {
    const merged = read(`
hosts:
  a: &a { vars: { parent: eth1, mtu: 1400 } }
  b: *a
  c:
    <<: *a
    host: ops@c.example
`);
    assert.deepEqual(merged.host("b").vars, { parent: "eth1", mtu: 1400 });
    assert.deepEqual(merged.host("c").host, { address: "c.example", user: "ops" });
    assert.deepEqual(merged.host("c").vars, { parent: "eth1", mtu: 1400 });
  });

  it("reports all errors in its form, with line and column", () => {
    assert.deepEqual(
      problems(`vars: [1]
hosts:
  node1: ops@@
  node2:
    host: { address: node2, port: 70000 }
    var: { parent: eth0 }
  "node[9:1]":
  pair[1:2]: one.example
group: {}
groups:
  web: [node1]
`),
      [
        "hosts.yaml:1:1: vars must be values by name",
        'hosts.yaml:3:3: hosts.node1.host is not a host: write it as "user@host:port", with user and port optional and an IPv6 address in brackets',
        "hosts.yaml:5:35: hosts.node2.host.port must be a whole number from 1 to 65535, not 70000",
        "hosts.yaml:6:5: hosts.node2.var is unknown here; the keys are host, vars",
        'hosts.yaml:7:3: hosts["node[9:1]"] contains no valid range, such as [01:20], of at most 1000 hosts',
        'hosts.yaml:8:3: hosts["pair[1:2]"].host would be the same for many hosts; leave it out',
        "hosts.yaml:9:1: group is unknown here; the keys are vars, hosts, sshConfig, groups",
        "hosts.yaml:11:3: groups.web must be empty, or have only the keys hosts, groups, vars",
      ],
    );
  });

  it("resolves groups that contain each other in many ways, and deeply, in time that grows with their number", () => {
    const layers = 200;
    const layer = (i: number): string[] => (i === layers ? [] : [`l${i}a`, `l${i}b`, `l${i}c`]);
    const groups = Array.from({ length: layers }, (_, i) =>
      layer(i).map(
        (name) =>
          `  ${name}: { groups: [${layer(i + 1).join()}]${i === layers - 1 ? ", hosts: [node1]" : ""} }\n`,
      ),
    );
    const inventory = read(`hosts: { node1: , node2: }\ngroups:\n${groups.flat().join("")}`);
    assert.deepEqual(
      inventory.hosts("l0a").map(({ name }) => name),
      ["node1"],
    );
    assert.equal(inventory.host("node1").groups.length, 3 * layers);
  });

  it("accepts hosts and groups with the name of a property that every object has", () => {
    const names = ["constructor", "toString", "hasOwnProperty", "valueOf"];
    const inventory = read(
      `hosts: {${names.map((name) => `${name}: `).join(", ")}}\ngroups: {${names.map((name) => `${name}: { hosts: [${name}] }`).join(", ")}}`,
    );
    for (const name of names)
      assert.deepEqual(
        inventory.hosts(name).map((host) => host.name),
        [name],
      );
    assert.match(problems("groups: { web: { groups: [constructor] } }").join(), /is not a group/);
  });

  it("reports unknown groups and hosts, patterns that match nothing, and circles", () => {
    assert.deepEqual(
      problems(`hosts: { node1: }
groups:
  web:
    hosts: [node1, node2, "edge*"]
    groups: [db]
`),
      [
        "hosts.yaml:4:20: groups.web.hosts[1] is not a host of this inventory",
        "hosts.yaml:4:27: groups.web.hosts[2] is not a host of this inventory",
        "hosts.yaml:5:14: groups.web.groups[0] is not a group; the groups are web",
      ],
    );
    assert.deepEqual(
      problems("groups:\n  a: { groups: [b] }\n  b: { groups: [c] }\n  c: { groups: [b] }\n"),
      ["hosts.yaml:3:8: groups.b.groups forms a loop, back to b"],
    );
  });

  it("reports where YAML is invalid, and duplicate keys", () => {
    assert.match(problems("hosts:\n  a: [\n").join(), /^hosts\.yaml:3:1: /);
    assert.match(problems("hosts:\n  a:\n  a:\n").join(), /^hosts\.yaml:3:3: Map keys must be unique/);
    assert.throws(() => readInventory(join(folder, "none.yaml")), /cannot be read: ENOENT.*none\.yaml/);
  });

  it("checks and types values by any schema, and reports where one is wrong or missing", () => {
    const vars = z.object({ parent: z.string(), rack: z.number().default(0) });
    const inventory = read(FLEET, { vars });
    const racks: number[] = inventory.hosts().map((host) => host.vars.rack);
    assert.deepEqual(racks, [0, 0, 3, 0, 0, 0]);
    assert.deepEqual(
      problems(
        `hosts:
  node1:
  node2: { vars: { parent: 1 } }
groups:
  web:
    hosts: [node1]
    vars:
      rack: three
`,
        { vars },
      ),
      [
        "hosts.yaml:2:3: hosts.node1.vars.parent does not match the schema of vars: Invalid input: expected string, received undefined [node1]",
        "hosts.yaml:3:28: hosts.node2.vars.parent does not match the schema of vars: Invalid input: expected string, received number [node2]",
        "hosts.yaml:8:13: groups.web.vars.rack does not match the schema of vars: Invalid input: expected number, received string [node1]",
      ],
    );
  });

  it("takes hosts of the OpenSSH client configuration by patterns, included files and inner blocks too", () => {
    write("more", "Host edge3 other\n  User ops\n");
    const config = write(
      "config",
      `Host edge1 edge2\n  Port 2222\nHost edge* !edge9\n  User root\nHost *\n  Include ${folder}/more\n`,
    );
    pulumi.runtime.setConfig("macvlan:sshConfigPath", config);
    assert.deepEqual(names(inventoryFromSshConfig("edge*", "!edge2").hosts()), ["edge1", "edge3"]);
    assert.throws(() => inventoryFromSshConfig("none*"), /names no host that matches none\*/);
    const mixed = read(`
sshConfig: ["edge*"]
hosts: { edge1: { vars: { rack: 1 } } }
groups: { edges: { hosts: ["edge*"] } }
`);
    assert.deepEqual(names(mixed.hosts("edges")), ["edge1", "edge2", "edge3"]);
    assert.deepEqual(mixed.host("edge1").vars, { rack: 1 });
    pulumi.runtime.setConfig("macvlan:sshConfigPath", join(folder, "absent"));
    assert.throws(() => inventoryFromSshConfig("*"), /client configuration .*absent cannot be read/);
  });

  it("is plain data, from which another stack makes the same inventory", async () => {
    const inventory = read(FLEET);
    const stack = {
      name: pulumi.output("org/hosts/prod"),
      getOutputDetails: (name: string) =>
        Promise.resolve(
          name === "fleet"
            ? { value: JSON.parse(JSON.stringify(inventory.data)) as unknown }
            : name === "secret"
              ? { secretValue: {} }
              : name === "wrong"
                ? { value: { hosts: { a: { port: 1 } } } }
                : {},
        ),
    } as unknown as pulumi.StackReference;
    const again = await inventoryFromStack(stack, "fleet");
    assert.deepEqual(again.hosts(), inventory.hosts());
    assert.deepEqual(again.data, inventory.data);
    await assert.rejects(
      inventoryFromStack(stack, "none"),
      /output none of the stack org\/hosts\/prod does not exist/,
    );
    await assert.rejects(inventoryFromStack(stack, "secret"), /is a secret/);
    await assert.rejects(
      inventoryFromStack(stack, "wrong"),
      /output wrong of the stack org\/hosts\/prod: hosts\.a\.port is unknown here; the keys are host, vars/,
    );
  });
});
