import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import {
  CA_SIGNATURES,
  CIPHERS,
  HOST_KEYS,
  KEX,
  MACS,
  PUBLIC_KEYS,
} from "../../../../provider/ssh/config/algorithms";
import { OPTIONS, canonicalKeyword, supportOf } from "../../../../provider/ssh/config/supported";

/** What ssh itself says of a host without any configuration, by option. */
function printedBySsh(): Map<string, string> {
  const text = execFileSync("ssh", ["-G", "-T", "-F", "/dev/null", "host"], { encoding: "utf8" });
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line): [string, string] => {
        const space = line.indexOf(" ");
        return [line.slice(0, space).toLowerCase(), line.slice(space + 1)];
      }),
  );
}

const TREATMENTS = { obeyed: "obeyed", refused: "refused", named: "passed over", none: "without effect" };

describe("options of the OpenSSH client configuration", () => {
  const docs = readFileSync("docs/hosts.md", "utf8");

  it("have a place in the table that ssh -G prints any option of", function () {
    if (!existsSync("/usr/bin/ssh")) this.skip();
    for (const keyword of printedBySsh().keys()) {
      // what ssh prints for the host itself, which is no option
      if (keyword !== "host") assert.ok(supportOf(canonicalKeyword(keyword)), keyword);
    }
  });

  it("are in docs/hosts.md as the program treats them", () => {
    const rows = OPTIONS.map(
      ({ name, treatment, note }) => `| \`${name}\` | ${TREATMENTS[treatment]} | ${note} |`,
    );
    const written = docs.split("\n").filter((line) => /^\| `[A-Za-z0-9]+` +\| /.test(line));
    // prettier lays the columns out
    assert.deepEqual(
      written.map((row) => row.replace(/ {2,}/g, " ")),
      rows.map((row) => row.replace(/ {2,}/g, " ")),
    );
  });

  it("are in the order of their names, each once", () => {
    const names = OPTIONS.map(({ name }) => name.toLowerCase());
    assert.deepEqual(names, [...new Set(names)].toSorted());
  });

  it("are no weaker by default than those of OpenSSH", function () {
    if (!existsSync("/usr/bin/ssh")) this.skip();
    const theirs = printedBySsh();
    for (const [option, { defaults, weak }] of [
      ["kexalgorithms", KEX],
      ["ciphers", CIPHERS],
      ["macs", MACS],
      ["hostkeyalgorithms", HOST_KEYS],
      ["pubkeyacceptedalgorithms", PUBLIC_KEYS],
      ["casignaturealgorithms", CA_SIGNATURES],
    ] as const) {
      const allowed = theirs.get(option)?.split(",") ?? [];
      for (const name of defaults) assert.ok(allowed.includes(name), `${option}: ${name}`);
      for (const name of weak) assert.ok(!allowed.includes(name), `${option}: ${name}`);
    }
  });
});
