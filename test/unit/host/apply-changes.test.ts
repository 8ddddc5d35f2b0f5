/** A change's verdict, by what a host prints after it. */
import assert from "node:assert/strict";
import { kernelOf } from "../../../provider/kinds";
import { type Change, type HostAccess, changeTogether } from "../../../provider/host/apply-changes";
import type { Connection } from "../../../provider/ssh/connection";
import type { Observation } from "../../../provider/model/observation";
import { parseObservation } from "../../../provider/host/observe";
import { type Desired, findLink } from "../../../provider/model/host";
import { plan } from "../../../provider/plan/plan";

const ADDRESSES = ["2001:db8::9/64", "2001:db8::a/64"] as const;

/** What a host prints of eth0 with these addresses. */
function links(addresses: readonly object[]): string {
  const eth0 = {
    ...{ ifindex: 2, ifname: "eth0", flags: ["UP"], mtu: 1500, operstate: "UP", txqlen: 1000 },
    address: "02:77:00:00:00:02",
    addr_info: addresses.map((more) => ({ family: "inet6", prefixlen: 64, scope: "global", ...more })),
  };
  return JSON.stringify([eth0]);
}

/** One answer of the host to a script: its outcome, what the undo printed, and what it then has. */
interface Answer {
  readonly outcome: string;
  readonly undone?: string;
  readonly addresses: readonly object[];
}

/** A host that returns these answers, one per script, with the warnings and observations that it got. */
function hostWith(...answers: Answer[]): { access: HostAccess; said: string[]; left: () => number } {
  let now: Observation = parseObservation(
    `@m ip\nip utility, iproute2-6.1.0\n@m links\n${links([])}\n@m end\n`,
    "@m",
  );
  const said: string[] = [];
  const connection = {
    ...{ host: { address: "node1" }, label: "root@node1:22", closed: false },
    run: (script: string) => {
      const marker = /M=(@[0-9a-f]+)/.exec(script)?.[1] ?? "";
      const answer = answers.shift();
      assert.ok(answer, "one script more than was expected");
      const sections = { undone: answer.undone ?? "", links: links(answer.addresses), end: "" };
      const text = Object.entries(sections).map(([name, body]) => `${marker} ${name}\n${body}\n`);
      return Promise.resolve({
        stdout: `${marker} outcome ${answer.outcome}\n${text.join("")}`,
        stderr: "",
        code: 0,
      });
    },
  } as unknown as Connection;
  const access: HostAccess = {
    connect: () => Promise.resolve(connection),
    openAnother: () => Promise.reject(new Error("there is one connection")),
    switchTo: () => undefined,
    observe: () => Promise.resolve(now),
    programs: () => Promise.resolve([]),
    runChecks: () => Promise.resolve([]),
    warn: (text) => said.push(text),
    beginChange: () => undefined,
    hold: () => undefined,
    remember: (seen) => {
      now = seen ?? now;
    },
  };
  return { access, said, left: () => answers.length };
}

/** A change that adds an address to eth0, beside those of others. */
function change(resource: string, cidrs: readonly string[]): Change {
  const addresses = cidrs.map((cidr) => ({ cidr }));
  const links: Desired["links"] = [{ name: "eth0", netns: "", exists: true, settings: [], addresses }];
  const desired: Desired = { links, netns: "", owner: "fleet/dev" };
  return {
    resource,
    makePlan: (now) => ({ ...plan(now.state, desired, kernelOf("6.2.0")), desired: [desired] }),
  };
}

const [ONE, OTHER] = ADDRESSES;
const local = (cidr: string): string => cidr.split("/")[0] ?? "";

describe("a change's verdict", () => {
  const states: readonly (readonly [string, object])[] = [
    ["has not begun", {}],
    ["is in progress", { tentative: true }],
    ["has found the address in use", { tentative: true, dadfailed: true }],
  ];
  for (const [what, flags] of states) {
    it(`is that it was made if duplicate detection ${what}, as the host's state shows`, async () => {
      const { access, left } = hostWith({ outcome: "done", addresses: [{ local: local(ONE), ...flags }] });
      const [result] = await changeTogether(access, [change("web", [ONE])]);
      assert.equal(result?.status, "fulfilled");
      const found = findLink(result.value.state, { name: "eth0", netns: "" })?.addresses;
      const isFailed = "dadfailed" in flags;
      assert.deepEqual(found, [{ cidr: ONE, ...(isFailed ? { dadFailed: true } : {}) }]);
      assert.equal(left(), 0);
    });

    it(`of several together is the same if it ${what}: none is made a second time`, async () => {
      const addresses = ADDRESSES.map((cidr) => ({ local: local(cidr), ...flags }));
      const { access } = hostWith({ outcome: "done", addresses });
      const results = await changeTogether(access, [change("web", ADDRESSES), change("mail", ADDRESSES)]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["fulfilled", "fulfilled"],
      );
    });
  }

  it("is that the kernel ignored it if the address is not there, and it is rolled back", async () => {
    const { access, left } = hostWith(
      { outcome: "done", addresses: [{ local: local(OTHER) }] },
      { outcome: "recovered", addresses: [] },
    );
    const [result] = await changeTogether(access, [change("web", [ONE])]);
    assert.equal(result?.status, "rejected");
    assert.match(
      String(result.reason),
      /all commands succeeded, but the host still differs: addresses: found .*Everything was undone/,
    );
    assert.equal(left(), 0);
  });

  it("on an undo does not depend on it either: an address that it gave back may be found in use", async () => {
    const before = { outcome: "done", addresses: [{ local: local(ONE) }] };
    const failed = { outcome: "failed 2 1 1", addresses: [{ local: local(ONE), dadfailed: true }] };
    const { access } = hostWith(before, failed);
    await changeTogether(access, [change("web", [ONE])]);
    const [result] = await changeTogether(access, [change("web", [OTHER])]);
    assert.equal(result?.status, "rejected");
    assert.match(String(result.reason), /Everything was undone: the host is as it was/);
  });
});

describe("what an earlier change has left", () => {
  const done: Answer = { outcome: "done", addresses: [{ local: local(ONE) }] };

  const undone = "ip link delete dev mac0\nRTNETLINK answers: Device or resource busy";

  it("is reported with its host and the command if its undo fails again, and the change continues", async () => {
    const { access, said } = hostWith({ outcome: "recovered again", undone, addresses: [] }, done);
    const [result] = await changeTogether(access, [change('MacvlanInterface "web"', [ONE])]);
    assert.equal(result?.status, "fulfilled");
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /^MacvlanInterface "web" on root@node1:22: .*once more, and printed: ip link delete dev mac0 \/ RTNETLINK answers: Device or resource busy\./,
    );
  });

  it("is not reported if it was undone, nor if the undo of an interrupted one had nothing to undo", async () => {
    for (const answer of [{ outcome: "recovered again" }, { outcome: "recovered", undone }]) {
      const { access, said } = hostWith({ ...answer, addresses: [] }, done);
      await changeTogether(access, [change("web", [ONE])]);
      assert.deepEqual(said, []);
    }
  });
});

describe("changes of one host that are made together", () => {
  it("wait for those that they need, in whatever order they come", async () => {
    const [first, second] = [change("first", [ONE]), change("second", [ONE, OTHER])];
    const waiting: Change = {
      ...second,
      makePlan(now) {
        const isThere = now.state.links.some((l) => l.addresses.some(({ cidr }) => cidr === ONE));
        if (!isThere) throw new Error("the address is not there yet");
        return second.makePlan(now);
      },
    };
    const both = [ONE, OTHER].map((cidr) => ({ local: local(cidr) }));
    const { access, left } = hostWith({ outcome: "done", addresses: both });
    const both2 = { ...first, makePlan: (now: Observation) => planFor(now, first, second) };
    const results = await changeTogether(access, [waiting, both2]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled"],
    );
    assert.equal(left(), 0);
  });
});

/** What the first change asks for, until the second one is made. */
function planFor(now: Observation, first: Change, second: Change): ReturnType<Change["makePlan"]> {
  const isDone = now.state.links.some((l) => l.addresses.some(({ cidr }) => cidr === OTHER));
  return (isDone ? second : first).makePlan(now);
}
