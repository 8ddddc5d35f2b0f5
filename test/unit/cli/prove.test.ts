import assert from "node:assert/strict";
import type { CheckedResult } from "../../../provider/cli/checks";
import { type Seen, seenKey } from "../../../provider/cli/look";
import { plain } from "../../../provider/cli/paint";
import { type Compared, type Proof, isProven, judgeLinks } from "../../../provider/cli/prove/judge";
import { linksOn } from "../../../provider/cli/prove/select";
import { proofText } from "../../../provider/cli/prove/text";
import { awaitBoot, awaitLinks } from "../../../provider/cli/prove/wait";
import { compareStack } from "../../../provider/cli/report/compare";
import { type StackLink, type StackReading, readStack } from "../../../provider/cli/stack";
import type { LinkState } from "../../../provider/model/host";
import type { Observation } from "../../../provider/model/observation";
import { virtualClock } from "../../support/clock";
import { FACTS, macvlan, observed } from "../../support/hosts";
import { inputsOf, urn } from "./previews";

/** The output of `pulumi stack export`, for these inputs by resource. */
function stackOf(inputs: Readonly<Record<string, object>>): StackReading {
  const resources = Object.entries(inputs).map(([name, given]) => ({
    urn: urn(name),
    type: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
    inputs: inputsOf(name, { macAddress: macOf(name), ...given }),
  }));
  return readStack(JSON.stringify({ version: 3, deployment: { resources } }), "it");
}

function hostWith(...links: LinkState[]): Observation {
  const records = links.map(({ name, netns, ifIndex }) => ({
    ...{ name, netns, ifIndex, owner: "fleet/dev", resource: name, made: true, restore: [] },
  }));
  return observed(links, { records });
}

function compared(
  stack: StackReading,
  observation: Observation,
  checked: ReadonlyMap<StackLink, readonly CheckedResult[]> = new Map(),
): Compared {
  const seen: ReadonlyMap<string, Seen> = new Map([
    [seenKey({ address: "node1" }), { label: "", observation }],
  ]);
  return { state: observation.state, hosts: compareStack(stack, seen, checked).hosts };
}

const link = (name: string, mtu = "1500"): LinkState =>
  macvlan(name, { settings: { "link.mtu": mtu, "link.address": macOf(name) } });
/** Another one for each name: the kernel does not have one MAC address twice on a parent. */
function macOf(name: string): string {
  return `02:00:5e:00:53:${Buffer.from(name).toString("hex").slice(0, 2)}`;
}
const check = (passed: boolean): CheckedResult => ({
  check: "ping 192.0.2.1",
  property: "checks[0]",
  passed,
  ...(passed ? { ms: 3 } : { failure: "it did not answer" }),
});

function proofOf(links: Proof["links"]): Proof {
  return { stack: "fleet/dev", host: "node1", bootId: "b", seconds: 41.2, notes: [], links };
}

describe("a proof by reboot", () => {
  const stack = stackOf({
    back: {},
    lost: {},
    kept: { persist: true },
    changed: { mtu: 1500 },
    drifted: { mtu: 1400 },
  });
  const before = hostWith(link("back"), link("lost"), link("kept"), link("changed"), link("drifted"));
  const after = hostWith(link("back"), link("changed", "1280"), link("drifted"));
  const judged = judgeLinks(stack.links, compared(stack, before), compared(stack, after));

  it("says of each link whether it came back, was lost, has changed, or is as it was", () => {
    assert.deepEqual(
      judged.map(({ resource, outcome }) => [resource, outcome]),
      [
        ["back", "back"],
        ["lost", "lost"],
        ["kept", "lost"],
        ["changed", "changed"],
        ["drifted", "as before"],
      ],
    );
    assert.equal(isProven(proofOf(judged)), false);
    assert.equal(isProven(proofOf(judged.slice(0, 1))), true);
  });

  it("advises what would bring a lost link back", () => {
    const advice = (name: string, list = judged): string =>
      list.find(({ resource }) => resource === name)?.advice ?? "";
    assert.match(advice("lost"), /persist: true would/);
    assert.match(advice("kept"), /pulumi up/);
    assert.equal(advice("changed"), "");
    const { hosts, state } = compared(stack, after);
    const withFiles = hosts.map((host) => ({
      ...host,
      links: host.links.map((l) => ({
        ...l,
        differences: l.differences.filter(({ property }) => property !== "persist"),
      })),
    }));
    const again = judgeLinks(stack.links, compared(stack, before), { state, hosts: withFiles });
    assert.match(advice("kept", again), /journalctl/);
  });

  it("counts a link as lost if its parent did not come back", () => {
    const onVlan = stackOf({ web: { parent: "vlan7" } });
    const there = observed([
      link("vlan7"),
      macvlan("web", { parent: "vlan7", settings: { "link.address": macOf("web") } }),
    ]);
    const [web] = judgeLinks(onVlan.links, compared(onVlan, there), compared(onVlan, observed()));
    assert.equal(web?.outcome, "lost");
    assert.match(web.problems.join(), /vlan7/);
  });

  it("distinguishes a check that failed before from one that fails since, and neither is a proof", () => {
    const own = stackOf({ back: {} });
    const results = (passed: boolean): ReadonlyMap<StackLink, CheckedResult[]> =>
      new Map(own.links.map((one) => [one, [check(passed)]]));
    const one = (was: boolean, is: boolean): Proof["links"] =>
      judgeLinks(own.links, compared(own, before, results(was)), compared(own, before, results(is)));
    const said = [one(true, true), one(true, false), one(false, false), one(false, true)];
    assert.deepEqual(
      said.map(([l]) => [l?.checks?.[0]?.passed, l?.checks?.[0]?.failedBefore]),
      [
        [true, undefined],
        [false, undefined],
        [false, true],
        [true, undefined],
      ],
    );
    assert.deepEqual(
      said.map((links) => isProven(proofOf(links))),
      [true, false, false, true],
    );
  });

  it("is text for a terminal", () => {
    const links = judged.map((l, i) =>
      i === 0 ? { ...l, checks: [check(true), { ...check(false), failedBefore: true as const }] } : l,
    );
    assert.equal(
      proofText(proofOf(links), plain),
      `node1  rebooted, and was read again after 41 s
  back       back@eth0     MacvlanInterface "back"
      passed: ping 192.0.2.1 3 ms
      failed: it did not answer; it failed before the reboot as well
  lost       lost@eth0     MacvlanInterface "lost"
      name  found none  wanted lost@eth0
      nothing makes it at boot; persist: true would
  lost       kept@eth0     MacvlanInterface "kept"
      name     found none   wanted kept@eth0
      persist  found false  wanted true
      what makes it at boot is missing or not as it should be; "pulumi up" writes it
  changed    changed@eth0  MacvlanInterface "changed"
      mtu  found 1280  wanted 1500
  as before  drifted@eth0  MacvlanInterface "drifted"
      mtu  found 1500  wanted 1400

5 links on node1: 1 back, 2 lost, 1 changed, 1 as before; 1 check passed, 1 failed.
`,
    );
  });
});

describe("the host of a proof", () => {
  const jump = { address: "bastion" };
  const stack = stackOf({
    a: { host: { address: "node1", user: "ops", become: "doas" } },
    b: { host: { address: "node1", user: "root" } },
    c: { host: { address: "10.0.0.1", jump } },
    d: { host: { address: "10.0.0.1", jump: { address: "other" } } },
    e: { host: { address: "node2", port: 2222, jump } },
  });
  const named = (text: string): [string, readonly string[]] => {
    const { host, links } = linksOn(stack, text);
    return [JSON.stringify(host), links.map(({ resource }) => resource)];
  };

  it("is reached as the stack says, however little of its address is given", () => {
    const ops = '{"address":"node1","user":"ops","become":"doas"}';
    assert.deepEqual(named("node1"), [ops, ["a", "b"]]);
    assert.deepEqual(named("NODE1:22"), [ops, ["a", "b"]]);
    assert.deepEqual(named("root@node1")[1], ["a", "b"]);
    assert.deepEqual(named("node2:2222")[1], ["e"]);
    assert.deepEqual(named("10.0.0.1 through other")[1], ["d"]);
  });

  it("is refused if the stack has none of that name, or several", () => {
    assert.throws(() => linksOn(stack, "node3"), /no links on node3; it has ops@node1, root@node1, .*node2/);
    assert.throws(
      () => linksOn(stack, "10.0.0.1"),
      /several hosts.*through bastion, 10\.0\.0\.1 through other/,
    );
    assert.throws(() => linksOn(stack, "a b"), /must be a DNS name/);
  });
});

describe("waiting for a host that reboots", () => {
  const of = (boot: string): Seen => {
    const now = observed();
    return { label: "node1", observation: { ...now, facts: { ...FACTS, machine: `${boot} net:[1]` } } };
  };
  const DOWN: Seen = { label: "node1", error: "it is down" };
  const wanted = { label: "node1", bootId: "old", limit: 60 };
  const answers = (...list: Seen[]): (() => Promise<Seen>) => {
    let tries = 0;
    return () => Promise.resolve(list[Math.min(tries++, list.length - 1)] ?? DOWN);
  };

  it("ends when the boot ID has changed, not when the host answers", async () => {
    const clock = virtualClock();
    const { observation, seconds } = await awaitBoot(
      answers(of("old"), of("old"), DOWN, DOWN, of("new")),
      wanted,
      clock,
    );
    assert.equal(observation.facts.machine, "new net:[1]");
    assert.equal(seconds, 1 + 2 + 4 + 5);
  });

  it("fails when its time is up, and says whether the host is away or has not rebooted", async () => {
    for (const [last, why] of [
      [DOWN, /not answered within 60 s.* it is down/],
      [of("old"), /still answers with the boot ID old/],
    ] as const) {
      const clock = virtualClock();
      await assert.rejects(awaitBoot(answers(of("old"), last), wanted, clock), why);
      assert.equal(clock.now(), 60_000);
    }
  });

  it("reads a host that has booted until all is well, for so long and no longer", async () => {
    const booted = observed();
    for (const [well, time] of [
      [0, 0],
      [3, 3000],
      [100, 10_000],
    ] as const) {
      const clock = virtualClock();
      let reads = 0;
      const isWell = (): boolean => reads >= well;
      const read = (): Promise<Seen> => {
        reads++;
        return Promise.resolve(reads === 1 ? DOWN : of("new"));
      };
      await awaitLinks(read, { booted, limit: 10 }, isWell, clock);
      assert.equal(clock.now(), time);
    }
  });
});
