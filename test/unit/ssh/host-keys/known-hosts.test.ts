import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  judge,
  knownHostLine,
  lookup,
  parseKnownHosts,
} from "../../../../provider/ssh/host-keys/known-hosts";
import { fingerprint, keyType, parsePublicKey } from "../../../../provider/ssh/auth/public-key";

/** A key of a type, made up but well formed as far as its type and length fields go. */
const keyOf = (type: string, content: string): { line: string; blob: Buffer } => {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  const blob = Buffer.concat([length, name, Buffer.from(content)]);
  return { line: `${type} ${blob.toString("base64")}`, blob };
};
const A = keyOf("ssh-ed25519", "first key");
const B = keyOf("ssh-ed25519", "second key");
const RSA = keyOf("ssh-rsa", "rsa key");

const verdict = (text: string, host: string, port = 22, key = A) =>
  judge(parseKnownHosts(text, "known"), host, port, key.blob);
const kind = (...args: Parameters<typeof verdict>): string => verdict(...args).kind;

describe("known_hosts", () => {
  it("finds plain names, lists and ports", () => {
    const text = `# comment\n\nnode1,192.0.2.1 ${A.line} comment here\n[node1]:2222 ${B.line}\r\n`;
    assert.deepEqual(verdict(text, "node1"), { kind: "match", where: "known:3" });
    assert.equal(kind(text, "NODE1"), "match");
    assert.equal(kind(text, "192.0.2.1"), "match");
    assert.equal(kind(text, "node2"), "unknown");
    assert.equal(kind(text, "node1", 2222, B), "match");
    assert.equal(kind(`[2001:db8::1]:2222 ${A.line}`, "2001:db8::1", 2222), "match");
  });

  it("says what was expected instead of a changed key, and where from", () => {
    const text = `other ${B.line}\nnode1 ${B.line}\nnode1 ${RSA.line}`;
    assert.deepEqual(verdict(text, "node1"), {
      kind: "changed",
      expected: [
        { type: "ssh-ed25519", fingerprint: fingerprint(B.blob), where: "known:2" },
        { type: "ssh-rsa", fingerprint: fingerprint(RSA.blob), where: "known:3" },
      ],
    });
    assert.equal(kind(`node1 ${RSA.line}`, "node1"), "changed");
  });

  it("lets an entry without a port accept, but not refuse, for another port", () => {
    assert.equal(kind(`node1 ${A.line}`, "node1", 2222), "match");
    assert.equal(kind(`node1 ${B.line}`, "node1", 2222), "unknown");
    assert.equal(kind(`[node1]:2222 ${A.line}`, "node1", 22), "unknown");
  });

  it("knows wildcards and negation", () => {
    const text = `*.example,!bad.example,node? ${A.line}`;
    assert.equal(kind(text, "good.example"), "match");
    assert.equal(kind(text, "bad.example"), "unknown");
    assert.equal(kind(text, "node1"), "match");
    assert.equal(kind(text, "node"), "unknown");
    assert.equal(kind(text, "node12"), "unknown");
    assert.equal(kind(`[*.example]:2222 ${A.line}`, "x.example", 2222), "match");
  });

  it("refuses what is revoked, even if it is also listed", () => {
    const text = `node1 ${A.line}\n@revoked * ${A.line}`;
    assert.deepEqual(verdict(text, "node1"), { kind: "revoked", where: "known:2" });
    assert.equal(kind(`@revoked * ${A.line}`, "node1", 22, B), "unknown");
  });

  it("does not use an authority's key as a host's, and skips other markers and what it cannot read", () => {
    const odd = `@cert-authority * ${A.line}\n@what * ${A.line}\nnode1\nnode1 ssh-ed25519\nnode1 ssh-ed25519 !!!\n`;
    assert.equal(
      kind(`${odd}node1 ssh-rsa ${A.blob.toString("base64")}\n|2|x|y ${A.line}`, "node1"),
      "unknown",
    );
  });

  it("writes lines that it reads, plain and hashed", () => {
    for (const hashed of [false, true]) {
      for (const port of [22, 2222]) {
        const line = knownHostLine("Node1", port, A.blob, hashed);
        assert.equal(line.includes("node1"), !hashed);
        assert.equal(kind(line, "node1", port), "match");
        assert.equal(kind(line, "node2", port), "unknown");
      }
    }
  });

  it("lists the keys of a host with its port first", () => {
    const entries = parseKnownHosts(`node1 ${RSA.line}\n[node1]:2222 ${A.line}`, "known");
    assert.deepEqual(
      lookup(entries, "node1", 2222).map(({ type }) => type),
      ["ssh-ed25519", "ssh-rsa"],
    );
  });

  it("agrees with ssh-keygen about hashed names and fingerprints", function () {
    if (!existsSync("/usr/bin/ssh-keygen")) this.skip();
    const dir = mkdtempSync(join(tmpdir(), "macvlan-known-"));
    try {
      const path = join(dir, "key");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
      const shown = execFileSync("ssh-keygen", ["-lf", path], { encoding: "utf8" });
      const line = execFileSync("ssh-keygen", ["-yf", path], { encoding: "utf8" });
      const key = parsePublicKey(line);
      assert.ok(key);
      assert.ok(shown.includes(fingerprint(key.blob)));

      const known = join(dir, "known");
      writeFileSync(known, `node1,192.0.2.1 ${line}[node2]:2222 ${line}`);
      execFileSync("ssh-keygen", ["-q", "-H", "-f", known], { stdio: "ignore" });
      const hashed = execFileSync("cat", [known], { encoding: "utf8" });
      assert.ok(hashed.startsWith("|1|"));
      for (const [host, port] of [
        ["node1", 22],
        ["192.0.2.1", 22],
        ["node2", 2222],
      ] as const) {
        assert.equal(judge(parseKnownHosts(hashed, known), host, port, key.blob).kind, "match", host);
      }
      writeFileSync(known, knownHostLine("node9", 2200, key.blob, true));
      const found = execFileSync("ssh-keygen", ["-F", "[node9]:2200", "-f", known], { encoding: "utf8" });
      assert.match(found, /found: line 1/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("public key", () => {
  it("is refused when its parts do not belong together", () => {
    assert.equal(parsePublicKey(`ssh-rsa ${A.blob.toString("base64")}`), undefined);
    assert.equal(parsePublicKey("ssh-rsa"), undefined);
    assert.equal(keyType(Buffer.from([0, 0, 0, 200, 1])), "unknown");
    assert.equal(keyType(Buffer.alloc(2)), "unknown");
  });
});
