import assert from "node:assert/strict";
import type { dynamic } from "@pulumi/pulumi";
import { openStackMemory, stackIdentityProvider } from "../../../provider/engine/stack-identity";
import { UNKNOWN } from "../../../provider/model/unknown";

describe("the identity of a stack", () => {
  /** What a create gives; the SDK's own types leave outputs open. */
  const created = async (provider: dynamic.ResourceProvider): Promise<unknown> => {
    const made: { readonly outs?: Record<string, unknown> } = await provider.create({});
    return made.outs?.["identity"];
  };

  it("is made once, kept by updates, and no input", async () => {
    const provider = stackIdentityProvider(() => openStackMemory());
    const identity = await created(provider);
    assert.match(String(identity), /^[0-9a-f]{32}$/);
    assert.notEqual(await created(provider), identity, "each stack has another one");
    const results: unknown[] = [
      await provider.check?.({}, { __provider: "code" }),
      await provider.diff?.("identity", { identity }, {}),
      await provider.update?.("identity", { identity }, {}),
      await provider.read?.("identity", { identity }),
    ];
    assert.deepEqual(results, [
      { inputs: {} },
      { changes: false },
      { outs: { identity } },
      { id: "identity", props: { identity }, inputs: {} },
    ]);
  });

  it("survives a replacement: what the run has deleted is created again", async () => {
    const memory = openStackMemory();
    const provider = stackIdentityProvider(() => memory);
    await provider.delete?.("identity", { identity: "a1" });
    assert.equal(await created(provider), "a1");
  });
});

describe("what a run knows of its stack", () => {
  const LINK = { __owner: "fleet/dev", __stack: "a1" };

  it("is only the name in the state, without an identity", () => {
    assert.deepEqual(openStackMemory().owner({ __owner: "fleet/dev" }), { owner: "fleet/dev", stack: {} });
  });

  it("has no identity yet in the preview of the run that makes it", () => {
    const owner = openStackMemory().owner({ __owner: "fleet/dev", __stack: UNKNOWN });
    assert.deepEqual(owner.stack, { identities: [] });
  });

  it("is the resource's own identity first, then all that the state has", () => {
    const memory = openStackMemory("fleet/lost");
    for (const props of [{ __stack: "b2" }, { __stack: UNKNOWN }, { identity: "c3" }, {}]) memory.note(props);
    memory.note({ ...LINK, __stackName: "acme/fleet/prod" });
    assert.deepEqual(memory.owner(LINK, { making: "m1" }), {
      owner: "fleet/dev",
      stack: {
        ...{ identities: ["a1", "b2", "c3"], name: "fleet/prod", fullName: "acme/fleet/prod" },
        ...{ reclaims: "fleet/lost", making: "m1" },
      },
    });
  });

  it("knows the makings of this run", () => {
    const memory = openStackMemory();
    const making = memory.newMaking();
    assert.ok(memory.hasMade(making));
    assert.ok(!memory.hasMade("0123456789abcdef"));
  });
});
