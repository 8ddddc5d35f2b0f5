import assert from "node:assert/strict";
import { type Row, rowsOf, tableOf, withRows } from "../../faults/rows";

const row = (fault: string, ...found: Row["found"]): Row => ({ fault, found, healed: found.length });

describe("the table of faults", () => {
  const EARLIER = [row("a command fails", "before", "wanted", "between"), row("`up` is killed", "wanted")];

  it("is read as it was written, without its sum", () => {
    assert.deepEqual(rowsOf(tableOf(EARLIER)), EARLIER);
    // as prettier has it
    const padded = tableOf(EARLIER).replaceAll(" | ", "   |   ");
    assert.deepEqual(rowsOf(padded), EARLIER);
  });

  it("keeps the rows of faults that did not strike in a run, and adds new ones at its end", () => {
    const now = [row("a check hangs", "before"), row("a command fails", "before")];
    assert.deepEqual(withRows(EARLIER, now), [now[1], EARLIER[1], now[0]]);
  });
});
