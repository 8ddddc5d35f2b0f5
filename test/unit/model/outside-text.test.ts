import assert from "node:assert/strict";
import fc from "fast-check";
import { MacvlanError } from "../../../provider/model/error";
import { forLog, printable, quotedEnd } from "../../../provider/model/outside-text";

describe("text from outside", () => {
  it("is one line without control, invisible or bidirectional characters", () => {
    assert.equal(
      printable("a\r\nb\t\u001b[2J\u202ec\u2028\ud800"),
      "a\\r\\nb\\t\\u001b[2J\\u202ec\\u2028\\ud800",
    );
    assert.equal(printable("Grüße 日本 😀"), "Grüße 日本 😀");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(printable(text, Infinity), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });

  it("is cut in the middle", () => {
    assert.equal(printable(`${"a".repeat(500)}${"b".repeat(500)}`, 10), "aaaaa…bbbbb");
  });

  it("is quoted by its end, and empty text is nothing", () => {
    assert.equal(quotedEnd('  said "no"\n'), '"said \\"no\\""');
    assert.equal(quotedEnd(" \n"), "nothing");
    assert.equal(quotedEnd("abcdef", 3), '"def"');
  });

  it("is no command of a CI system in a log, whatever is around it", () => {
    for (const command of ["::error::x", "  ::set-output name=x::y", "\u00a0::error::x", "\r::error::x"]) {
      assert.doesNotMatch(forLog(`a message:\n${command}`), /^\s*::/m, JSON.stringify(command));
    }
    for (const command of ["##[error]x", "a ##vso[task.x]y", "##teamcity[x]"]) {
      assert.doesNotMatch(forLog(command), /##(\[|vso|teamcity)/);
    }
    assert.equal(forLog("first\n  - second\r\n\tthird"), "first\n  - second\n    third");
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(":", "#", "[", " ", "\n", "\r", "\u001b", "\u2029", "e") }),
        (text) => {
          const shown = forLog(text);
          assert.doesNotMatch(shown, /^\s*::|##\[|[\r\u2029]/m);
          assert.ok(!shown.includes("\u001b"));
        },
      ),
    );
  });

  it("is harmless in every error", () => {
    const error = new MacvlanError("change-failed", "it printed\n::error::\u001b[0m");
    assert.equal(error.message, "it printed\n| ::error::\\u001b[0m [change-failed]");
    assert.equal(error.text, "it printed\n| ::error::\\u001b[0m");
  });
});
