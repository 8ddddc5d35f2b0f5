import assert from "node:assert/strict";
import fc from "fast-check";
import { judgeHost } from "../../provider/cli/doctor/judge";
import { planLink, problemsOf } from "../../provider/engine/planning";
import { parseObservation } from "../../provider/host/observe";
import { commandsOf, describeCommand } from "../../provider/iproute2/commands";
import { macvlan } from "../../provider/kinds/macvlan";
import { unreadableLines } from "../../provider/kinds/unreadable";
import { canonicalCidr } from "../../provider/model/addresses";
import type { LinkState } from "../../provider/model/host";
import type { Observation } from "../../provider/model/observation";
import { type Answers, CORPUS, answersOf, observationText } from "../unit/iproute2/corpus";
import { mutate, mutations } from "./mutate";
import type { FuzzTarget } from "./target";

/** Reads an observation, as `parseObservation` does. */
export type Parse = (output: string, marker: string) => Observation;

const VERSIONS = CORPUS.filter(({ file }, i) => CORPUS.findIndex((other) => other.file === file) === i);

/** The elements of each list, and what stands between them. */
const LISTS = ["links", "routes4", "routes6"] as const;
type List = (typeof LISTS)[number];

const listsOf = memo((file: string): Record<List, readonly string[]> => {
  const { batch, routes6 } = answersOf(file);
  const [links = "", routes4 = ""] = batch.split("\n");
  const split = (list: string): string[] =>
    list
      .trim()
      .slice(1, -1)
      .split(/,(?=\{"(?:ifindex":|type":|dst":|[a-z]+",))/);
  return { links: split(links), routes4: split(routes4), routes6: split(routes6) };
});

function answersWith(lists: Record<List, readonly string[]>): Answers {
  const list = (elements: readonly string[]): string => `[${elements.join(",")}]`;
  return { batch: `${list(lists.links)}\n${list(lists.routes4)}`, routes6: list(lists.routes6) };
}

const observed = memo((file: string): Observation => {
  const version = VERSIONS.find((v) => v.file === file);
  return parseObservation(observationText(version?.told ?? "", answersOf(file)), "@m");
});

const input = fc.record({
  version: fc.constantFrom(...VERSIONS),
  list: fc.constantFrom(...LISTS),
  element: fc.nat(1000),
  changes: mutations,
});

/**
 * What a version of iproute2 printed, with one link or route that is changed in any way. The others are what they were, and
 * all that is done with an observation works.
 */
export function iproute2(parse: Parse = parseObservation): FuzzTarget {
  return {
    name: "iproute2",
    about: "what ip prints, of all versions: one link or route is changed, and all others are read as before",
    property: fc.property(input, ({ version, list, element, changes }) => {
      const lists = listsOf(version.file);
      const index = element % lists[list].length;
      const before = lists[list][index] ?? "";
      const after = mutate(before, changes);
      const answers = answersWith({ ...lists, [list]: lists[list].toSpliced(index, 1, after) });
      const isLast = index === lists[list].length - 1;
      const began = process.cpuUsage();
      let observation: Observation;
      try {
        observation = parse(observationText(version.told, answers), "@m");
      } catch (error) {
        // for the last element it is ambiguous whether it, or the list, has no end; and a line feed ends a list
        assert.ok(
          (isLast || after.includes("\n")) &&
            error instanceof Error &&
            / is incomplete, or not a list/.test(error.message),
          String(error),
        );
        return;
      }
      const took = process.cpuUsage(began).user / 1000;
      assert.ok(took < SLOW, `took ${took} ms of CPU`);
      assertSound(observation);
      assertUsable(observation);
      if (!after.includes("\n")) assertOthersAsBefore(observed(version.file), observation, list, index);
    }),
  };
}

/** Milliseconds of CPU that no reading of 20 kB may take. */
const SLOW = 2000;

/** Everything but one element is read as it was. */
function assertOthersAsBefore(before: Observation, { state }: Observation, list: List, index: number): void {
  const withoutRoutes = ({ routes: _r, opaqueRoutes: _o, otherRoutes: _t, ...link }: LinkState): string =>
    JSON.stringify(link);
  const now = new Set(state.links.map(withoutRoutes));
  before.state.links.forEach((link, i) => {
    if (list === "links" && i === index) return;
    assert.ok(now.has(withoutRoutes(link)), `${link.name} is gone, or not as it was`);
  });
  // a route that is changed may look like another one: of each that goes, one has to be the changed one
  const lost = without(routesIn(before), routesIn({ state }));
  if (list === "links") {
    const name = before.state.links[index]?.name;
    assert.deepEqual(
      lost.filter((text) => !text.startsWith(`${name ?? ""} `)),
      [],
    );
  } else assert.ok(lost.length <= 1, `lost ${lost.join(", ")}`);
}

function routesIn({ state }: Pick<Observation, "state">): string[] {
  return state.links.flatMap((link) =>
    [...link.routes, ...(link.opaqueRoutes ?? [])].map((route) => `${link.name} ${JSON.stringify(route)}`),
  );
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...some];
  return all.filter((text) => {
    const at = left.indexOf(text);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** What every other part of the program takes for granted. */
function assertSound({ state, unreadable }: Observation): void {
  for (const link of state.links) {
    assert.ok(typeof link.name === "string" && link.name !== "");
    assert.ok(Number.isFinite(link.ifIndex) && typeof link.up === "boolean");
    for (const value of Object.values(link.settings)) assert.equal(typeof value, "string");
    for (const value of Object.values(link.details)) assert.equal(typeof value, "string");
    for (const { cidr } of link.addresses) assert.equal(canonicalCidr(cidr), cidr);
    for (const { to } of [...link.routes, ...(link.opaqueRoutes ?? [])]) assert.equal(canonicalCidr(to), to);
  }
  for (const { text, reason } of unreadable) assert.ok(text.length <= 200 && reason !== "");
}

/** A new link beside them is planned, written as commands, and the host is described. */
function assertUsable(observation: Observation): void {
  const inputs = {
    host: { address: "node1" },
    name: "new0",
    parent: "eth1",
    addresses: ["192.0.2.99/24"],
    routes: [],
  };
  const context = { owner: "fleet/test", resource: "new0", observation, isExpected: () => false };
  problemsOf(macvlan, inputs as never, context);
  // eslint-disable-next-line no-control-regex -- none of these is to reach a terminal
  assert.ok(unreadableLines(observation).every((line) => !/[\u0000-\u001f]/.test(line)));
  const { steps } = planLink(macvlan, inputs as never, context);
  for (const { step, undo } of steps) {
    for (const s of [step, ...undo]) commandsOf(s, observation.facts.portTool).forEach(describeCommand);
  }
  const abilities = {
    system: "",
    features: {},
    writable: [],
    managers: [],
    nics: [{ name: "eth1", driver: "constructor" }],
  };
  judgeHost({ user: "root", become: "none", observation, abilities });
}

function memo<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}
