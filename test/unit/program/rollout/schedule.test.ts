/** The waves of a rollout: in order, each as large as it may be, and always with an end. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openSchedule, wavesOf } from "../../../../provider/program/rollout/schedule";
import type { RolloutSettings } from "../../../../provider/program/rollout/settings";
import { type RunTrace, type SimulatedResource, type SimulatedRun, simulate } from "./run";

const HOSTS = ["node1", "node2", "node3", "node4", "node5", "node6", "node7"];

const settings = (given: Partial<RolloutSettings>): RolloutSettings => ({
  canary: 0,
  batches: [],
  pause: 0,
  onFailure: "stop",
  ...given,
});

const anySettings: fc.Arbitrary<RolloutSettings> = fc.record({
  canary: fc.oneof(fc.nat(3), fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 })),
  batches: fc.array(
    fc.oneof(
      fc.record({ hosts: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
    ),
    { maxLength: 2 },
  ),
  pause: fc.constantFrom(0, 0.01),
  onFailure: fc.constant("stop" as const),
});

/** @param failures how often a resource fails, in 20 */
function anyRun(failures: number, isOpaque: boolean, isLinked = true): fc.Arbitrary<SimulatedRun> {
  const resource = fc.record({
    host: fc.constantFrom(...HOSTS),
    needs: isLinked ? fc.array(fc.nat(99), { maxLength: 2 }) : fc.constant<number[]>([]),
    isOpaque: isOpaque ? fc.boolean() : fc.constant(false),
    outcome: fc.nat(19).map((n) => (n < failures ? "failed" : n < 14 ? "changed" : "unchanged")),
    duration: fc.integer({ min: 1, max: 5 }),
  });
  return fc.record({
    settings: anySettings,
    resources: fc.array(resource, { minLength: 1, maxLength: 20 }).map((list) =>
      list.map((one, position): SimulatedResource => ({
        ...one,
        // only what the program has made before can be named
        needs: position === 0 ? [] : [...new Set(one.needs.map((need) => need % position))],
      })),
    ),
    parallel: fc.integer({ min: 1, max: 5 }),
    continuesOnError: fc.boolean(),
  });
}

/** Hosts that others wait for, directly or not. */
function needed({ resources }: SimulatedRun, by: (host: string) => boolean): Set<string> {
  const hosts = new Set<string>();
  const add = (host: string): void => {
    for (const { needs } of resources.filter((one) => one.host === host)) {
      for (const need of needs) {
        const other = (resources[need] as SimulatedResource).host;
        if (other === host || hosts.has(other)) continue;
        hosts.add(other);
        add(other);
      }
    }
  };
  for (const { host } of resources) if (by(host)) add(host);
  return hosts;
}

function assertEnded({ left, isEnded }: RunTrace): void {
  if (!isEnded) assert.deepEqual(left, []);
}

/** No change begins before all changes of earlier waves have ended, and the pause after them. */
function assertInOrder({ settings: { pause } }: SimulatedRun, { changes }: RunTrace): void {
  for (const { wave, begin } of changes) {
    for (const earlier of changes) {
      if (earlier.wave < wave) assert.ok(begin >= earlier.end + pause * 1000);
    }
  }
}

/** After a failure no host is touched that was not touched before. */
function assertStopped({ changes }: RunTrace): void {
  const failedAt = Math.min(...changes.filter(({ failed }) => failed).map(({ end }) => end));
  const first = new Map<string, number>();
  for (const { host, begin } of changes) first.set(host, Math.min(begin, first.get(host) ?? Infinity));
  for (const begin of first.values()) assert.ok(begin <= failedAt);
}

describe("the waves of a rollout", () => {
  it("always end, in order, whatever the engine's parallelism, the dependencies and the failures", () => {
    fc.assert(
      fc.property(anyRun(2, false), (run) => {
        const trace = simulate(run);
        assertEnded(trace);
        assertInOrder(run, trace);
        assertStopped(trace);
        const stalls = [...trace.refused.values()].filter(
          (stop) => stop.why === "stalled" && stop.missing.length === 0,
        );
        assert.deepEqual(stalls, [], "known dependencies never bring a run to a standstill");
      }),
      { numRuns: 3000 },
    );
  });

  it("end as well if the program hides what its resources wait for: the hosts that cannot begin are refused", () => {
    fc.assert(
      fc.property(anyRun(1, true), (run) => {
        const trace = simulate(run);
        assertEnded(trace);
        assertInOrder(run, trace);
        assertStopped(trace);
      }),
      { numRuns: 3000 },
    );
  });

  it("change every host if nothing fails and all canaries exist", () => {
    fc.assert(
      fc.property(anyRun(0, false), (run) => {
        const { canary } = run.settings;
        fc.pre(
          typeof canary === "number" ||
            canary.every((name) => run.resources.some(({ host }) => host === name)),
        );
        const { changes, refused } = simulate(run);
        assert.equal(refused.size, 0);
        assert.equal(changes.length, run.resources.filter(({ outcome }) => outcome === "changed").length);
      }),
      { numRuns: 1000 },
    );
  });

  it("have no more hosts that change than allowed, besides those that others wait for", () => {
    fc.assert(
      fc.property(anyRun(0, false), (run) => {
        const { canary, batches } = run.settings;
        const total = new Set(run.resources.map(({ host }) => host)).size;
        const pulled = needed(run, () => true);
        const { changes } = simulate(run);
        for (const wave of new Set(changes.map((change) => change.wave))) {
          const hosts = new Set(changes.filter((change) => change.wave === wave).map(({ host }) => host));
          const own = [...hosts].filter((host) => !pulled.has(host)).length;
          const size = batches[Math.min(wave, batches.length) - 1];
          if (wave === 0) assert.ok(own <= (typeof canary === "number" ? canary : canary.length));
          else if (size && "hosts" in size) assert.ok(own <= size.hosts);
          else if (size) assert.ok(own <= Math.max(1, Math.floor((size.percent / 100) * total)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("begin with the named canaries and what these wait for, wherever the program has them", () => {
    fc.assert(
      fc.property(anyRun(2, false), (run) => {
        const { canary } = run.settings;
        fc.pre(typeof canary !== "number");
        const canaries: readonly string[] = typeof canary === "number" ? [] : canary;
        const early = needed(run, (host) => canaries.includes(host));
        const { changes } = simulate(run);
        const last = Math.max(0, ...changes.filter((c) => canaries.includes(c.host)).map(({ end }) => end));
        for (const { host, begin } of changes)
          if (!canaries.includes(host) && !early.has(host)) assert.ok(begin >= last);
      }),
      { numRuns: 1000 },
    );
  });

  it("count only hosts that change: the canary is the first of them", () => {
    fc.assert(
      fc.property(anyRun(0, false, false), (run) => {
        fc.pre(run.settings.canary === 1);
        const { changes } = simulate(run);
        const [first] = changes;
        if (first === undefined) return;
        const own = changes.filter(({ host }) => host === first.host);
        const others = changes.filter(({ host }) => host !== first.host);
        const end = Math.max(...own.map((change) => change.end));
        for (const { begin } of others) assert.ok(begin >= end);
      }),
      { numRuns: 1000 },
    );
  });

  const plan = (given: Partial<RolloutSettings>, count: number, total = count): number[] =>
    wavesOf(
      settings(given),
      Array.from({ length: total }, (_, i) => ({
        host: `node${i + 1}`,
        canary: `node${i + 1}`,
        changes: i >= total - count,
      })),
    ).map((wave) => wave.length);

  it("are as many as the sizes make, of which the last one repeats", () => {
    assert.deepEqual(plan({}, 5), [5]);
    assert.deepEqual(plan({ canary: 1 }, 5), [1, 4]);
    assert.deepEqual(plan({ batches: [{ hosts: 2 }] }, 5), [2, 2, 1]);
    assert.deepEqual(plan({ canary: 1, batches: [{ percent: 25 }, { percent: 100 }] }, 50), [1, 12, 37]);
    assert.deepEqual(plan({ canary: ["node5", "node3", "node9"] }, 5), [2, 3]);
    assert.deepEqual(plan({ batches: [{ percent: 10 }] }, 3), [1, 1, 1]);
  });

  it("take a percentage of the program's hosts, not of those that change", () => {
    assert.deepEqual(plan({ batches: [{ percent: 10 }] }, 12, 50), [5, 5, 2]);
  });

  it("let a host that has settled go on with what comes later, before others begin", () => {
    const schedule = openSchedule(settings({ canary: 1 }));
    schedule.announce("node1");
    schedule.announce("node2");
    assert.deepEqual(
      schedule.decide().released.map(({ host }) => host),
      ["node1"],
    );
    schedule.settle("node1", "changed", 0);
    schedule.announce("node1");
    assert.deepEqual(
      schedule.decide().released.map(({ host }) => host),
      ["node1"],
    );
  });
});
