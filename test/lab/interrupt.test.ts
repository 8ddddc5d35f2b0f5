/** How long an interrupted run waits, by its own clock and by what comes first. */
import assert from "node:assert/strict";
import type { dynamic } from "@pulumi/pulumi";
import { type Clock, systemClock } from "../../provider/host/clock";
import { MacvlanError } from "../../provider/model/error";
import { eventually } from "../support/eventually";
import { openRun, useLab } from "./stack";

const HOST = "node1";
const CALLED = "/run/called";
const RELEASED = "/run/released";

describe("an interrupted run", () => {
  const on = useLab(1);

  it("waits less than a second for a change in progress, however long that takes on the host", async () => {
    const waits: number[] = [];
    let isInterrupted = false;
    const clock: Clock = {
      ...systemClock,
      sleep(milliseconds) {
        if (isInterrupted) waits.push(milliseconds);
        return systemClock.sleep(milliseconds);
      },
    };
    await on.lab.sh(HOST, 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    const hang = `touch ${CALLED}; while [ ! -e ${RELEASED} ]; do sleep 0.1; done`;
    await on.lab.replace(HOST, "ip", {
      script: `#!/bin/sh\ncase "$*" in *link?add*) ${hang};; esac\nexec /tmp/real/ip "$@"\n`,
    });
    const run = openRun(on.lab, clock);
    try {
      const { check, create } = run.operations("MacvlanInterface");
      const given = { host: HOST, parent: "eth0", name: "mac0", __owner: "lab/test", __resource: "mac0" };
      const checked: dynamic.CheckResult = await check({}, given);
      // the change cannot end before it is released, which comes last
      const ended = assert.rejects(create(checked.inputs as object), MacvlanError);
      await eventually(
        "the host changes the link",
        async () => (await on.lab.exec(HOST, ["test", "-e", CALLED])).code === 0,
      );
      isInterrupted = true;
      run.context.interrupt();
      await ended;
      const longest = Math.max(...waits);
      assert.ok(longest > 0 && longest < 1000, `${waits.join(", ")} ms`);
    } finally {
      await on.lab.sh(HOST, `touch ${RELEASED}`);
      await run.close();
      await on.lab.unhide(HOST);
    }
  });
});
