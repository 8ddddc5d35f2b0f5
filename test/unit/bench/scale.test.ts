/** The tables of docs/scale.md. */
import assert from "node:assert/strict";
import { type Life, PHASES } from "../../scale/measure";
import {
  fleetShape,
  hostLinksOfShape,
  hostLinksShape,
  linksShape,
  type Shape,
  unsavedShape,
} from "../../scale/shapes";
import { describeLives } from "../../scale/table";

/** A life whose phases all took so many seconds. */
function lifeOf(shape: Shape, wall: number): Life {
  const usage = { cpu: wall / 4, memory: 2e8 };
  const measured = {
    wall,
    connections: shape.hosts,
    engine: usage,
    program: usage,
    provider: usage,
    machine: wall,
  };
  const phases = Object.fromEntries(PHASES.map((phase) => [phase, measured])) as Life["phases"];
  return { shape, state: 3e5, phases };
}

const textOf = (lives: readonly Life[], name: string): string =>
  describeLives(lives, 600).find((part) => part.name === name)?.text ?? "";

describe("the tables of growing stacks", () => {
  const lives = [
    ...[fleetShape(50), fleetShape(200), fleetShape(500)].map((shape) =>
      lifeOf(shape, shape.hosts ** 2 / 100),
    ),
    ...[hostLinksShape(50), hostLinksShape(200), hostLinksShape(500)].map((shape) =>
      lifeOf(shape, shape.hosts / 10),
    ),
  ];

  it("say how time grows from row to row, and from the first to the last", () => {
    const text = textOf(lives, "hosts");
    assert.match(text, /^\| 50 to 500 \| n\^2\.0 \| n\^2\.0 /m);
    assert.match(text, /^\| 50 to 500 \| n\^1\.0 \| n\^1\.0 /m);
    assert.match(text, /^\| 200 \| 20\.0 s \(n\^1\.0\) /m);
    assert.doesNotMatch(textOf(lives.slice(0, 2), "hosts"), / to /);
  });

  it("compare the forms at each size that was measured in both", () => {
    const [, table = ""] = textOf(lives.slice(1), "hosts").split(
      "as so many times that with a resource per link:",
    );
    assert.match(table, /^\| 200 \| × 0\.05 /m);
    assert.match(table, /^\| 500 \| × 0\.02 /m);
    assert.doesNotMatch(table, /^\| 50 \|/m);
    assert.doesNotMatch(textOf(lives.slice(0, 3), "hosts"), /×/);
  });

  it("are parts of the document, of which those without figures are left out", () => {
    const names = (some: readonly Life[]): string[] => describeLives(some, 60).map(({ name }) => name);
    assert.deepEqual(names(lives), ["hosts"]);
    assert.deepEqual(names([lifeOf(unsavedShape(200), 9)]), ["checkpoints"]);
    assert.deepEqual(names([lifeOf(linksShape(250), 9), lifeOf(hostLinksOfShape(250), 3)]), ["links"]);
    assert.match(
      textOf([lifeOf(linksShape(250), 9), lifeOf(hostLinksOfShape(250), 3)], "links"),
      /\| 250 \| × 0\.33 /,
    );
    assert.deepEqual(names([]), []);
  });
});
