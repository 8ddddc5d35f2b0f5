import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trace } from "../../../provider/ssh/trace";

describe("trace", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "macvlan-trace-"))));
  afterEach(() => {
    delete process.env["MACVLAN_TRACE"];
    rmSync(dir, { recursive: true });
  });

  const onStderr = (work: () => void): string => {
    const write = process.stderr.write.bind(process.stderr);
    let text = "";
    process.stderr.write = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    try {
      work();
    } finally {
      process.stderr.write = write;
    }
    return text;
  };

  it("appends JSON lines to a file that only its owner reads", () => {
    const path = join(dir, "trace");
    process.env["MACVLAN_TRACE"] = path;
    trace({ host: "h", event: "open", description: "connected", ms: 1.5 });
    trace({ host: "h", event: "run", description: "reading", script: "a\nb\n", code: 0, bytes: 7 });
    const [first, second] = readFileSync(path, "utf8").trim().split("\n");
    const { time, ...event } = JSON.parse(first ?? "") as Record<string, unknown>;
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.deepEqual(event, { host: "h", event: "open", description: "connected", ms: 1.5 });
    assert.equal((JSON.parse(second ?? "") as Record<string, unknown>)["script"], "a\nb\n");
    assert.equal(statSync(path).mode & 0o077, 0);
  });

  it("writes a readable line and the script on stderr", () => {
    for (const target of ["1", "stderr"]) {
      process.env["MACVLAN_TRACE"] = target;
      const text = onStderr(() =>
        trace({
          host: "ops@n:22",
          event: "run",
          description: "reading",
          script: "a\nb\n",
          code: null,
          ms: 12.4,
          bytes: 7,
        }),
      );
      assert.match(text, /^\S+Z ops@n:22 run: reading \(killed, 12 ms, 7 bytes\)\n {4}a\n {4}b\n$/);
    }
  });

  it("does nothing when it is not asked for, and does not fail a run when it cannot write", () => {
    assert.equal(
      onStderr(() => trace({ host: "h", event: "open", description: "x" })),
      "",
    );
    process.env["MACVLAN_TRACE"] = join(dir, "no", "folder");
    assert.match(
      onStderr(() => trace({ host: "h", event: "open", description: "x" })),
      /^MACVLAN_TRACE: cannot write to/,
    );
  });
});
