import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { writePart } from "../../setup/written-part";

const MODULE = resolve(__dirname, "../../setup/written-part");
const PARTS = ["a", "b", "c", "d"];

describe("a part of a document", function () {
  this.timeout(60_000);
  let folder: string;
  const file = (): string => join(folder, "document.md");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "macvlan-part-"));
    const empty = PARTS.map((part) => `<!-- ${part}, written by us -->\n\nnothing yet\n\n<!-- end -->\n`);
    writeFileSync(file(), ["# Parts\n", ...empty, "The end.\n"].join("\n"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is written by several processes at a time, and none undoes what another wrote", async () => {
    const program = `require(process.argv[1]).writePart(process.argv[2], "us", "of " + process.argv[3], process.argv[3])`;
    const write = (part: string): Promise<unknown> =>
      promisify(execFile)(process.execPath, ["--import", "tsx", "-e", program, MODULE, file(), part], {
        cwd: resolve(__dirname, "../../.."),
      });
    await Promise.all(PARTS.map(write));
    const parts = PARTS.map((part) => `<!-- ${part}, written by us -->\n\nof ${part}\n\n<!-- end -->\n`);
    assert.equal(readFileSync(file(), "utf8"), ["# Parts\n", ...parts, "The end.\n"].join("\n"));
    assert.deepEqual(readdirSync(folder), ["document.md"]);
  });

  it("has to be there", () => {
    assert.throws(() => writePart(file(), "us", "of e", "e"), /no part between "<!-- e, written by us -->"/);
    assert.throws(() => writePart(file(), "them", "of them"), /no part between/);
    assert.deepEqual(readdirSync(folder), ["document.md"]);
  });
});
