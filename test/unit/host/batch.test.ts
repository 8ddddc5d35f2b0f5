/** Simultaneous changes of a host, from an engine with a limited number in progress. */
import assert from "node:assert/strict";
import { type ChangeBatcher, openBatcher } from "../../../provider/host/batch";
import type { Clock } from "../../../provider/host/clock";
import { virtualClock } from "../../support/clock";

describe("changes of a machine", () => {
  /** Enqueues a change of each resource as the engine does: in order, a limited number at a time. */
  async function ask(batcher: ChangeBatcher<string, string>, resources: readonly string[], parallel: number) {
    const hostOf = (resource: string): string => resource.split(".")[0] ?? "";
    for (const resource of resources) batcher.announce(hostOf(resource), resource);
    const left = [...resources];
    const worker = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        batcher.touch();
        batcher.withdraw(hostOf(next), next);
        await batcher.enqueue(hostOf(next), hostOf(next), next);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
  }

  const resourcesOf = (hosts: number): string[] =>
    Array.from({ length: hosts }, (_, i) =>
      ["web", "bridge", "shim"].map((name) => `host${i}.${name}`),
    ).flat();

  /** @param duration milliseconds that a change takes, whatever is in it */
  function watched(duration: number): {
    batcher: ChangeBatcher<string, string>;
    clock: Clock;
    made: string[][];
  } {
    const made: string[][] = [];
    const clock = virtualClock();
    const batcher = openBatcher<string, string>(async (_group, changes) => {
      made.push([...changes]);
      await clock.sleep(duration);
      return changes.map((value) => ({ status: "fulfilled", value }));
    }, clock);
    return { batcher, clock, made };
  }

  it("are one per host, even if the engine has fewer in progress than there would be, and each takes long", async () => {
    const { batcher, made } = watched(400);
    await ask(batcher, resourcesOf(6), 8);
    assert.deepEqual(
      made.map((changes) => changes.length),
      [3, 3, 3, 3, 3, 3],
    );
  });

  it("wait once per host if the engine never has two of a host in progress", async () => {
    const { batcher, clock, made } = watched(1);
    await ask(batcher, resourcesOf(20), 1);
    assert.equal(made.length, 60);
    // for each host, the first change waits until no call has come for 40 ms, and takes 1 ms; the others wait for 5 ms
    assert.equal(clock.now(), 20 * (41 + 6 + 6));
  });

  it("have their results kept apart", async () => {
    const batcher = openBatcher<string, string>((_group, changes) =>
      Promise.resolve(
        changes.map((value) =>
          value === "bad" ? { status: "rejected", reason: new Error(value) } : { status: "fulfilled", value },
        ),
      ),
    );
    const enqueue = (change: string): Promise<string> => batcher.enqueue("machine", "host", change);
    const [good, bad] = await Promise.allSettled([enqueue("good"), enqueue("bad")]);
    assert.deepEqual(good, { status: "fulfilled", value: "good" });
    assert.equal(bad.status === "rejected" && String(bad.reason), "Error: bad");
  });
});
