/** Changes of several hosts that stay or are rolled back together. */
import assert from "node:assert/strict";
import { type ProviderContext, openContext } from "../../provider/engine/context";
import { openProviders } from "../../provider/engine/provider";
import { replaceIp, restoreIp, watchdogEnds } from "./faults";
import { seenLink, snapshot } from "./seen";
import { useLab } from "./stack";

describe("a wave that is rolled back if a host fails", () => {
  const on = useLab(2);
  const host = { address: "node1", confirmTimeout: 6, connectTimeout: 2, commandTimeout: 20 };
  /** On node1, a change of the link that carries the SSH connection, and one that is not. */
  const CHANGES: readonly (readonly [what: string, kind: string, args: object])[] = [
    [
      "the management path",
      "HairpinBridge",
      { host, name: "br0", ports: [{ name: "mgmt0", hairpin: false }], takeOverAddresses: true },
    ],
    ["another link", "MacvlanInterface", { host, name: "web", parent: "eth0" }],
  ];
  const OTHER = { host: "node2", name: "web", parent: "eth0" };
  let context: ProviderContext;

  /** Creates resources at the same time, as the engine does. @returns their errors' codes, or their outputs */
  async function create(
    resources: readonly (readonly [kind: string, name: string, args: object])[],
  ): Promise<unknown[]> {
    context = openContext({
      env: { ...process.env, MACVLAN_SSH_CONFIG_PATH: on.lab.sshConfig },
      config: (key) => (key === "macvlan:rollout" ? '{"onFailure":"undo"}' : undefined),
      stderr: () => undefined,
    });
    const providers = openProviders(() => context);
    const checked: (readonly [kind: string, inputs: object])[] = [];
    for (const [kind, name, args] of resources) {
      const news = { ...args, __owner: "lab/test", __resource: name };
      const result = await providers[kind]?.check?.({}, news);
      assert.deepEqual(result?.failures ?? [], []);
      checked.push([kind, result?.inputs as object]);
    }
    const results = await Promise.allSettled(
      checked.map(([kind, inputs]) =>
        (providers[kind] as { create(given: object): Promise<unknown> }).create(inputs),
      ),
    );
    await context.close();
    return results.map((r) => (r.status === "fulfilled" ? "created" : (r.reason as { code?: string }).code));
  }

  for (const [what, kind, args] of CHANGES) {
    it(`leaves ${what} as it was if another host fails, and keeps it if none does`, async () => {
      const before = await snapshot(on.lab, "node1");
      await replaceIp(on.lab, "node2", 1, "rm /tmp/count; sleep 2; exit 2");
      const both = [
        [kind, "one", args],
        ["MacvlanInterface", "other", OTHER],
      ] as const;
      assert.deepEqual(await create(both), ["rollout-undone", "change-failed"]);
      await watchdogEnds(on.lab, "node1");
      assert.equal(await snapshot(on.lab, "node1"), before);
      await restoreIp(on.lab, "node2");
      assert.deepEqual(await create(both), ["created", "created"]);
      assert.ok(await seenLink(on.lab, "node2", "web"));
      assert.notEqual(await snapshot(on.lab, "node1"), before);
      for (const name of ["node1", "node2"]) {
        await watchdogEnds(on.lab, name);
        await on.lab.reset(name);
      }
    });
  }
});
