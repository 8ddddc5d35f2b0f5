import assert from "node:assert/strict";
import {
  type OwnStack,
  type OwnerMark,
  isNamesake,
  isOwn,
  markFor,
  parseMark,
} from "../../../provider/model/owner";

const OWNER = "fleet/dev";

describe("whose a mark is", () => {
  const NAMED = { owner: OWNER };
  const MINE = { owner: OWNER, stack: "a1", making: "m1" };
  /** A mark, what is known of the stack, and whether the mark is its own. */
  const TABLE: readonly (readonly [
    title: string,
    mark: OwnerMark,
    stack: OwnStack | undefined,
    own: boolean,
  ])[] = [
    ["the name, if neither has an identity", NAMED, undefined, true],
    ["another name, if neither has an identity", { owner: "fleet/prod" }, undefined, false],
    ["the name, if only the mark has an identity", MINE, {}, true],
    ["the name, if only the stack has an identity", NAMED, { identities: ["a1"] }, true],
    ["the present name of a renamed stack", { owner: "fleet/prod" }, { name: "fleet/prod" }, true],
    ["the identity", MINE, { identities: ["a1"] }, true],
    ["an earlier identity", MINE, { identities: ["b2", "a1"] }, true],
    ["the identity under another name", { ...MINE, owner: "was/dev" }, { identities: ["a1"] }, true],
    ["another identity under the same name", MINE, { identities: ["b2"] }, false],
    ["any identity, if the stack gets its first one", MINE, { identities: [] }, false],
    ["the name, if the stack gets its first identity", NAMED, { identities: [] }, true],
    ["the name of a lost stack", MINE, { identities: ["b2"], reclaims: OWNER }, true],
    [
      "the full name of a lost stack",
      { ...MINE, stackName: "acme/fleet/prod" },
      { identities: ["b2"], reclaims: "acme/fleet/prod" },
      true,
    ],
    ["another name than the lost stack's", MINE, { identities: ["b2"], reclaims: "fleet/prod" }, false],
    ["the making to remove", MINE, { identities: ["a1"], removes: { making: "m1" } }, true],
    ["another making than the one to remove", MINE, { identities: ["a1"], removes: { making: "m0" } }, false],
    ["a making, if the one to remove had none", MINE, { identities: ["a1"], removes: {} }, false],
    ["no making, whichever is to be removed", NAMED, { removes: { making: "m1" } }, true],
    [
      "another making than the one to remove, reclaimed or not",
      MINE,
      { identities: ["a1"], reclaims: OWNER, removes: { making: "m0" } },
      false,
    ],
  ];
  for (const [title, mark, stack, own] of TABLE) {
    it(`${own ? "is its own" : "is foreign"}: ${title}`, () => {
      assert.equal(isOwn(mark, { owner: OWNER, ...(stack ? { stack } : {}) }), own);
    });
  }

  it("distinguishes stacks of the same name from those of others", () => {
    const stack = { identities: ["b2"], name: "fleet/prod", fullName: "acme/fleet/prod" };
    const asked = { owner: OWNER, stack };
    assert.ok(isNamesake({ owner: "fleet/prod", stack: "a1" }, asked));
    assert.ok(isNamesake({ ...MINE, stackName: "acme/fleet/prod" }, asked));
    assert.ok(!isNamesake(MINE, asked));
    assert.ok(isNamesake(MINE, { owner: OWNER }));
  });
});

describe("the mark that is to be there", () => {
  const STACK = { identities: ["a1"], fullName: "acme/fleet/prod" };

  it("is the present one while nothing is changed, whatever the stack is called by now", () => {
    const present = { owner: "fleet/old" };
    assert.deepEqual(markFor({ owner: OWNER, stack: STACK }, present), present);
  });

  it("is brought up to date by a change: identity, making and present name", () => {
    assert.deepEqual(markFor({ owner: OWNER, stack: { ...STACK, making: "m2" } }, { owner: "fleet/old" }), {
      ...{ owner: OWNER, stack: "a1", making: "m2", stackName: "acme/fleet/prod" },
    });
  });

  it("keeps what a run does not know", () => {
    const present = { owner: OWNER, stack: "a1", making: "m1", stackName: "acme/fleet/prod" };
    assert.deepEqual(markFor({ owner: OWNER, stack: { making: "m1" } }, present), present);
  });

  it("leaves out a full name that says no more than the owner", () => {
    assert.deepEqual(markFor({ owner: OWNER, stack: { fullName: OWNER } }, undefined), { owner: OWNER });
  });

  it("is read from what the host has written, and nothing else with it", () => {
    const mark = { owner: OWNER, stack: "a1", making: "m1", stackName: "acme/fleet/prod" };
    assert.deepEqual(parseMark({ name: "mac0", ...mark, resource: "web", made: true }), mark);
    for (const other of [null, "x", {}, { owner: 7 }]) assert.equal(parseMark(other), undefined);
    assert.deepEqual(parseMark({ owner: OWNER, stack: 7, making: null }), { owner: OWNER });
  });
});
