import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { presentedKey } from "../../../../provider/ssh/auth/presented-key";
import { type KeyCache, type LoadedKey, loadKey } from "../../../../provider/ssh/auth/private-key";
import { ssh2 } from "../../../../provider/ssh/ssh2";

describe("private key", () => {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "id");
  const cache: KeyCache = { texts: new Map(), files: new Map() };
  const load = (): Promise<LoadedKey> => loadKey({ source: "IdentityFile", path }, undefined, cache);

  it("is read once, and again if its file has changed", async () => {
    assert.deepEqual(await load(), { kind: "missing" });
    const [first, second] = [0, 1].map(() => newEd25519());
    writeFileSync(path, first?.private ?? "", { mode: 0o600 });
    const one = await load();
    assert.equal(await load(), one);
    assert.equal(publicOf(one), publicOf(first?.public));
    writeFileSync(path, second?.private ?? "");
    assert.equal(publicOf(await load()), publicOf(second?.public));
    chmodSync(path, 0o644);
    assert.equal((await load()).kind, "unusable");
    rmSync(path);
    assert.deepEqual(await load(), { kind: "missing" });
  });

  it("signs as its public key verifies", async () => {
    const data = Buffer.from("what a server sends");
    for (const pair of [
      newEd25519(),
      ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }),
      ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }),
    ]) {
      writeFileSync(path, pair.private, { mode: 0o600 });
      const loaded = await load();
      assert.ok(loaded.kind === "key");
      const allowed = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"];
      const presented = presentedKey(loaded.key, allowed) ?? assert.fail("no algorithm");
      const signature = presented.sign(data);
      assert.equal(loaded.key.verify(data, signature, presented.hash), true, presented.type);
    }
  });
});

/** ssh2 cannot read one in 200 of the keys of this type that it makes itself. */
function newEd25519(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** The public key, as it is sent. */
function publicOf(of: LoadedKey | string | undefined): string {
  if (typeof of === "string") return of.split(" ")[1] ?? "";
  assert.ok(of?.kind === "key");
  return of.key.getPublicSSH().toString("base64");
}
