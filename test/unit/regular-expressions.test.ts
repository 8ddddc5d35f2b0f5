/** Hosts print what they like, and texts of 100,000 characters must not stop everything else. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { slowText } from "./regular-expressions";

const PROVIDER = join(__dirname, "../../provider");

/** All literals in provider/, by what they are and where. */
function literals(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(PROVIDER, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const source = ts.createSourceFile(
      file,
      readFileSync(join(PROVIDER, file), "utf8"),
      ts.ScriptTarget.ES2022,
    );
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        found.set(node.text, `provider/${file}:${line + 1}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

function parse(literal: string): RegExp {
  const end = literal.lastIndexOf("/");
  return new RegExp(literal.slice(1, end), literal.slice(end + 1));
}

describe("regular expressions", () => {
  it("take time that grows no faster than the text, in all of provider/", function () {
    this.timeout(120_000);
    const all = literals();
    assert.ok(all.size > 100, `only ${all.size} were found`);
    const slow = [...all].flatMap(([literal, where]) => {
      const text = slowText(parse(literal));
      return text === undefined ? [] : [`${where}: ${literal} on ${JSON.stringify(text)}`];
    });
    assert.deepEqual(slow, []);
  });

  for (const quadratic of [
    /\s+$/,
    /^\s*([a-z]+)\s*=\s*(.*?)\s*$/,
    /([0-9]+)\.([0-9]+)/,
    /^(\S+) (\S+) ?(.*)$/,
    /\[!?[^\]]+\]/g,
    /=+$/,
    / value \{.*\} has a problem:/s,
    /^(a|b|ab)*$/,
  ]) {
    it(`are found if they are slow: ${String(quadratic)}`, () => {
      assert.notEqual(slowText(quadratic), undefined);
    });
  }
});
