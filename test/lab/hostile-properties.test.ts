/**
 * Texts that attack, in every property that takes a text: each is refused on its property's path, or is on the host
 * afterwards just as it was given. Nothing but the planned commands runs, neither on the host nor here.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { isSample } from "../support/extent";
import { type Run, openRun, useLab } from "./stack";

/** Where a text that was run would leave its mark: by path, and by name in whatever folder it was run in. */
const CANARIES = [
  "/tmp/canary",
  "/root/canary",
  "/canary",
  "/run/canary",
  "/home/ops/canary",
  `${process.cwd()}/canary`,
];

const ATTACKS: readonly string[] = [
  ...[
    "$(touch /tmp/canary)",
    "`touch /tmp/canary`",
    ";touch /tmp/canary",
    "|touch /tmp/canary",
    "&&touch /tmp/canary",
  ],
  ...[
    "'; touch /tmp/canary; '",
    '"; touch /tmp/canary; "',
    "\ntouch /tmp/canary\n",
    "\r\ntouch /tmp/canary",
    "\u2028touch canary",
  ],
  ...[
    "x\0touch /tmp/canary",
    "`>canary`",
    "$(>canary)",
    "a;>canary",
    "a&>canary",
    "a|tee canary",
    "';>canary;'",
    '";>canary;"',
    ">canary",
  ],
  ...[
    "-h",
    "--help",
    "-batch",
    "-n",
    "#",
    "*",
    "~",
    "!!",
    "%d",
    "\\",
    "'",
    '"',
    "{a,b}",
    "$IFS",
    "${HOME}",
    "$$",
    "a b",
    " ",
    "",
  ],
  ...[
    "dev",
    "type",
    "netns",
    "all",
    "default",
    "lo",
    "..",
    ".",
    "../x",
    "/etc/x",
    "\u001b[2J",
    "\u202eabc",
    "é",
    "💥",
    "\ud800",
    "\ufeff",
  ],
  ...[
    "@end",
    "pm_main",
    "EOF",
    "}; touch /tmp/canary; {",
    "${x:=$(>canary)}",
    "a".repeat(16),
    "a".repeat(300),
    "a".repeat(100_000),
  ],
];

type Json = Record<string, unknown>;

/** Every place of a text: the kind, the property with the text in it, and what else has to be there. */
const PLACES: readonly (readonly [kind: string, root: string, put: (text: string) => Json])[] = [
  ["MacvlanInterface", "name", (name) => ({ name })],
  ["MacvlanInterface", "alias", (alias) => ({ alias })],
  ["MacvlanInterface", "parent", (parent) => ({ parent })],
  ["MacvlanInterface", "mode", (mode) => ({ mode })],
  ["MacvlanInterface", "netns", (netns) => ({ netns })],
  ["MacvlanInterface", "macAddress", (macAddress) => ({ macAddress })],
  ["MacvlanInterface", "addresses", (text) => ({ addresses: ["192.0.2.9/24", text] })],
  ["MacvlanInterface", "addresses", (text) => ({ addresses: [`192.0.2.9/${text}`] })],
  ["MacvlanInterface", "sourceMacAddresses", (text) => ({ mode: "source", sourceMacAddresses: [text] })],
  ["MacvlanInterface", "routes", (text) => ({ routes: [text] })],
  ["MacvlanInterface", "routes", (via) => ({ routes: [{ to: "198.51.100.0/24", via }] })],
  ["MacvlanInterface", "routes", (source) => ({ routes: [{ to: "198.51.100.0/24", source }] })],
  ["MacvlanInterface", "duplicateAddressDetection", (text) => ({ duplicateAddressDetection: text })],
  ["HostShim", "name", (name) => ({ name })],
  ["HostShim", "alias", (alias) => ({ alias })],
  ["HostShim", "parent", (parent) => ({ parent })],
  ["HostShim", "arp", (arp) => ({ arp })],
  ["HostShim", "routes", (text) => ({ routes: [{ to: text }] })],
  ["HairpinBridge", "name", (name) => ({ name, ports: ["eth1"] })],
  ["HairpinBridge", "alias", (alias) => ({ alias, ports: ["eth1"] })],
  ["HairpinBridge", "ports", (text) => ({ ports: [text] })],
  ["HairpinBridge", "ports", (name) => ({ ports: [{ name, hairpin: true }] })],
  ["HairpinBridge", "macAddress", (macAddress) => ({ macAddress, ports: [] })],
];

const HOSTS: readonly (readonly [what: string, put: (text: string) => unknown])[] = [
  ["as a whole", (text) => text],
  ["behind its user", (text) => `ops@${text}`],
  ["address", (address) => ({ address })],
  ["user", (user) => ({ address: "127.0.0.1", port: 1, user })],
  ["jump", (jump) => ({ address: "node1", jump })],
  ["jump.user", (user) => ({ address: "node1", jump: { address: "127.0.0.1", port: 1, user } })],
  ["hostKey", (hostKey) => ({ address: "127.0.0.1", port: 1, hostKey })],
  ["become", (become) => ({ address: "127.0.0.1", port: 1, become })],
];

/** The texts that some places really take, by property: they show that the net catches. */
const TAKEN: Readonly<Record<string, string>> = { alias: "$(touch /tmp/canary)", name: "`>canary`" };

/** All texts; in a sample, the places of one property share them. */
function attacksAt(place: (typeof PLACES)[number]): readonly string[] {
  const [, root] = place;
  const places = PLACES.filter((other) => other[1] === root);
  const mine = places.indexOf(place);
  if (!isSample) return ATTACKS;
  return ATTACKS.filter((text, i) => i % places.length === mine || text === TAKEN[root]);
}

describe("attacking texts", function () {
  const on = useLab(1);

  let run: Run;
  beforeEach(() => (run = openRun(on.lab)));
  afterEach(() => run.close());

  async function assertNothingRan(): Promise<void> {
    const onHost = await on.lab.sh("node1", `ls -d ${CANARIES.join(" ")} 2>/dev/null; true`);
    assert.equal(onHost, "");
    assert.deepEqual(
      CANARIES.filter((path) => existsSync(path)),
      [],
    );
  }

  /** @returns whether the text was taken, and the link made and taken away again. */
  async function strike(kind: string, root: string, args: Json): Promise<boolean> {
    const provider = run.operations(kind);
    const base: Json = {
      host: "node1",
      name: "web",
      ...(kind === "HairpinBridge" ? {} : { parent: "eth0" }),
    };
    const news = { ...base, ...args, __owner: "lab/test", __resource: "web" };
    const checked = await provider.check({}, news);
    const failures = checked.failures ?? [];
    for (const { property, reason } of failures) {
      assert.equal(
        property.split(/[.[]/)[0],
        root,
        `${JSON.stringify(args).slice(0, 200)}: ${property} ${reason}`,
      );
      assert.ok(reason.length > 0 && reason.length < 2000, reason.slice(0, 200));
    }
    if (failures.length > 0) return false;
    const created = await provider.create(checked.inputs);
    const outs = created.outs as Json;
    const seen = outs[root];
    if (typeof args[root] === "string") assert.equal(seen, args[root]);
    await provider.delete(created.id, outs);
    return true;
  }

  for (const place of PLACES) {
    const [kind, root, put] = place;
    it(`in ${root} of a ${kind}: ${JSON.stringify(put("…"))}`, async function () {
      this.timeout(400_000);
      const before = await on.lab.sh("node1", "ip -d -o link | cut -d: -f2; ls /run/netns");
      const taken: string[] = [];
      for (const text of attacksAt(place)) if (await strike(kind, root, put(text))) taken.push(text);
      await assertNothingRan();
      assert.equal(await on.lab.sh("node1", "ip -d -o link | cut -d: -f2; ls /run/netns"), before);
      // the net catches: what may hold such texts was really made with them
      if (TAKEN[root] !== undefined) assert.ok(taken.includes(TAKEN[root]));
    });
  }

  for (const [what, put] of HOSTS) {
    it(`in a host, ${what}`, async function () {
      this.timeout(120_000);
      for (const text of ATTACKS.filter((t) => t !== "lo" && !/^[a-z]+$/i.test(t))) {
        const { failures = [] } = (await run.operations("MacvlanInterface").check(
          {},
          {
            ...{ host: put(text), parent: "eth0", __owner: "lab/test", __resource: "web", __preview: true },
          },
        )) as { failures?: { property: string }[] };
        assert.ok(failures.length > 0, text.slice(0, 100));
        for (const { property } of failures) assert.match(property, /^(host\b|$)/, text.slice(0, 100));
      }
      await assertNothingRan();
    });
  }

  it("of any kind in an alias, by chance", async function () {
    this.timeout(400_000);
    const unit = fc.constantFrom(
      ..."$`'\";&|<>(){}[]*?!~#\\ =%@-abcü💥".split(""),
      "\u00a0",
      "\u202e",
      "\u2028",
    );
    const alias = fc.string({ unit, minLength: 1, maxLength: 60 }).filter((a) => Buffer.byteLength(a) <= 255);
    await fc.assert(
      fc.asyncProperty(alias, async (text) => {
        await strike("MacvlanInterface", "alias", { alias: text });
      }),
      { numRuns: 25 },
    );
    await assertNothingRan();
  });
});
