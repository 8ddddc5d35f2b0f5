import assert from "node:assert/strict";
import { type Parse, iproute2 } from "../../fuzz/iproute2";
import { certificates, knownHosts, messages, sshConfig } from "../../fuzz/ssh";
import { inventories, stackFiles } from "../../fuzz/files";
import { inputs, linksOfHost } from "../../fuzz/inputs";
import { bridgeVlans } from "../../fuzz/vlans";
import { type FuzzTarget, fuzz } from "../../fuzz/target";
import { TARGETS } from "../../fuzz/targets";
import { readStack } from "../../../provider/cli/stack";
import { hostLinks } from "../../../provider/engine/host-links";
import { readInventory } from "../../../provider/inventory";
import { parseBridgeVlans } from "../../../provider/iproute2/vlans";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import { resolveHost } from "../../../provider/ssh/config/resolve";
import { parseKnownHosts } from "../../../provider/ssh/host-keys/known-hosts";
import { parseObservation } from "../../../provider/host/observe";
import { isSample } from "../../support/extent";

/** The same inputs every time; `npm run fuzz` takes others. */
const SEED = 20_261_126;

/** How long each target runs here, in milliseconds. */
const EACH = isSample ? 2000 : 4000;

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

const PLANTED_SSH: readonly (readonly [fault: string, target: FuzzTarget])[] = [
  [
    "a list of algorithms that leaves none is taken as it is",
    sshConfig((host, settings) => {
      try {
        return resolveHost(host, settings);
      } catch (error) {
        if (!String(error).includes("leaves no algorithm")) throw error;
        const resolved = resolveHost(host, { ...settings, sshConfigPath: "none" });
        return { ...resolved, algorithms: { ...resolved.algorithms, cipher: [] } };
      }
    }),
  ],
  [
    "the last line that names a key wins over one that revokes it",
    knownHosts((text, file) => parseKnownHosts(text, file).filter(({ marker }) => marker !== "@revoked")),
  ],
  [
    "the signature of a certificate is not looked at",
    certificates((certificate) => (certificate.role === "host" ? undefined : "is none of a host")),
  ],
  ["only the first line of a message is looked at", messages((text) => text.replace(/^::/, "| ::"))],
];

const PLANTED_INPUTS: readonly (readonly [fault: string, target: FuzzTarget])[] = [
  [
    "all VLANs are taken for read where some cannot be",
    bridgeVlans((text) => {
      const read = parseBridgeVlans(text);
      return read && { ...read, isWhole: true };
    }),
  ],
  [
    "the names of properties are looked up in an object that has others by itself",
    inputs((kind, given, before) => {
      for (const key of Object.keys(given)) kind.schema[key]?.safeParse(0);
      return checkInputs(kind, given, before);
    }),
  ],
  [
    "the canonical form is not its own canonical form",
    inputs((kind, given, before) => {
      const checked = checkInputs(kind, given, before);
      const { addresses } = checked.inputs;
      const reversed = Array.isArray(addresses) ? { addresses: addresses.toReversed() as unknown } : {};
      return { ...checked, inputs: { ...checked.inputs, ...reversed } };
    }),
  ],
  [
    "the path of an issue begins at its link",
    linksOfHost((given, before) => {
      const { inputs: checked, issues } = hostLinks.check(given, before);
      const cut = issues.map((one) => ({ ...one, property: one.property.split(".").slice(2).join(".") }));
      return { inputs: checked, issues: cut };
    }),
  ],
  [
    "an inventory's error quotes a name as it is",
    inventories((path) => {
      try {
        return readInventory(path);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        error.message = error.message.replace(/\\u([0-9a-f]{4})/g, (_, code: string) =>
          String.fromCharCode(Number.parseInt(code, 16)),
        );
        throw error;
      }
    }),
  ],
  [
    "what a stack's file has is taken for what it should have",
    stackFiles((text, source) => {
      const stack = readStack(text, source);
      type State = Readonly<{ type: string; inputs?: Readonly<Record<string, string>> }>;
      const { steps = [] } = JSON.parse(text) as { steps?: readonly { newState?: State }[] };
      for (const { newState } of steps) {
        if (!newState?.type.endsWith("Interface")) continue;
        for (const property of ["name", "mode", "parent", "label", "macAddress"])
          newState.inputs?.[property]?.trim();
      }
      return stack;
    }),
  ],
];

describe("fuzzing", function () {
  this.timeout(EACH + 80_000);

  for (const target of TARGETS) {
    it(`${target.name}: ${target.about}`, async () => {
      const { runs, failure } = await fuzz(target, SEED, EACH);
      assert.equal(failure, undefined, failure);
      assert.ok(runs > 5, `only ${runs} inputs`);
    });
  }

  for (const [fault, target] of [...PLANTED_SSH, ...PLANTED_INPUTS]) {
    it(`fails if ${fault}`, async () => {
      const { failure } = await fuzz(target, SEED, 60_000, false);
      assert.match(failure ?? "nothing", /Property failed/);
    });
  }

  for (const [fault, parse] of PLANTED) {
    it(`fails if ${fault}`, async () => {
      const { failure } = await fuzz(iproute2(parse), SEED, 60_000);
      // here also with the shortest input, which those above do without
      assert.match(failure ?? "nothing", /Property failed[^]*Shrunk [1-9]/);
    });
  }
});
