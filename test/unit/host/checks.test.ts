/** Checks as a host runs them: which program is chosen, and what is made of what is printed. */
import assert from "node:assert/strict";
import { outcomesIn, secondsOf, whyNotRunnable } from "../../../provider/host/checks";
import { checksFailed } from "../../../provider/host/errors";
import { type HostCheck, blocks } from "../../../provider/model/checks";

const CHECK: HostCheck = {
  ...{ path: "checks[0]", label: "ping 192.0.2.1", of: "web", probe: "ping", target: "192.0.2.1" },
  ...{ within: 10, netns: "", link: "web", required: false, isSecret: false },
};

describe("the checks of a host", () => {
  it("are refused without a program, with what to install", () => {
    const why = (check: Partial<HostCheck>, ...programs: string[]): string | undefined =>
      whyNotRunnable({ ...CHECK, ...check }, programs);
    assert.match(why({}) ?? "", /iputils-ping/);
    assert.equal(why({}, "busybox ping"), undefined);
    assert.match(why({ probe: "arp" }, "ping") ?? "", /iputils-arping/);
    assert.equal(why({ probe: "arp", target: "2001:db8::1" }, "ping"), undefined);
    assert.equal(why({ probe: "tcp", target: "192.0.2.1:1" }, "nc"), undefined);
    // a route to a name is not known
    assert.match(why({ probe: "tcp", target: "www:1" }, "nc", "bash") ?? "", /perl or python3/);
    assert.equal(why({ probe: "tcp", target: "www:1", link: "" }, "nc"), undefined);
    assert.match(why({ probe: "http", target: "http://192.0.2.1/" }) ?? "", /curl/);
    assert.equal(why({ probe: "http", target: "http://192.0.2.1/" }, "busybox wget"), undefined);
    // its command line would show the URL
    assert.match(
      why({ probe: "http", target: "http://192.0.2.1/", isSecret: true }, "busybox wget") ?? "",
      /curl/,
    );
    assert.match(why({ probe: "dns", target: "www@192.0.2.53" }, "getent") ?? "", /dnsutils/);
    assert.equal(why({ probe: "dns", target: "www" }, "getent"), undefined);
    assert.equal(why({ probe: "command", target: "true" }), undefined);
  });

  it("are matched to results by number; one without a result has not passed", () => {
    const text = "2 failed 9 200 1 no route\n1 passed 1 10 0 64 bytes: time=0.345 ms\n2 before\n";
    const outcomes = outcomesIn(text, [CHECK, CHECK, CHECK]);
    assert.deepEqual(
      outcomes.map(({ passed, tries, ms, failedBefore }) => [passed, tries, ms, failedBefore]),
      [
        [true, 1, 0.345, false],
        [false, 9, undefined, true],
        [false, 0, undefined, false],
      ],
    );
    assert.equal(outcomes[1]?.answer, "no route");
    assert.deepEqual(outcomes.map(blocks), [false, false, true]);
  });

  it("that failed before block only if they are required", () => {
    const [outcome] = outcomesIn("1 failed 1 0 1\n1 before", [{ ...CHECK, required: true }]);
    assert.ok(outcome && blocks(outcome));
    assert.equal(outcome.answer, "exit code 1");
  });

  it("are reported with what was tried and answered, without terminal control sequences", () => {
    const [outcome] = outcomesIn("1 failed 3 0 1 \u001b[2Jgone ##[error]", [
      { ...CHECK, advice: "Look there" },
    ]);
    const error = checksFailed('MacvlanInterface "web"', "root@node1:22", outcome ? [outcome] : [], []);
    assert.equal(error.code, "check-failed");
    for (const part of [
      "ping 192.0.2.1",
      "checks[0]",
      "of web",
      "root@node1:22",
      "3 times",
      "10 s",
      "gone",
      "Look there",
    ])
      assert.ok(error.message.includes(part), part);
    // eslint-disable-next-line no-control-regex -- this is what must not be there
    assert.doesNotMatch(error.message, /\u001b|##\[/);
  });

  it("of a secret are reported without their answer", () => {
    const [outcome] = outcomesIn("1 failed 3 0 1 the answer", [{ ...CHECK, isSecret: true }]);
    const error = checksFailed("web", "node1", outcome ? [outcome] : [], []);
    assert.doesNotMatch(`${error.message} ${error.output ?? ""}`, /the answer/);
  });

  it("get their time in addition to the change's", () => {
    assert.equal(secondsOf([]), 0);
    assert.ok(secondsOf([{ ...CHECK, within: 7.5 }]) >= 9);
    assert.ok(secondsOf([{ ...CHECK, before: { netns: "", link: "web" } }]) > secondsOf([CHECK]));
  });
});
