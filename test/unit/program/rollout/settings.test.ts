import assert from "node:assert/strict";
import { parseRollout } from "../../../../provider/program/rollout/settings";

describe("the setting of a rollout", () => {
  const parse = (given: unknown) => parseRollout(JSON.stringify(given));

  it("is off if it is not given", () => {
    assert.equal(parseRollout(undefined), undefined);
    assert.equal(parseRollout(" "), undefined);
  });

  it("has defaults: no canary, one wave, no pause", () => {
    assert.deepEqual(parse({}), { canary: 0, batches: [], pause: 0, onFailure: "stop" });
  });

  it("takes numbers, names, percentages and lists", () => {
    assert.deepEqual(parse({ canary: 2, batch: 12, pause: 1.5, onFailure: "undo" }), {
      canary: 2,
      batches: [{ hosts: 12 }],
      pause: 1.5,
      onFailure: "undo",
    });
    assert.deepEqual(parse({ canary: "node1", batch: [5, "25%", "100 %"] }), {
      canary: ["node1"],
      batches: [{ hosts: 5 }, { percent: 25 }, { percent: 100 }],
      pause: 0,
      onFailure: "stop",
    });
  });

  it("takes numbers as text, as `pulumi config set --path` may write them", () => {
    assert.deepEqual(parse({ canary: "1", batch: "3", pause: "10" }), {
      canary: 1,
      batches: [{ hosts: 3 }],
      pause: 10,
      onFailure: "stop",
    });
  });

  const REFUSED: readonly (readonly [text: string, part: string])[] = [
    ["yes", "macvlan:rollout must be"],
    ["[1]", "macvlan:rollout must be"],
    ['{"canaries": 1}', "canaries"],
    ['{"canary": -1}', "canary"],
    ['{"canary": []}', "canary"],
    ['{"canary": ["node1", 2]}', "canary"],
    ['{"batch": 0}', "batch"],
    ['{"batch": "0%"}', "batch"],
    ['{"batch": "101%"}', "batch"],
    ['{"batch": ["half"]}', "batch"],
    ['{"pause": -1}', "pause"],
    ['{"pause": "soon"}', "pause"],
    ['{"onFailure": "continue"}', "onFailure"],
  ];
  for (const [text, part] of REFUSED)
    it(`is refused as ${text}, with the part that is wrong`, () => {
      assert.throws(() => parseRollout(text), { code: "invalid-setting", message: new RegExp(part) });
    });
});
