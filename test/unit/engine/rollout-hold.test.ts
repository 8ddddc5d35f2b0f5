/** A wave whose changes are held until all are complete. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openWaveHold } from "../../../provider/engine/rollout-hold";
import { virtualClock } from "../../support/clock";

interface HeldChange {
  readonly host: string;
  readonly duration: number;
  readonly fails: boolean;
  /** It leaves the host as it is, so that there is nothing to hold. */
  readonly isEmpty: boolean;
}

/** Changes from an engine with a limited number of slots; one host gets one change at a time. */
async function run(changes: readonly HeldChange[], parallel: number) {
  const clock = virtualClock();
  const wave = openWaveHold(clock);
  const busy = new Map<string, Promise<unknown>>();
  /** In order: what was decided on a host, and what failed. */
  const trace: string[] = [];
  const make = async (change: HeldChange): Promise<void> => {
    await clock.sleep(change.duration);
    if (change.fails) {
      wave.fail("it failed");
      trace.push(`${change.host} failed`);
      return;
    }
    if (change.isEmpty) return;
    const why = await wave.hold(change.host);
    trace.push(`${change.host} ${why === undefined ? "confirmed" : "rolled back"}`);
  };
  const left = [...changes];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const change = next;
      await wave.call(() => clock.sleep(1));
      const end = wave.begin(change.host);
      const turn = (busy.get(change.host) ?? Promise.resolve()).then(() => make(change));
      busy.set(change.host, turn);
      await turn;
      end();
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { trace, clock };
}

const anyChange: fc.Arbitrary<HeldChange> = fc.record({
  host: fc.constantFrom("node1", "node2", "node3", "node4"),
  duration: fc.integer({ min: 1, max: 3000 }),
  fails: fc.nat(9).map((n) => n === 0),
  isEmpty: fc.nat(3).map((n) => n === 0),
});

describe("a wave that is rolled back as a whole", () => {
  it("ends, with each change decided, and confirms nothing after a failure", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyChange, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 6 }),
        async (changes, parallel) => {
          const { trace } = await run(changes, parallel);
          const decided = trace.filter((line) => !line.endsWith("failed")).length;
          assert.equal(decided, changes.filter(({ fails, isEmpty }) => !fails && !isEmpty).length);
          const failure = trace.findIndex((line) => line.endsWith("failed"));
          if (failure >= 0) assert.ok(trace.slice(failure).every((line) => !line.endsWith("confirmed")));
        },
      ),
      { numRuns: 200 },
    );
  });

  const change = (host: string, more: Partial<HeldChange> = {}): HeldChange => ({
    ...{ host, duration: 100, fails: false, isEmpty: false },
    ...more,
  });

  it("confirms all when the slowest is complete", async () => {
    const { trace, clock } = await run([change("node1"), change("node2", { duration: 9000 })], 2);
    assert.deepEqual(trace.toSorted(), ["node1 confirmed", "node2 confirmed"]);
    assert.ok(clock.now() >= 9000);
  });

  it("rolls the others back as soon as one fails", async () => {
    const { trace, clock } = await run(
      [change("node1"), change("node2", { duration: 9000, fails: true }), change("node3")],
      3,
    );
    assert.deepEqual(trace.toSorted(), ["node1 rolled back", "node2 failed", "node3 rolled back"]);
    assert.ok(clock.now() < 10_000);
  });

  it("confirms what the engine can hold at a time, if it has fewer slots than the wave has hosts", async () => {
    const { trace } = await run([change("node1"), change("node2"), change("node3", { fails: true })], 1);
    assert.deepEqual(trace, ["node1 confirmed", "node2 confirmed", "node3 failed"]);
  });
});
