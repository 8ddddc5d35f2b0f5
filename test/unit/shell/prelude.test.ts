/** What the planner and the shell text both have to know. */
import assert from "node:assert/strict";
import { BUILT_IN_LINKS } from "../../../provider/plan/transition";
import { shellText } from "../../../provider/shell/library";

describe("links that every new namespace has", () => {
  it("are the same to the planner and to the script that deletes a namespace", () => {
    const [, inShell = ""] = /^ {2}n="([^"]*)"$/m.exec(shellText("prelude")) ?? [];
    assert.deepEqual(inShell.trim().split(" "), BUILT_IN_LINKS);
  });
});
