/**
 * Formats that outlive a release: they are in the state of people's stacks, or on their hosts. All expected values are
 * written out. A test that fails here says that every stack, or every host, would notice the change; DEVELOPERS.md,
 * "Frozen formats", says which formats may still change.
 *
 * The files of a boot are held elsewhere: their names and mark in test/unit/boot, their text by the golden files in
 * test/fixtures/boot.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { digest } from "../../../provider/engine/inputs";
import { hiddenOf, managedInputs, outputsOf, resourceId } from "../../../provider/engine/outputs";
import { providers } from "../../../provider/engine/provider";
import { applyScript, forgetUndoScript, rollBackScript } from "../../../provider/host/change-script";
import { observeScript, parseObservation } from "../../../provider/host/observe";
import { confirmScript } from "../../../provider/host/watchdog";
import * as library from "../../../provider/index";
import { commandsOf, shellWords } from "../../../provider/iproute2/commands";
import { checkInputs, deriveMac, visibleInputs } from "../../../provider/kinds/check-inputs";
import type { CommonInputs, Json } from "../../../provider/kinds/kind";
import type { Observation } from "../../../provider/model/observation";
import type { Step } from "../../../provider/model/steps";
import { plan } from "../../../provider/plan/plan";
import { providerCode } from "../../../provider/program/provider-code";
import { prelude } from "../../../provider/shell/library";
import { hostSchema } from "../../../provider/ssh/address";
import { HOST } from "../../support/hosts";
import { KERNEL, kindOf, desiredOn } from "../../support/plans";

const ROOT = resolve(__dirname, "../../..");

/** `printf "{}" | sha256sum`, the first 16 digits. */
const SHA_OF_EMPTY_OBJECT = "44136fa355b3678a";

describe("frozen: the module that the state names", () => {
  it("has one provider per resource class, by its name", () => {
    assert.deepEqual(Object.keys(providers).toSorted(), [
      "Bond",
      "HairpinBridge",
      "HostLinks",
      "HostShim",
      "IpvlanInterface",
      "LeaseBook",
      "MacvlanInterface",
      "MacvtapInterface",
      "StackIdentity",
      "VlanInterface",
    ]);
    for (const [name, provider] of Object.entries(providers)) {
      for (const method of ["check", "diff", "create", "read", "update", "delete"] as const) {
        assert.equal(typeof provider[method], "function", `${name}.${method}`);
      }
    }
  });

  it("is reached by the package's subpath ./provider", () => {
    const { name, exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      name: string;
      exports: Record<string, { default: string }>;
    };
    assert.equal(name, "pulumi-macvlan");
    assert.deepEqual(Object.keys(exports), [".", "./native", "./inventory", "./provider", "./package.json"]);
    const source = exports["./provider"]?.default.replace(/^\.\/dist\/(.*)\.js$/, "provider/$1");
    const reached = createRequire(__filename)(join(ROOT, source ?? "")) as { providers: unknown };
    assert.equal(reached.providers, providers);
  });

  it("is named by the serialised provider in one line, the same for all resources of a class", () => {
    assert.equal(
      providerCode("MacvlanInterface"),
      'exports.handler = () => require("pulumi-macvlan/provider").providers["MacvlanInterface"];',
    );
    assert.equal(
      providerCode("LeaseBook"),
      'exports.handler = () => require("pulumi-macvlan/provider").providers["LeaseBook"];',
    );
  });
});

describe("frozen: what a program registers", () => {
  interface Registered {
    readonly type: string;
    readonly name: string;
    readonly inputs: Record<string, unknown>;
  }
  const registered: Registered[] = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, name, inputs, id }) => {
      registered.push({ type, name, inputs: inputs as Record<string, unknown> });
      return { id: id ?? name, state: inputs as object };
    },
    call: () => ({}),
  };

  before(async () => {
    await pulumi.runtime.setMocks(mocks, "fleet", "dev", true);
    const host = "node1";
    const made: { readonly urn: pulumi.Output<string> }[] = [
      new library.MacvlanInterface("macvlan", { host, parent: "eth0", name: "mac0" }),
      new library.MacvtapInterface("macvtap", { host, parent: "eth0", name: "tap0" }),
      new library.IpvlanInterface("ipvlan", { host, parent: "wlan0", name: "ipv0" }),
      new library.VlanInterface("vlan", { host, parent: "eth0", name: "eth0.10", vlanId: 10 }),
      new library.HostShim("shim", { host, parent: "eth0", name: "shim0" }),
      new library.HairpinBridge("bridge", { host, name: "br0", ports: ["eth1"] }),
      new library.Bond("bond", { host, name: "bond0", mode: "802.3ad", ports: ["eth2"] }),
      new library.MacvlanNetwork("lan", {
        ...{ hosts: ["node1"], parent: "eth0", children: ["web"], shim: false },
        cidr: "192.0.2.0/24",
      }),
    ];
    await Promise.all(made.map((r) => new Promise((done) => r.urn.apply(done))));
    // the children of a component are registered after it
    await pulumi.runtime.disconnect();
  });
  after(() => pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }));

  it("has these type tokens", () => {
    assert.deepEqual(Object.fromEntries(registered.map(({ name, type }) => [name, type])), {
      macvlan: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
      macvtap: "pulumi-nodejs:dynamic/macvlan:MacvtapInterface",
      ipvlan: "pulumi-nodejs:dynamic/macvlan:IpvlanInterface",
      vlan: "pulumi-nodejs:dynamic/macvlan:VlanInterface",
      shim: "pulumi-nodejs:dynamic/macvlan:HostShim",
      bridge: "pulumi-nodejs:dynamic/macvlan:HairpinBridge",
      bond: "pulumi-nodejs:dynamic/macvlan:Bond",
      lan: "macvlan:index:MacvlanNetwork",
      "lan/addresses": "pulumi-nodejs:dynamic/macvlan:LeaseBook",
      "lan/node1/web": "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
    });
  });

  it("has these hidden properties beside the arguments", () => {
    const inputs = registered.find(({ name }) => name === "macvlan")?.inputs;
    assert.deepEqual(inputs, {
      host: "node1",
      parent: "eth0",
      name: "mac0",
      __provider: 'exports.handler = () => require("pulumi-macvlan/provider").providers["MacvlanInterface"];',
      __owner: "fleet/dev",
      __resource: "macvlan",
      __preview: true,
      __secrets: [],
    });
  });

  it("has the lease book's properties: subnets, reservations and keys", () => {
    const inputs = registered.find(({ name }) => name === "lan/addresses")?.inputs;
    assert.deepEqual(inputs, {
      cidr: ["192.0.2.0/24"],
      exclude: [],
      keys: ["node1/web"],
      __provider: 'exports.handler = () => require("pulumi-macvlan/provider").providers["LeaseBook"];',
      __secrets: [],
    });
  });
});

describe("frozen: what the state keeps", () => {
  const GIVEN = { __owner: "fleet/dev", __resource: "web", host: "node1" };

  /** Given arguments, the canonical inputs that the state keeps of them, and the digest of these. */
  const CANONICAL: readonly (readonly [type: string, given: Json, inputs: Json, digest: string])[] = [
    [
      "MacvlanInterface",
      {
        ...{ parent: "eth0", host: "ops@node1.example:2222", netns: "blue", persist: true },
        ...{ addresses: ["192.0.2.10/24", "2001:DB8::10/64"] },
        routes: ["192.0.2.0/24", { to: "198.51.100.0/24", via: "192.0.2.1" }],
        ...{ __preview: true, __secrets: [], __provider: "code", drift: { mtu: "found 1400, wanted 1500" } },
      },
      {
        ...{ name: "web", label: "web@eth0", mode: "bridge", up: true, parent: "eth0", netns: "blue" },
        ...{ host: { address: "node1.example", port: 2222, user: "ops" }, persist: true },
        addresses: ["192.0.2.10/24", "2001:db8::10/64"],
        routes: [{ to: "192.0.2.0/24" }, { to: "198.51.100.0/24", via: "192.0.2.1" }],
        ...{ macAddress: "56:ea:ef:2a:4f:96", __derived: ["macAddress"] },
      },
      "1d9fd4eeced1938e",
    ],
    [
      "MacvtapInterface",
      { parent: "eth0" },
      {
        ...{ name: "web", label: "web@eth0", mode: "bridge", up: true, parent: "eth0" },
        ...{ macAddress: "3a:2c:19:a2:94:c2", __derived: ["macAddress"] },
      },
      "b500bfaaaca43c6b",
    ],
    [
      "IpvlanInterface",
      { parent: "eth0" },
      { name: "web", label: "web@eth0", mode: "l2", flag: "bridge", up: true, parent: "eth0" },
      "e2a4feea2a657a2b",
    ],
    [
      "VlanInterface",
      { parent: "eth0", vlanId: 10 },
      { name: "web", label: "web@eth0", vlanId: 10, protocol: "802.1Q", up: true, parent: "eth0" },
      "214f88562b3fab0a",
    ],
    [
      "HostShim",
      { parent: "eth0", routes: ["192.0.2.10/32"] },
      {
        ...{ name: "web", label: "web@eth0", mode: "bridge", up: true, parent: "eth0", arp: "exclusive" },
        ...{ macAddress: "3a:2c:19:a2:94:c2", __derived: ["macAddress"], routes: [{ to: "192.0.2.10/32" }] },
      },
      "93616e093545e36d",
    ],
    [
      "HairpinBridge",
      { ports: ["eth0", { name: "eth1", hairpin: false }] },
      {
        ...{ name: "web", label: "web", up: true },
        ports: [
          { name: "eth0", hairpin: true },
          { name: "eth1", hairpin: false },
        ],
      },
      "5db4488c837a5d8d",
    ],
    [
      "Bond",
      { mode: "active-backup", ports: ["eth0", "eth1"] },
      {
        ...{ name: "web", label: "web", up: true, mode: "active-backup" },
        ports: [{ name: "eth0" }, { name: "eth1" }],
      },
      "b7879618ab0a4882",
    ],
  ];
  for (const [type, given, expected, expectedDigest] of CANONICAL) {
    it(`has the canonical inputs of ${type}, with ${expectedDigest} for their digest`, () => {
      const { inputs, issues } = checkInputs(kindOf(type), { ...GIVEN, ...given }, undefined);
      assert.deepEqual(issues, []);
      assert.deepEqual(inputs, {
        ...{ host: { address: "node1" }, __owner: "fleet/dev", __resource: "web" },
        ...expected,
      });
      assert.equal(digest(inputs), expectedDigest);
    });
  }

  it("has inputs, outputs of the host, and hidden properties in one entry", () => {
    const inputs = {
      ...{ host: { address: "node1" }, name: "mac0", parent: "eth0", mode: "bridge", up: true },
      ...{ macAddress: "02:00:5e:00:53:01", label: "mac0@eth0", __derived: ["macAddress"] },
      ...{ __owner: "fleet/dev", __resource: "web" },
    };
    const eth0 = { ifindex: 2, ifname: "eth0", flags: ["UP"], mtu: 1500, address: "02:77:00:00:00:02" };
    const mac0 = {
      ...{ ifindex: 7, ifname: "mac0", link: "eth0", flags: ["UP"], mtu: 1500, operstate: "UP" },
      ...{ address: "02:00:5e:00:53:01", linkinfo: { info_kind: "macvlan", info_data: { mode: "bridge" } } },
      addr_info: [{ family: "inet", local: "192.0.2.10", prefixlen: 24, scope: "global" }],
    };
    const now = observed({ links: JSON.stringify([eth0, mac0]) });
    const kind = kindOf("MacvlanInterface");
    assert.deepEqual(outputsOf(kind, inputs, visibleInputs(inputs) as unknown as CommonInputs, now), {
      ...{ host: { address: "node1" }, name: "mac0", parent: "eth0", mode: "bridge", up: true },
      ...{ macAddress: "02:00:5e:00:53:01", label: "mac0@eth0", mtu: 1500, ifIndex: 7, operState: "UP" },
      ...{ addresses: ["192.0.2.10/24"], siblings: 1, parentPromiscuity: 0 },
      ...{ parentMacAddress: "02:77:00:00:00:02", parentMacs: 2 },
      ...{ __owner: "fleet/dev", __resource: "web", __derived: ["macAddress"] },
      __managed: "host,name,parent,mode,up,macAddress",
      __inputs: "6df1112e42416f16",
    });
  });

  it("has the names of the given properties in __managed, as one text or as a list", () => {
    const props = { host: { address: "node1" }, name: "mac0", parent: "eth0", mtu: 1500, ifIndex: 7 };
    const managed = { host: { address: "node1" }, name: "mac0", parent: "eth0" };
    assert.deepEqual(managedInputs({ ...props, __managed: "host,name,parent" }), managed);
    assert.deepEqual(managedInputs({ ...props, __managed: ["parent"] }), managed);
  });

  it("has of the hidden properties __owner, __resource and __derived from inputs, and no others", () => {
    const hidden = { __owner: "fleet/dev", __resource: "web", __derived: ["macAddress"] };
    const given = { name: "mac0", ...hidden, __preview: true, __secrets: ["host"], __provider: "code" };
    assert.deepEqual(hiddenOf(given), hidden);
  });

  it("shows neither drift nor what begins with two underscores as an input", () => {
    const drift = { mtu: "found 1400, wanted 1500" };
    assert.deepEqual(visibleInputs({ name: "mac0", drift, __owner: "fleet/dev", __inputs: "x" }), {
      name: "mac0",
    });
  });

  const IDS: readonly (readonly [inputs: Json, id: string])[] = [
    [{ host: { address: "node1" }, name: "mac0" }, "node1/mac0"],
    [{ host: { address: "node1", port: 2222, user: "ops" }, name: "mac0", netns: "blue" }, "node1/blue/mac0"],
    [{ host: { address: "2001:db8::1" }, name: "br0", netns: "" }, "2001:db8::1/br0"],
  ];
  for (const [inputs, id] of IDS) {
    it(`has the resource ID ${id}`, () => assert.equal(resourceId(inputs), id));
  }

  it("has a lease book's leases in its inputs, and addresses for its ID", async () => {
    const { check, create } = providers["LeaseBook"] ?? {};
    const pool = { cidr: ["192.0.2.0/24", "2001:db8::/64"], keys: ["node1/web", "node1/shim0"] };
    const leases = {
      "node1/web": ["192.0.2.1/24", "2001:db8::1/64"],
      "node1/shim0": ["192.0.2.2/24", "2001:db8::2/64"],
    };
    assert.deepEqual(await check?.({}, { ...pool, __provider: "code" }), { inputs: { ...pool, leases } });
    const former = { ...pool, leases: { "node1/shim0": ["192.0.2.9/24"] } };
    assert.deepEqual(await check?.(former, { ...pool, cidr: ["192.0.2.0/24"] }), {
      inputs: {
        ...pool,
        cidr: ["192.0.2.0/24"],
        leases: { "node1/web": ["192.0.2.1/24"], "node1/shim0": ["192.0.2.9/24"] },
      },
    });
    assert.deepEqual(await create?.({ ...pool, leases }), { id: "addresses", outs: { ...pool, leases } });
  });
});

describe("frozen: the digest of inputs", () => {
  const VECTORS: readonly (readonly [inputs: Json, digest: string])[] = [
    // printf '{}' | sha256sum | cut -c 1-16
    [{}, SHA_OF_EMPTY_OBJECT],
    // printf '{"a":1,"b":[2,{"c":3,"d":4}]}' | sha256sum | cut -c 1-16
    [{ b: [2, { d: 4, c: 3 }], a: 1 }, "88c3cdf568e74603"],
    [
      {
        ...{ host: { address: "node1" }, name: "web", mode: "bridge", parent: "eth0", up: true },
        mtu: undefined,
      },
      "f99e9bd3b8763fec",
    ],
    [{ drift: { mtu: "found 1400, wanted 1500" }, __owner: "fleet/dev", __inputs: "x" }, SHA_OF_EMPTY_OBJECT],
  ];
  for (const [inputs, expected] of VECTORS) {
    it(`is ${expected} for ${JSON.stringify(inputs)}`, () => assert.equal(digest(inputs), expected));
  }
});

describe("frozen: the derived MAC address", () => {
  // printf 'OWNER\nADDRESS:PORT[ via JUMP]\nNETNS\nNAME' | sha256sum, its first byte & fc | 02
  const VECTORS: readonly (readonly [
    owner: string,
    host: unknown,
    netns: string,
    name: string,
    mac: string,
  ])[] = [
    ["fleet/dev", "node1", "", "web", "3a:2c:19:a2:94:c2"],
    ["fleet/dev", "ops@NODE1.:22", "", "web", "3a:2c:19:a2:94:c2"],
    ["fleet/dev", { address: "node1", become: "sudo", commandTimeout: 5 }, "", "web", "3a:2c:19:a2:94:c2"],
    ["fleet/dev", { address: "node1.example", port: 2222 }, "", "web", "ae:1c:a3:46:0c:46"],
    ["fleet/dev", { address: "node1", jump: "bastion" }, "", "web", "52:dd:ef:8f:bd:ce"],
    [
      "fleet/dev",
      { address: "node1", jump: { address: "bastion", port: 2222, jump: "ops@outer" } },
      ...["", "web", "1a:89:e2:dc:e8:a5"],
    ],
    ["fleet/dev", "2001:DB8:0::1", "", "web", "12:cc:65:a3:8b:23"],
    ["fleet/dev", "[2001:db8::1]:2222", "", "web", "96:45:c9:dd:42:8d"],
    ["fleet/dev", "fe80::1%eth0", "", "web", "de:88:d4:61:a4:ef"],
    ["fleet/dev", "node1", "blue", "web", "e2:8e:b0:0a:b3:0b"],
    ["fleet/dev", "node1", "", "mac0", "92:a4:91:6d:ce:92"],
    ["fleet/prod", "node1", "", "web", "c6:fe:f6:22:39:c7"],
  ] as const;
  for (const [owner, host, netns, name, mac] of VECTORS) {
    it(`is ${mac} for ${[owner, JSON.stringify(host), netns, name].join(" ")}`, () => {
      const canonical = hostSchema.parse(host);
      assert.equal(deriveMac(owner, { host: canonical, name, ...(netns === "" ? {} : { netns }) }), mac);
    });
  }
});

/** What a host prints, section by section, as an observation. */
function observed(sections: Readonly<Record<string, string>>): Observation {
  const all = { ip: "ip utility, iproute2-6.1.0", links: "[]", ...sections, end: "" };
  const text = Object.entries(all).map(([name, body]) => `@marker ${name}\n${body}\n`);
  return parseObservation(text.join(""), "@marker");
}

describe("frozen: records under /run/pulumi-macvlan", () => {
  /** The words by which a script carries a step out. */
  const linesOf = (step: Step): string[] => commandsOf(step, "bridge").map(shellWords);

  const MACVLAN_RECORD =
    '{"name":"mac0","netns":"blue","owner":"fleet/dev","resource":"web","made":true,"restore":[]}';

  it("are one file per link, NETNS:NAME", () => {
    const record = { name: "mac0", owner: "fleet/dev", resource: "web", made: true, restore: [] };
    assert.deepEqual(linesOf({ do: "record", record: { ...record, netns: "blue" } }), [
      `pm_record_link links/blue:mac0 blue mac0 '${MACVLAN_RECORD}'`,
    ]);
    assert.deepEqual(linesOf({ do: "record", record: { ...record, netns: "" } }), [
      `pm_record_link links/:mac0 '' mac0 '${MACVLAN_RECORD.replace("blue", "")}'`,
    ]);
    const mark = { ...record, netns: "", stack: "5eed", making: "a1b2", stackName: "acme/fleet/prod" };
    assert.deepEqual(linesOf({ do: "record", record: mark }), [
      `pm_record_link links/:mac0 '' mac0 '{"name":"mac0","netns":"","owner":"fleet/dev","stack":"5eed",` +
        `"making":"a1b2","stackName":"acme/fleet/prod","resource":"web","made":true,"restore":[]}'`,
    ]);
    assert.deepEqual(linesOf({ do: "forget", link: { name: "mac0", netns: "blue" } }), [
      'rm -f "$D"/links/blue:mac0',
    ]);
  });

  it("are one file per network namespace that was made", () => {
    assert.equal(
      linesOf({ do: "addNetns", name: "blue", mark: { owner: "fleet/dev" } })[1],
      `pm_record_netns blue '{"name":"blue","owner":"fleet/dev"}'`,
    );
    assert.equal(
      linesOf({ do: "addNetns", name: "blue", mark: { owner: "fleet/dev", stack: "5eed" } })[1],
      `pm_record_netns blue '{"name":"blue","owner":"fleet/dev","stack":"5eed"}'`,
    );
    assert.equal(linesOf({ do: "deleteNetns", name: "blue" })[1], 'rm -f "$D"/netns/blue');
  });

  it("have the link's ifindex before the JSON, as a real host writes them", () => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-records-"));
    try {
      const [line = ""] = linesOf({
        do: "record",
        record: { name: "lo", netns: "", owner: "fleet/dev", resource: "it's", made: false, restore: [] },
      });
      const script = `${prelude()}D=$1\n${line}\n`;
      const { stderr } = spawnSync("sh", ["-s", folder], { input: script, encoding: "utf8" });
      assert.equal(stderr, "");
      assert.deepEqual(readdirSync(join(folder, "links")), [":lo"]);
      assert.equal(
        readFileSync(join(folder, "links", ":lo"), "utf8"),
        `1 {"name":"lo","netns":"","owner":"fleet/dev","resource":"it's","made":false,"restore":[]}\n`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const RESTORE = [
    {
      ...{ name: "eth0", netns: "", exists: true },
      settings: [{ key: "link.master", value: "", property: "link.master" }],
      ...{ up: true, addresses: [], routes: [] },
    },
    {
      ...{ name: "eth1", netns: "", exists: true },
      settings: [{ key: "link.master", value: "", property: "link.master" }],
      up: true,
      addresses: [{ cidr: "203.0.113.9/24", broadcast: "203.0.113.255" }, { cidr: "2001:db8:9::9/64" }],
      routes: [{ to: "0.0.0.0/0", via: "203.0.113.1", protocol: "static" }],
    },
  ];
  const BRIDGE_RECORD = {
    ...{ name: "br0", netns: "", owner: "fleet/test", resource: "it", made: true },
    restore: RESTORE,
  };

  it("say what the ports of a bridge go back to when it is deleted", () => {
    const inputs = {
      ...{ host: { address: "node1" }, name: "br0", up: true, takeOverAddresses: true },
      ports: [
        { name: "eth0", hairpin: true },
        { name: "eth1", hairpin: false },
      ],
    };
    const { steps } = plan(HOST, desiredOn(kindOf("HairpinBridge"), inputs, HOST), KERNEL);
    const lines = steps.flatMap(({ step }) => (step.do === "record" ? linesOf(step) : []));
    assert.deepEqual(lines, [`pm_record_link links/:br0 '' br0 '${JSON.stringify(BRIDGE_RECORD)}'`]);
  });

  it("are read as they are written; an invalid line is ignored", () => {
    const lines = [
      `7 ${MACVLAN_RECORD}`,
      `9 ${JSON.stringify(BRIDGE_RECORD)}`,
      `10 {"name":"new","netns":"","owner":"fleet/dev","stack":"5eed","making":"a1b2","stackName":"a/b/c"}`,
      '11 {"name":"old","netns":"","owner":"fleet/dev"}',
      '12 {"name":"cut","netns":"","own',
      "13 null",
      "no number",
    ];
    const { state } = observed({
      records: lines.join("\n"),
      "netns blue": "4026532177 /run/netns/blue",
      "netns red": "4026532178 /run/netns/red",
      namespaces: '4026532177 {"name":"blue","owner":"fleet/dev"}\n1 {"name":"red","owner":"fleet/dev"}',
    });
    assert.deepEqual(state.records, [
      {
        ...{ name: "mac0", netns: "blue", ifIndex: 7, owner: "fleet/dev", resource: "web" },
        ...{ made: true, restore: [] },
      },
      { ...BRIDGE_RECORD, ifIndex: 9 },
      {
        ...{ name: "new", netns: "", ifIndex: 10, owner: "fleet/dev", stack: "5eed", making: "a1b2" },
        ...{ stackName: "a/b/c", resource: "", made: false, restore: [] },
      },
      {
        ...{ name: "old", netns: "", ifIndex: 11, owner: "fleet/dev", resource: "" },
        ...{ made: false, restore: [] },
      },
    ]);
    assert.deepEqual(state.netns, [{ name: "blue", mark: { owner: "fleet/dev" } }, { name: "red" }]);
  });
});

describe("frozen: names under /run/pulumi-macvlan", () => {
  const inputs = { host: { address: "node1" }, name: "mac0", netns: "blue", parent: "eth0", mode: "bridge" };
  const desired = desiredOn(kindOf("MacvlanInterface"), { ...inputs, up: true }, HOST);
  const { steps } = plan(HOST, desired, KERNEL);
  const watch = { commandTimeout: 60, confirm: { token: "0123456789abcdef", timeout: 30 } };
  const bootScript = desired.boot?.files.map(({ content }) =>
    content && "text" in content ? content.text : "",
  );
  const scripts = [
    observeScript("@m"),
    applyScript(steps, "bridge", "@m", watch, { state: HOST, boots: "", facts: { machine: "" } }),
    rollBackScript(steps, "bridge", "@m"),
    forgetUndoScript("@m"),
    confirmScript("0123456789abcdef", true, "@m"),
    ...(bootScript ?? []),
  ].join("\n");

  it("are these in all scripts together", () => {
    const folders = [...scripts.matchAll(/\/run\/pulumi[\w.-]*/g)].map(([path]) => path);
    assert.deepEqual([...new Set(folders)], ["/run/pulumi-macvlan"]);
    const named = [
      // "$D/undo", "$D"/links/…, and the functions that are given a name below "$D"
      ...scripts.matchAll(/\$D"?\/([a-z.]+)/g),
      ...scripts.matchAll(/\/run\/pulumi-macvlan\/([a-z.]+)/g),
      ...scripts.matchAll(/\bpm_(?:keep|put|note) "?([a-z]+)/g),
    ].map(([, name = ""]) => name);
    assert.deepEqual([...new Set(named)].toSorted(), [
      "begun",
      "boots",
      "confirmed",
      "expired",
      "holder",
      "holder.after.",
      "holder.with.",
      "kept",
      "links",
      "lock",
      "netns",
      "pending",
      "progress",
      "undo",
      "undo.left",
      "undo.new",
      "watchdog",
    ]);
  });

  it("hold the number of boot scripts that have run in boots", () => {
    assert.equal(observed({ boots: "2\n" }).boots, "2");
    assert.equal(observed({ boots: "" }).boots, "");
  });
});
