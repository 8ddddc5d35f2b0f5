import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TraceEvent, openTrace } from "../../../provider/ssh/trace";

describe("trace", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "macvlan-trace-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const NOW = "2026-11-26T12:00:00.000Z";
  const OPEN: TraceEvent = { host: "h", event: "open", description: "connected", ms: 1.5 };

  /** What events come to on stderr, if the trace goes to `target`. */
  function stderrOf(target: string | undefined, ...events: TraceEvent[]): string {
    let text = "";
    const trace = openTrace(target, {
      stderr: (more) => (text += more),
      redact: (shown) => shown.replaceAll("hunter2", "[secret]"),
      now: () => new Date(NOW),
    });
    for (const event of events) trace(event);
    return text;
  }

  it("appends JSON lines to a file that only its owner reads", () => {
    const path = join(dir, "trace");
    const run: TraceEvent = { host: "h", event: "run", description: "reading", script: "a hunter2\nb\n" };
    assert.equal(stderrOf(path, OPEN, { ...run, code: 0, bytes: 7 }), "");
    const [first, second] = readFileSync(path, "utf8").trim().split("\n");
    const { time, ...event } = JSON.parse(first ?? "") as Record<string, unknown>;
    assert.equal(time, NOW);
    assert.deepEqual(event, OPEN);
    assert.equal((JSON.parse(second ?? "") as Record<string, unknown>)["script"], "a [secret]\nb\n");
    assert.equal(statSync(path).mode & 0o077, 0);
  });

  it("writes a readable line and the script on stderr", () => {
    for (const target of ["1", "stderr"]) {
      const text = stderrOf(target, {
        host: "ops@n:22",
        event: "run",
        description: "reading",
        script: "a hunter2\nb\n",
        code: null,
        ms: 12.4,
        bytes: 7,
      });
      assert.match(
        text,
        /^\S+Z ops@n:22 run: reading \(killed, 12 ms, 7 bytes\)\n {4}a \[secret\]\n {4}b\n$/,
      );
    }
  });

  it("does nothing when it is not asked for, and does not fail a run when it cannot write", () => {
    for (const target of [undefined, "0"]) assert.equal(stderrOf(target, OPEN), "");
    assert.match(stderrOf(join(dir, "no", "folder"), OPEN), /^MACVLAN_TRACE: cannot write to/);
  });
});
