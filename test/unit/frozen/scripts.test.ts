/**
 * The scripts that a host is sent, whole: UPDATE_GOLDEN=1 writes them again. The plans, the marker and the time limits are
 * fixed, so that a golden file differs only if the text of the shell does.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { applyScript, forgetUndoScript, rollBackScript } from "../../../provider/host/change-script";
import { observeScript } from "../../../provider/host/observe";
import { confirmScript, rejectScript } from "../../../provider/host/watchdog";
import type { CommonInputs } from "../../../provider/kinds/kind";
import type { HostCheck } from "../../../provider/model/checks";
import type { HostState } from "../../../provider/model/host";
import type { PlannedStep } from "../../../provider/model/steps";
import { outcome, plan } from "../../../provider/plan/plan";
import { HOST } from "../../support/hosts";
import { KERNEL, kindOf, desiredOn } from "../../support/plans";

const GOLDEN = resolve(__dirname, "../../fixtures/scripts");

const MARKER = "@0123456789abcdef01234567";
const TOKEN = "0123456789abcdef";
const WATCH = { commandTimeout: 60 };
const NOW = {
  state: HOST,
  boots: "",
  facts: { machine: "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed net:[4026531840]" },
};
const host = { address: "node1" };

function stepsFor(type: string, inputs: object): readonly PlannedStep[] {
  return plan(HOST, desiredOn(kindOf(type), inputs as CommonInputs, HOST), KERNEL).steps;
}

/** A namespace, a link, addresses, routes, text that has to be quoted, and boot files. */
const MACVLAN = stepsFor("MacvlanInterface", {
  ...{ host, name: "mac0", netns: "blue", parent: "eth0", mode: "bridge", up: true, mtu: 1400 },
  ...{ macAddress: "02:00:5e:00:53:01", addresses: ["192.0.2.10/24", "2001:db8::10/64"] },
  ...{ alias: `it's "web"`, routes: [{ to: "198.51.100.0/24", via: "192.0.2.1", metric: 5 }] },
});

/** Several links at once, each of which is made on the host as the one before leaves it. */
const THREE = ["m1", "m2", "m3"].reduce<{ state: HostState; steps: readonly PlannedStep[] }>(
  ({ state, steps }, name) => {
    const inputs = { host, name, parent: "eth0", mode: "bridge", up: true, addresses: ["192.0.2.10/32"] };
    const next = plan(state, desiredOn(kindOf("MacvlanInterface"), inputs, state), KERNEL);
    return { state: outcome(state, next), steps: [...steps, ...next.steps] };
  },
  { state: HOST, steps: [] },
).steps;

/** Ports, addresses and routes that change hands, and steps that another program than `ip` carries out. */
const BRIDGE = stepsFor("HairpinBridge", {
  ...{ host, name: "br0", up: true, stp: false, takeOverAddresses: true },
  ports: [
    { name: "eth0", hairpin: true, isolated: true },
    { name: "eth1", hairpin: false },
  ],
});

const CHECK = {
  ...{ path: "checks[0]", label: "", of: "mac0", within: 10, netns: "blue", link: "mac0" },
  ...{ required: false, before: { netns: "", link: "was0" }, isSecret: false },
};

/** One of each kind, with text that has to be quoted. */
const CHECKS: readonly HostCheck[] = [
  { ...CHECK, probe: "ping", target: "192.0.2.1" },
  { ...CHECK, probe: "ping", target: "2001:db8::1", required: true },
  { ...CHECK, probe: "arp", target: "192.0.2.1", netns: "", link: "" },
  { ...CHECK, probe: "arp", target: "2001:db8::1" },
  { ...CHECK, probe: "tcp", target: "192.0.2.1:443" },
  { ...CHECK, probe: "tcp", target: "[2001:db8::1]:443", netns: "", link: "" },
  { ...CHECK, probe: "http", target: "http://192.0.2.1/it's?a=$b" },
  { ...CHECK, probe: "dns", target: "www.example.com@192.0.2.53", within: 2.5 },
  { ...CHECK, probe: "command", target: "echo \"$HOME\" 'it'\\''s'\nexit 1" },
];
const PROVING = { checks: CHECKS, programs: ["ping", "ping6", "arping", "bash", "perl", "curl", "dig"] };

const SCRIPTS: readonly (readonly [name: string, text: string])[] = [
  ["observe", observeScript(MARKER)],
  ["change-macvlan-in-namespace", applyScript(MACVLAN, "bridge", MARKER, WATCH, { ...NOW, boots: "2" })],
  [
    "change-bridge-to-be-confirmed",
    applyScript(BRIDGE, "bridge", MARKER, { ...WATCH, confirm: { token: TOKEN, timeout: 30 } }, NOW),
  ],
  ["change-three-links", applyScript(THREE, "bridge", MARKER, WATCH, NOW)],
  ["roll-back-macvlan-in-namespace", rollBackScript(MACVLAN, "bridge", MARKER)],
  ["forget-undo", forgetUndoScript(MARKER)],
  ["is-change-complete", confirmScript(TOKEN, false, MARKER)],
  ["confirm-change", confirmScript(TOKEN, true, MARKER)],
  [
    "change-with-checks",
    applyScript(
      MACVLAN,
      "bridge",
      MARKER,
      { ...WATCH, confirm: { token: TOKEN, timeout: 30 } },
      NOW,
      PROVING,
    ),
  ],
  ["confirm-change-with-checks", confirmScript(TOKEN, true, MARKER, true)],
  ["reject-change", rejectScript(TOKEN, MARKER)],
];

describe("scripts sent to a host", () => {
  for (const [name, text] of SCRIPTS) {
    const golden = join(GOLDEN, `${name}.sh`);

    it(`are byte for byte the golden file: ${name}`, () => {
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, "utf8"));
    });

    it(`are accepted by a POSIX shell: ${name}`, () => {
      const { stderr, status } = spawnSync("sh", ["-n"], { input: text, encoding: "utf8" });
      assert.equal(stderr, "");
      assert.equal(status, 0);
    });
  }
});
