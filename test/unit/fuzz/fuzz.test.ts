import assert from "node:assert/strict";
import { type Parse, iproute2 } from "../../fuzz/iproute2";
import { fuzz } from "../../fuzz/target";
import { TARGETS } from "../../fuzz/targets";
import { parseObservation } from "../../../provider/host/observe";

/** The same inputs every time; `npm run fuzz` takes others. */
const SEED = 20_261_126;

/** How long each target runs here, in milliseconds. */
const EACH = 4000;

/** Faults that were there, and readers that have them again. */
const PLANTED: readonly (readonly [fault: string, parse: Parse])[] = [
  [
    "one link that is not JSON makes the whole host unreadable",
    (output, marker) => {
      const observation = parseObservation(output, marker);
      if (observation.unreadable.some(({ what }) => what === "link"))
        throw new Error("what ip printed is no JSON");
      return observation;
    },
  ],
  [
    "a tunnel's destination is taken for the route's",
    (output, marker) =>
      parseObservation(
        output.replace(/"dst":("[^"]*")([^{}]*?"encap":"ip"[^{}]*?)"dst":("[^"]*")/g, '"dst":$3$2'),
        marker,
      ),
  ],
];

describe("fuzzing", function () {
  this.timeout(EACH + 20_000);

  for (const target of TARGETS) {
    it(`${target.name}: ${target.about}`, async () => {
      const { runs, failure } = await fuzz(target, SEED, EACH);
      assert.equal(failure, undefined, failure);
      assert.ok(runs > 20, `only ${runs} inputs`);
    });
  }

  for (const [fault, parse] of PLANTED) {
    it(`fails if ${fault}`, async () => {
      const { failure } = await fuzz(iproute2(parse), SEED, 15_000);
      assert.match(failure ?? "nothing", /Property failed/);
    });
  }
});
