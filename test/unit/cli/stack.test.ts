import assert from "node:assert/strict";
import { readStack } from "../../../provider/cli/stack";
import { UNKNOWN } from "../../../provider/model/unknown";
import { inputsOf, step, urn } from "./previews";

const preview = (steps: readonly object[], diagnostics?: readonly object[]): string =>
  JSON.stringify({ steps, ...(diagnostics === undefined ? {} : { diagnostics }) });

describe("a stack as the engine prints it", () => {
  it("is read from a preview: what happens to each link, and to how many other resources", () => {
    const stack = readStack(
      preview([
        {
          op: "same",
          urn: "urn:pulumi:dev::fleet::pulumi:pulumi:Stack::fleet-dev",
          newState: { type: "pulumi:pulumi:Stack" },
        },
        step("update", "web", { before: inputsOf("web", {}), after: inputsOf("web", { mtu: 1400 }) }),
        step("delete", "old", { before: inputsOf("old", {}) }),
        {
          op: "create",
          urn: "urn:pulumi:dev::fleet::random:index:Id::x",
          newState: { type: "random:index:Id" },
        },
      ]),
      "it",
    );
    assert.equal(stack.name, "fleet/dev");
    assert.deepEqual(
      stack.links.map((l) => [l.action, l.resource, l.kind.type, l.host?.address]),
      [
        ["update", "web", "MacvlanInterface", "node1"],
        ["delete", "old", "MacvlanInterface", "node1"],
      ],
    );
    assert.deepEqual(stack.others, { create: 1 });
  });

  it("has each link of a HostLinks, with what happens to it, and its own drift", () => {
    const of = (links: object): object => ({
      host: { address: "node1" },
      links,
      ...{ __owner: "fleet/dev", __resource: "node1", __derived: { web: ["macAddress"] } },
    });
    const web = { kind: "macvlan", name: "web", parent: "br0", label: "web@br0" };
    const before = of({
      br0: { kind: "bridge", name: "br0", ports: [] },
      web,
      old: { ...web, name: "old" },
      stays: { ...web, name: "stays" },
    });
    const after = {
      ...of({
        web: { ...web, mtu: 1400 },
        br0: { kind: "bridge", name: "br0", ports: [] },
        new: { ...web, name: "new" },
        stays: { ...web, name: "stays" },
      }),
      drift: { "links.br0.up": "found false, wanted true", "links.web.alias": "found a, wanted b" },
    };
    const { links } = readStack(
      preview([step("update", "node1", { before, after, type: "HostLinks" })]),
      "it",
    );
    assert.deepEqual(
      links.map((l) => [l.action, l.resource, l.kind.type, l.after?.["drift"]]),
      [
        ["delete", "node1 links.old", "MacvlanInterface", undefined],
        ["update", "node1 links.br0", "HairpinBridge", { up: "found false, wanted true" }],
        ["update", "node1 links.web", "MacvlanInterface", { alias: "found a, wanted b" }],
        ["create", "node1 links.new", "MacvlanInterface", undefined],
        ["keep", "node1 links.stays", "MacvlanInterface", undefined],
      ],
    );
    assert.deepEqual(links[2]?.before?.["__derived"], ["macAddress"]);
  });

  it("compares with the inputs of the last run if the engine has read the resources first", () => {
    const [last, read] = [inputsOf("web", { mtu: 1500 }), inputsOf("web", { mtu: 1300 })];
    const { links } = readStack(
      preview([
        step("refresh", "web", { before: last, after: last }),
        step("refresh", "gone", { before: inputsOf("gone", {}) }),
        step("update", "web", { before: read, after: inputsOf("web", { mtu: 1500 }) }),
        step("create", "gone", { after: inputsOf("gone", {}) }),
        step("create", "new", { after: inputsOf("new", {}) }),
      ]),
      "it",
    );
    assert.deepEqual(
      links.map(({ resource, action, before }) => [resource, action, before?.["mtu"], before?.["name"]]),
      [
        ["web", "update", 1500, "web"],
        ["gone", "create", undefined, "gone"],
        ["new", "create", undefined, undefined],
      ],
    );
  });

  it("counts the steps of one replacement as one", () => {
    const before = inputsOf("web", {});
    const after = inputsOf("web", { parent: "eth1" });
    const { links } = readStack(
      preview([step("create-replacement", "web", { after }), step("delete-replaced", "web", { before })]),
      "it",
    );
    assert.equal(links.length, 1);
    assert.equal(links[0]?.action, "replace");
    assert.deepEqual([links[0].before?.["parent"], links[0].after?.["parent"]], ["eth0", "eth1"]);
  });

  it("keeps no secret, whatever its form and place", () => {
    const secret = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      ciphertext: "v1:x",
    };
    const drift = {
      alias: "found other, wanted hush-hush",
      "ports[0].cost": "found 1, wanted 77",
      mtu: "found 1, wanted 2",
    };
    const after = inputsOf("web", { alias: "[secret]", ports: [{ cost: "[secret]" }], drift });
    const [link] = readStack(
      preview([step("update", "web", { before: inputsOf("web", {}), after })]),
      "it",
    ).links;
    assert.deepEqual(link?.secret, ["alias", "ports"]);
    assert.deepEqual(link.after?.["drift"], { mtu: "found 1, wanted 2" });
    assert.ok(!JSON.stringify(link).includes("hush") && !JSON.stringify(link).includes("77"));

    const resources = [
      {
        urn: urn("web"),
        type: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
        inputs: inputsOf("web", { alias: secret, host: secret }),
      },
    ];
    const [exported] = readStack(JSON.stringify({ version: 3, deployment: { resources } }), "it").links;
    assert.deepEqual(
      [exported?.action, exported?.host, exported?.secret],
      ["keep", undefined, ["host", "alias"]],
    );
  });

  it("keeps the paths of secret checks, and no value", () => {
    const secret = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      ciphertext: "hush",
    };
    const paths = (checks: unknown): readonly string[] => {
      const resources = [
        {
          urn: urn("web"),
          type: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
          inputs: inputsOf("web", { checks }),
        },
      ];
      const [link] = readStack(JSON.stringify({ deployment: { resources } }), "it").links;
      assert.ok(link && !JSON.stringify({ ...link, kind: "" }).includes("hush"));
      return link.secretChecks;
    };
    assert.deepEqual(paths([{ ping: "192.0.2.1" }, { http: secret, within: 5 }]), [
      "checks[0].ping",
      "checks[1].http",
    ]);
    assert.deepEqual(paths(secret), ["checks"]);
    assert.deepEqual(paths([secret]), ["checks[0]"]);
    assert.deepEqual(paths([{ ping: "192.0.2.1" }]), []);
  });

  it("names what is not known yet", () => {
    const after = inputsOf("web", { alias: UNKNOWN, host: { address: UNKNOWN } });
    const [link] = readStack(preview([step("create", "web", { after })]), "it").links;
    assert.deepEqual(link?.unknown, ["host", "alias"]);
  });

  it("shows a preview's errors, without the value that the engine quotes", () => {
    const error = {
      severity: "error",
      message: "error: x resource 'a': property alias value {hush} has a problem: is bad\n",
    };
    const { errors } = readStack(
      preview([], [error, { severity: "info#err", message: "drift on node1" }]),
      "it",
    );
    assert.deepEqual(errors, ["x resource 'a': property alias: is bad"]);
    assert.deepEqual(readStack(JSON.stringify({ diagnostics: [error] }), "it").errors.length, 1);
  });

  const OTHERS: readonly (readonly [text: string, message: RegExp])[] = [
    ["", /^Error: it is empty; give what "pulumi preview --json"/],
    ["Previewing update", /^Error: it is not JSON/],
    ["[]", /^Error: it is JSON of something else/],
    ["null", /^Error: it is JSON of something else/],
    ['{"result":"succeeded"}', /^Error: it is JSON of something else/],
  ];
  for (const [text, message] of OTHERS) {
    it(`is refused if it is not one: ${text}`, () => assert.throws(() => readStack(text, "it"), message));
  }
});
