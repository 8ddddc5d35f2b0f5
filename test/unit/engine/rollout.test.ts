/** The provider's part of a rollout: what waits, what is refused, and the preview's line. */
import assert from "node:assert/strict";
import { type RolloutOptions, describeWaves, openRunRollout } from "../../../provider/engine/rollout";
import { MacvlanError } from "../../../provider/model/error";
import type { PrefetchHint } from "../../../provider/program/prefetch";
import { parseRollout } from "../../../provider/program/rollout/settings";
import { virtualClock } from "../../support/clock";

describe("the provider in a rollout", () => {
  const hosts = (count: number) => Array.from({ length: count }, (_, i) => ({ address: `node${i + 1}` }));
  const hintsFor = (count: number): PrefetchHint[] =>
    hosts(count).map((host) => ({
      host,
      free: [],
      links: [],
      rollout: { resources: [`web on ${host.address}`], needs: [] },
    }));

  function open(rollout: object, hints: PrefetchHint[] = []) {
    const clock = virtualClock();
    const said: string[] = [];
    const notes: string[] = [];
    const forgotten: string[] = [];
    const options: RolloutOptions = {
      settings: parseRollout(JSON.stringify(rollout)),
      hints,
      notes: {
        changed: (host) => notes.push(`${host} changed`),
        failed: (host, reason) => notes.push(`${host} failed: ${reason}`),
      },
      say: (text) => said.push(text),
      forget: ({ address }) => forgotten.push(address),
      redact: (text) => text.replaceAll("secret", "[secret]"),
      clock,
      wallClock: () => clock.now(),
    };
    return { run: openRunRollout(options), clock, said, notes, forgotten };
  }

  const [node1, node2, node3] = hosts(3) as [{ address: string }, { address: string }, { address: string }];

  it("makes a change wait for the pause before its wave", async () => {
    const { run, clock, forgotten } = open({ canary: 1, pause: 60 });
    run.noteTurn(node1, { __turn: { notBefore: 60_000, wave: 1 } });
    assert.deepEqual(forgotten, []);
    await Promise.all(["web", "shim"].map((name) => run.change(node1, name, () => Promise.resolve())));
    assert.equal(clock.now(), 60_000);
    assert.deepEqual(forgotten, ["node1"], "what was read a minute ago is read again, once");
  });

  it("refuses hosts that have not begun once a host has failed, and lets the others go on", async () => {
    const { run, said, notes } = open({ canary: 1 }, hintsFor(4));
    for (const host of [node1, node2]) run.noteTurn(host, { __turn: { notBefore: 0, wave: 0 } });
    await run.change(node1, "web", () => {
      run.noteChanged(node1);
      return Promise.resolve();
    });
    const failing = run.change(node2, "web", () =>
      Promise.reject(new MacvlanError("change-failed", "the secret is out")),
    );
    await assert.rejects(failing, { code: "change-failed" });
    assert.deepEqual(notes, ["node1:22 changed", "node2:22 failed: the [secret] is out"]);
    assert.deepEqual(said, ["the rollout stopped at node2. Not touched: node3, node4 [rollout-stopped]"]);
    await assert.rejects(
      run.change(node3, "web", () => assert.fail("node3 was touched")),
      { code: "rollout-stopped", host: "node3", resource: "web" },
    );
    assert.equal(await run.change(node1, "shim", () => Promise.resolve("done")), "done");
  });

  it("ends the pause when the run is interrupted, without touching a host", async () => {
    const { run, clock } = open({ canary: 1, pause: 60 });
    run.noteTurn(node1, { __turn: { notBefore: 60_000, wave: 1 } });
    const waiting = run.change(node1, "web", () => assert.fail("node1 was touched"));
    run.interrupt();
    await assert.rejects(waiting, { code: "interrupted" });
    assert.ok(clock.now() < 60_000);
  });

  it("refuses what the program refuses, with its reason", async () => {
    const { run } = open({ canary: "node9" });
    run.noteTurn(node1, { __turn: { refused: "there is no canary", code: "rollout-blocked" } });
    await assert.rejects(
      run.change(node1, "web", () => assert.fail("node1 was touched")),
      { code: "rollout-blocked", message: /not touched: there is no canary/ },
    );
  });

  it("puts deletions into waves as they come, whichever of them the engine has in progress", async () => {
    const { run, clock } = open({ canary: 1, batch: 2 }, hintsFor(6));
    run.noteTurn({ address: "node9" }, {});
    const trace: string[] = [];
    const remove = (host: { address: string }): Promise<void> =>
      run.change(host, "web", async () => {
        trace.push(`${host.address} begins`);
        run.noteChanged(host);
        await clock.sleep(1000);
        trace.push(`${host.address} ends`);
      });
    // the engine has three slots
    const left = hosts(6);
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        for (let next = left.shift(); next; next = left.shift()) await remove(next);
      }),
    );
    assert.deepEqual(trace.slice(0, 2), ["node1 begins", "node1 ends"]);
    const begun = (until: number): number =>
      trace.slice(0, until).filter((line) => line.endsWith("begins")).length -
      trace.slice(0, until).filter((line) => line.endsWith("ends")).length;
    assert.ok(trace.every((_, i) => begun(i + 1) <= 2));
    assert.equal(trace.length, 12);
  });

  it("touches no further host after a deletion that has failed", async () => {
    const { run } = open({ canary: 1 }, hintsFor(3));
    run.noteTurn({ address: "node9" }, {});
    const results = await Promise.allSettled(
      hosts(3).map((host) => run.change(host, "web", () => Promise.reject(new Error("no")))),
    );
    const codes = results.map((r) => (r.status === "rejected" ? (r.reason as { code?: string }).code : ""));
    assert.deepEqual(codes, [undefined, "rollout-stopped", "rollout-stopped"]);
  });

  it("does not hold deletions back if no program runs, as in a destroy", async () => {
    const { run, clock } = open({ canary: 1, pause: 60 });
    await Promise.all(hosts(5).map((host) => run.change(host, "web", () => clock.sleep(10))));
    assert.equal(clock.now(), 10);
  });

  it("shows the plan for the hosts that change once all announced resources have been checked", () => {
    const { run, said } = open({ canary: 1, batch: "50%" }, hintsFor(6));
    for (const host of hosts(6)) {
      assert.deepEqual(said, []);
      run.notePreviewed(host, `web on ${host.address}`, host.address !== "node1");
    }
    assert.deepEqual(said, ["rollout: node2, then 3 hosts, then node6"]);
    run.notePreviewed({ address: "node7" }, "late", true);
    assert.deepEqual(said.slice(1), ["rollout: node2, then 3 hosts, then node6 and node7"]);
  });

  it("warns at preview that a canary is no host of the program", () => {
    const { run, said } = open({ canary: ["node1", "node9"] }, hintsFor(1));
    run.notePreviewed(node1, "web on node1", false);
    assert.deepEqual(said, ["rollout: no host of this program is the canary node9"]);
  });

  it("describes waves in one line", () => {
    const wave = (count: number): string[] => Array.from({ length: count }, (_, i) => `h${i}`);
    assert.equal(describeWaves([], 5), undefined);
    assert.equal(describeWaves([["node1"], wave(12), wave(37)], 0), "rollout: node1, then 12, then 37 hosts");
    assert.equal(
      describeWaves([["node1"], wave(12), wave(12), ["node26"]], 30),
      "rollout: node1, then 2 times 12 hosts, then node26, 30 s apart",
    );
  });
});
