import assert from "node:assert/strict";
import { UNKNOWN } from "../../../provider/model/unknown";
import { asSecret } from "../../../provider/engine/outputs";
import { componentInputs, received, secretPathsOf, sent } from "../../../provider/native/properties";
import { parseUrn } from "../../../provider/native/urn";

/** SDK, runtime/rpc: specialOutputValueSig. */
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

describe("properties of the native provider", () => {
  it("reach the engine and come back as they were, secrets by the names of their properties", () => {
    const values = {
      host: { address: "node1", port: 22 },
      addresses: ["192.0.2.10/24"],
      up: true,
      alias: "web",
    };
    assert.deepEqual(received(sent(values)), { values, secrets: [] });
    assert.deepEqual(received(sent(values, ["alias", "mtu"])), { values, secrets: ["alias"] });
  });

  it("are secret as a whole if a part is", () => {
    const host = received(sent({ user: "ops", address: "node1" }, ["user"]));
    assert.deepEqual(host.secrets, ["user"]);
    const nested = sent({ host: JSON.parse(JSON.stringify(sent({ user: "ops" }, ["user"]).toJavaScript())) });
    assert.deepEqual(received(nested), { values: { host: { user: "ops" } }, secrets: ["host"] });
  });

  it("are secret one by one within the links of a host", () => {
    const values = {
      host: "node1",
      links: { web: { kind: "macvlan", alias: "a" }, "bond0.10": { mtu: 1500 } },
    };
    const paths = ["links.web.alias", 'links["bond0.10"].mtu'];
    const both = received(sent(values, paths));
    assert.deepEqual({ ...both, secrets: both.secrets.toSorted() }, { values, secrets: paths.toSorted() });
    assert.deepEqual(received(sent(values, ["links"])), { values, secrets: ["links"] });
    assert.deepEqual(secretPathsOf({ __secretNames: { web: "alias,mtu", "bond0.10": "mtu" } }), [
      ...["links.web.alias", "links.web.mtu"],
      'links["bond0.10"].mtu',
    ]);
    assert.deepEqual(secretPathsOf({ __secretNames: "alias" }), ["alias"]);
  });

  it("are marked as secret once, also if they are marked already", () => {
    const once = sent({ alias: "web" }, ["alias"]).toJavaScript();
    assert.deepEqual(sent(once, ["alias"]).toJavaScript(), once);
  });

  it("have an output in the place of each secret, for a component", () => {
    const given = sent({
      children: [
        { name: "web", alias: "a" },
        { name: "vm", mtu: UNKNOWN },
      ],
      mtu: 1500,
    });
    const secret = (value: object): object => ({
      "4dabf18193072939515e22adb298388d": OUTPUT,
      secret: true,
      ...value,
    });
    const marked = sent({
      children: [
        { name: "web", alias: asSecret("a") },
        { name: "vm", mtu: asSecret(UNKNOWN) },
      ],
      mtu: 1500,
    });
    const none = (): readonly string[] => [];
    assert.deepEqual(componentInputs(marked, none).toJavaScript(), {
      children: [
        { name: "web", alias: secret({ value: "a" }) },
        { name: "vm", mtu: secret({}) },
      ],
      mtu: 1500,
    });
    assert.deepEqual(componentInputs(given, none).toJavaScript(), given.toJavaScript());
  });

  it("have an output in the place of each value that may be of another resource, for a component", () => {
    const urn = "urn:pulumi:dev::fleet::macvlan:index:VlanInterface::base";
    const output = (value: object): object => ({
      "4dabf18193072939515e22adb298388d": OUTPUT,
      ...value,
      dependencies: [urn],
    });
    const given = {
      hosts: [
        "node1",
        { name: "three", host: { address: "node3" }, parent: { parent: "eth0", vlanId: 7, mtu: 1400 } },
      ],
      children: [
        "web",
        { name: "vm", mode: "bridge", mtu: UNKNOWN, addresses: ["192.0.2.9/24"], alias: null },
      ],
      mtu: 1500,
      shim: { name: "shim1", mtu: 1400 },
    };
    const dependenciesOf = (property: string): readonly string[] => (property === "shim" ? [] : [urn]);
    assert.deepEqual(componentInputs(sent(given), dependenciesOf).toJavaScript(), {
      hosts: [
        "node1",
        {
          name: "three",
          host: { address: output({ value: "node3" }) },
          parent: { parent: "eth0", vlanId: 7, mtu: output({ value: 1400 }) },
        },
      ],
      children: [
        "web",
        {
          name: "vm",
          mode: "bridge",
          mtu: output({}),
          addresses: [output({ value: "192.0.2.9/24" })],
          alias: null,
        },
      ],
      mtu: 1500,
      shim: { name: "shim1", mtu: 1400 },
    });
    const known = { children: [{ name: "vm", mtu: output({ value: 1400 }), alias: "a" }] };
    assert.deepEqual(componentInputs(sent(known), dependenciesOf).toJavaScript(), known);
  });

  it("are unknown in one way, whatever type the engine expects", () => {
    const number = "3eeb2bf0-c639-47a8-9e75-3b44932eb421";
    const list = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2";
    const { values } = received(sent({ mtu: number, addresses: [list], name: UNKNOWN }));
    assert.deepEqual(values, { mtu: UNKNOWN, addresses: [UNKNOWN], name: UNKNOWN });
  });

  it("leave out what is undefined", () => {
    assert.deepEqual(sent({ mtu: undefined, up: true }).toJavaScript(), { up: true });
  });
});

describe("a URN", () => {
  it("has stack, project, class and name", () => {
    assert.deepEqual(
      parseUrn("urn:pulumi:dev::fleet::my:index:Lan$macvlan:index:MacvlanInterface::lan/node1::web"),
      {
        stack: "dev",
        project: "fleet",
        type: "MacvlanInterface",
        name: "lan/node1::web",
      },
    );
  });

  it("is refused if it is invalid", () => {
    for (const text of ["", "web", "urn:pulumi:dev::fleet", "urn:other:dev::fleet::a:b:c::web"])
      assert.throws(() => parseUrn(text), /not a URN/);
  });
});
