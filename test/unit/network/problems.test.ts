import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { NetworkArgs, NetworkHost } from "../../../provider/network/args";
import { listMembers } from "../../../provider/network/members";
import { poolOf } from "../../../provider/network/pool";
import { networkProblems } from "../../../provider/network/problems";

const ARGS = { hosts: ["node1", "node2"], parent: "eth0", children: ["web", "db"], cidr: "192.0.2.0/24" };

/** What is wrong with a network's arguments; what the compiler would refuse, a JavaScript program can give. */
function problems<H extends NetworkHost>(args: NetworkArgs<H> | Record<string, unknown>): string[] {
  const given = args as NetworkArgs<H>;
  const members = listMembers(given);
  return networkProblems(given, members, poolOf(given, members.hosts)).map(
    (p) => `${p.property} ${p.reason}`,
  );
}

describe("problems of a network", () => {
  it("are none if it is right, whichever of its values is an output", () => {
    assert.deepEqual(problems(ARGS), []);
    assert.deepEqual(
      problems({
        ...ARGS,
        hosts: [{ name: "a", host: pulumi.output("node1") }],
        parent: pulumi.output("eth0"),
        children: [
          { name: "web", mtu: Promise.resolve(1400), addresses: [pulumi.output("192.0.2.1/24")] },
          "db",
        ],
        cidr: pulumi.output("anything"),
        exclude: pulumi.output(["nothing"]),
        gateway: Promise.resolve("192.0.2.254"),
        reservations: { "a/db": pulumi.output("192.0.2.9") },
      }),
      [],
    );
  });

  it("are an unknown grain, and a child with the name of the VLAN, which has its key", () => {
    assert.deepEqual(problems({ ...ARGS, grain: "host" }), []);
    for (const grain of ["hosts", pulumi.output("host")])
      assert.match(problems({ ...ARGS, grain })[0] ?? "", /^grain must be one of/);
    const vlan = { ...ARGS, hosts: ["node1"], parent: { parent: "eth0", vlanId: 10 } };
    const [same, ...more] = problems({ ...vlan, children: [{ name: "eth0.10", linkName: "web0" }] });
    assert.match(same ?? "", /^children\[0\] has the same name as the VLAN, node1\/eth0\.10/);
    assert.deepEqual(more, []);
  });

  it("name the origin of a name that is too long, and the property that changes it", () => {
    const long = { ...ARGS, hosts: ["node1"], children: ["web-frontend-production"] };
    const [child, vlan, ...more] = problems({ ...long, parent: { parent: "eth_p0_rail0", vlanId: 1002 } });
    assert.match(
      child ?? "",
      /^children\[0\]\.linkName has 23 bytes.*"web-frontend-production", which is the child's name; .*children\[0\]\.linkName/,
    );
    assert.match(
      vlan ?? "",
      /^parent\.name has 17 bytes.*"eth_p0_rail0\.1002", which is parent and vlanId; .*parent\.name/,
    );
    assert.deepEqual(more, []);
    const [given] = problems({ ...long, children: [{ name: "web", linkName: "web-frontend-production" }] });
    assert.match(given ?? "", /^children\[0\]\.linkName has 23 bytes; a link's name has at most 15$/);
  });

  it("are those of the VLAN that is to be created, and of its name among the host's links", () => {
    const on = (parent: object, children: unknown[] = ["web"]): string[] =>
      problems({ ...ARGS, parent, children });
    assert.deepEqual(on({ parent: "eth0", vlanId: 10, egressQosMap: [{ from: 0, to: 5 }] }), []);
    assert.deepEqual(on({ parent: "eth0", vlanId: 4095 }), [
      "parent.vlanId must be a whole number from 0 to 4094",
    ]);
    assert.deepEqual(
      on({ parent: "e/0", vlanId: 1, name: "lan", tag: 3 }).map((p) => p.split(" ")[0]),
      ["parent.parent", "parent.tag"],
    );
    assert.match(
      on({ parent: "eth0", vlanId: 10, name: "web" }).join(),
      /children\[0\] has the same link web of node1 as parent/,
    );
  });

  it("are those of each link, on the path where it was given", () => {
    const wrong = { name: "web", mtu: 10, macAddress: "01:00:5e:00:00:01" };
    assert.deepEqual(problems({ ...ARGS, mtu: 99999, children: ["db", wrong], shim: { arp: "off" } }), [
      "mtu must be a whole number from 68 to 65535 bytes",
      "children[1].mtu must be a whole number from 68 to 65535 bytes",
      "children[1].macAddress is a multicast address (its first byte is odd); a link needs a unicast one",
      'shim.arp must be one of "exclusive", "kernel"',
      "children[1].macAddress 01:00:5e:00:00:01 is already used by node1/web",
    ]);
    assert.deepEqual(
      problems({
        ...ARGS,
        hosts: ["node1", { name: "b", host: { address: "b", port: 0 } }],
        parent: ({ name }: NetworkHost) => (name === "b" ? "a/b" : "eth0"),
        children: ({ name }: NetworkHost) => [{ name: "web", netns: name === "b" ? "-" : "web" }],
      }),
      [
        'children("b")[0].netns may only contain letters, digits and _ . : @ + -, and must not begin with . or -',
        "hosts[1].host.port must be a whole number from 1 to 65535, not 0",
        'parent("b") contains a slash, a colon or white space, which a link\'s name cannot have',
      ],
    );
  });

  it("are of the whole: structure that is not known, names, and unknown properties", () => {
    assert.deepEqual(
      problems({ ...ARGS, hosts: pulumi.output([]), parents: "eth0" }).map((p) => p.slice(0, 43)),
      ["parents is not a property of MacvlanNetwork", "hosts must be a plain list, not an output"],
    );
    assert.deepEqual(
      problems({ ...ARGS, hosts: ["a", { host: "b" }, "a/b", { name: "a" }], children: () => 1 }),
      [
        'children("a") must be a plain list, not an output',
        "hosts[1] must have a plain name, not an output: a string, or { name, … }",
        "hosts[2] has a slash in its name, which separates host and child in keys",
        "hosts[3] has the same name as hosts[0]",
      ],
    );
  });

  it("are of one host's links against each other", () => {
    const same = [
      { name: "a", linkName: "web0", netns: "x" },
      { name: "b", linkName: "web0" },
      { name: "c", linkName: "web0", netns: "x" },
      "shim0",
    ];
    assert.deepEqual(problems({ ...ARGS, hosts: ["node1"], children: same }), [
      "children[2] has the same link web0 of node1 as children[0]",
      "shim has the same link shim0 of node1 as children[3]",
      "children[3] has the same name as the shim, node1/shim0; rename one of them",
    ]);
    const passthru = [{ name: "vm", mode: "passthru" }];
    assert.deepEqual(problems({ ...ARGS, hosts: ["node1"], children: passthru }), []);
    assert.deepEqual(problems({ ...ARGS, hosts: ["node1"], children: ["web", ...passthru], shim: false }), [
      "children[0] shares its parent on node1 with children[1], whose mode passthru excludes other children",
    ]);
  });

  it("are of addresses and MACs that two have, on whatever host", () => {
    const children = ({ name }: NetworkHost): object[] => [
      {
        name: "web",
        macAddress: "02:00:5E:00:53:01",
        addresses: [name === "node1" ? "192.0.2.7/24" : "192.0.2.7/32"],
      },
    ];
    assert.deepEqual(problems({ ...ARGS, children }), [
      'children("node2")[0].macAddress 02:00:5E:00:53:01 is already used by node1/web',
      'children("node2")[0].addresses 192.0.2.7 is already used by node1/web',
    ]);
    const own = [{ name: "web", addresses: ["192.0.2.7/24"] }, "db"];
    assert.deepEqual(
      problems({ ...ARGS, hosts: ["a"], children: own, reservations: { "a/db": "192.0.2.7" } }),
      [
        'reservations["a/db"] 192.0.2.7 is excluded, or used by the gateway or a child with addresses of its own',
      ],
    );
  });

  it("are of the subnets: none, wrong ones, too small ones, a router elsewhere", () => {
    const { cidr: _, ...without } = ARGS;
    assert.deepEqual(problems(without), ["cidr is not given, and node1/web has no addresses of its own"]);
    assert.deepEqual(
      problems({ ...ARGS, cidr: "192.0.2.1/24", range: ["1-2"], reservations: { "a/b": "x" } }),
      [
        "cidr has bits set behind its prefix; write 192.0.2.0/24",
        "range[0] is not an address, CIDR (192.0.2.64/26) or range (192.0.2.100-192.0.2.199)",
        'reservations["a/b"] is not an IP address without a prefix',
      ],
    );
    assert.match(
      problems({ ...ARGS, range: "192.0.2.8/31" }).join(),
      /^range has 2 addresses of 192\.0\.2\.0\/24, but 6 are needed; none is left for node1\/shim0, /,
    );
    assert.deepEqual(problems({ ...ARGS, gateway: ["192.0.2.1", "2001:db8::1"] }), [
      "gateway[1] is not in 192.0.2.0/24",
    ]);
  });
});

describe("members of a network", () => {
  it("have a shim if there is a bridge child, with an address unless it has its own or a source", () => {
    const shims = (args: object): (string | undefined)[] =>
      listMembers({ ...ARGS, ...args }).hosts.map((host) => host.shim?.address);
    assert.deepEqual(shims({}), ["leased", "leased"]);
    assert.deepEqual(shims({ mode: "private" }), [undefined, undefined]);
    assert.deepEqual(shims({ shim: ({ name }: NetworkHost) => name === "node1" }), ["leased", undefined]);
    assert.deepEqual(shims({ shim: { source: "192.0.2.1" } }), ["own", "own"]);
    assert.deepEqual(shims({ shim: { addresses: [] } }), ["own", "own"]);
  });

  it("inherit what the network states, and what children state wins", () => {
    const { hosts } = listMembers({
      ...ARGS,
      mtu: 1400,
      mode: "vepa",
      children: ["web", { name: "db", mtu: 1300, linkName: "db0" }],
      shim: true,
    });
    assert.deepEqual(
      hosts[0]?.children.map((child) => child.args),
      [
        { mode: "vepa", mtu: 1400, name: "web" },
        { mode: "vepa", mtu: 1300, name: "db0" },
      ],
    );
    assert.deepEqual(hosts[0].shim?.args, { mtu: 1400, name: "shim0" });
  });

  it("have the network's checks, which may depend on host and child, unless they have their own", () => {
    const own = [{ ping: "192.0.2.9" }];
    const children = ["web", { name: "db", checks: own }];
    const checks = (host: { readonly name: string }, child: { readonly name: string }) => [
      { dns: `${child.name}.${host.name}` },
    ];
    const { hosts } = listMembers({ ...ARGS, hosts: ["node1", "node2"], children, checks });
    assert.deepEqual(
      hosts.map((host) => host.children.map((child) => child.args["checks"])),
      [
        [[{ dns: "web.node1" }], own],
        [[{ dns: "web.node2" }], own],
      ],
    );
    const wrong = { ...ARGS, hosts: ["node1"], children: ["web"] };
    assert.match(problems({ ...wrong, checks: [{ ping: "x" }] })[0] ?? "", /^checks\[0\]\.ping /);
    assert.match(
      problems({ ...wrong, checks: () => [{ ping: "x" }] })[0] ?? "",
      /^checks\("node1", "web"\)\[0\]\.ping /,
    );
  });
});
