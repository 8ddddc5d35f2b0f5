/** The second check of a resource that is to be replaced, for which the engine leaves its old inputs out. */
import assert from "node:assert/strict";
import type { dynamic } from "@pulumi/pulumi";
import { openContext } from "../../../provider/engine/context";
import { openProviders } from "../../../provider/engine/provider";

type Json = Record<string, unknown>;

const HOST = "node1";

/** A run in which no host can be reached, as a setting cannot be used. */
function openRun(): (olds: Json, news: Json) => Promise<Json> {
  const context = openContext({ env: { MACVLAN_MAX_CONNECTIONS: "none" }, stderr: () => undefined });
  const { check } = openProviders(() => context)["MacvlanInterface"] as Required<dynamic.ResourceProvider>;
  return async (olds, news) => {
    const checked: dynamic.CheckResult = await check(olds, news);
    assert.deepEqual(checked.failures ?? [], []);
    return checked.inputs as Json;
  };
}

const given = (owner: string, more: Json = {}): Json => ({
  ...{ host: HOST, parent: "eth0", name: "mac0", __owner: owner, __stack: "a".repeat(32), __resource: "web" },
  ...more,
});

describe("the check of a replacement", () => {
  for (const [title, owner, more] of [
    ["in a renamed stack", "fleet/prod", {}],
    ["of a link that got another name", "fleet/dev", { name: "web0" }],
    ["of a link that moved to another namespace", "fleet/dev", { netns: "blue" }],
  ] as const) {
    it(`keeps the derived MAC address and the owner ${title}`, async () => {
      const made = await openRun()({}, given("fleet/dev"));
      const check = openRun();
      const first = await check(made, given(owner, more));
      const second = await check({}, given(owner, more));
      assert.equal(first["macAddress"], made["macAddress"]);
      for (const key of ["macAddress", "__derived", "__owner", "__stack"])
        assert.deepEqual(second[key], made[key], key);
    });
  }

  it("derives another MAC address on another host, and for another link", async () => {
    const made = await openRun()({}, given("fleet/dev"));
    const check = openRun();
    const elsewhere = given("fleet/dev", { host: "node2" });
    await check(made, elsewhere);
    assert.notEqual((await check({}, elsewhere))["macAddress"], made["macAddress"]);
    const other = await check({}, given("fleet/dev", { name: "mac1", __resource: "other" }));
    assert.notEqual(other["macAddress"], made["macAddress"]);
  });

  it("keeps a MAC address that the program states", async () => {
    const made = await openRun()({}, given("fleet/dev"));
    const check = openRun();
    const stated = given("fleet/dev", { macAddress: "02:00:5e:00:53:01" });
    await check(made, stated);
    assert.equal((await check({}, stated))["macAddress"], "02:00:5e:00:53:01");
  });
});
