/** How `ignoreChanges` and `replaceOnChanges` reach the provider, from any source of the options. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { MacvlanInterface } from "../../../provider/program/resources";

describe("ignoreChanges and replaceOnChanges in a program", () => {
  const inputs = new Map<
    string,
    Readonly<Record<"__ignored" | "__replaceOnChanges", readonly string[] | undefined>>
  >();
  const args = { host: "node1", parent: "eth0" };
  const settled = async (...resources: MacvlanInterface[]): Promise<void> => {
    for (const { urn } of resources) await new Promise((done) => urn.apply(done));
  };

  before(() => {
    const newResource = ({ name, inputs: given }: pulumi.runtime.MockResourceArgs) => {
      inputs.set(name, given as NonNullable<ReturnType<typeof inputs.get>>);
      return { id: name, state: given as object };
    };
    void pulumi.runtime.setMocks({ newResource, call: () => ({}) });
  });

  it("reach the provider from the resource's own options, and from transformations of its parent", async () => {
    const ignore =
      (...names: string[]): pulumi.ResourceTransformation =>
      ({ props, opts }) => ({
        props: props,
        opts: pulumi.mergeOptions(opts, { ignoreChanges: names }),
      });
    const parent = new pulumi.ComponentResource(
      "test:index:Group",
      "group",
      {},
      { transformations: [ignore("mtu")] },
    );
    await settled(
      new MacvlanInterface("plain", args),
      new MacvlanInterface("own", args, { ignoreChanges: ["addresses", "routes[0].metric"] }),
      new MacvlanInterface("both", args, { parent, ignoreChanges: ["alias"], replaceOnChanges: ["mode"] }),
    );
    assert.equal(inputs.get("plain")?.__ignored, undefined);
    assert.deepEqual(inputs.get("own")?.__ignored, ["addresses", "routes[0].metric"]);
    assert.deepEqual(inputs.get("both")?.__ignored, ["alias", "mtu"]);
    assert.equal(inputs.get("own")?.__replaceOnChanges, undefined);
    assert.deepEqual(inputs.get("both")?.__replaceOnChanges, ["mode"]);
  });
});
