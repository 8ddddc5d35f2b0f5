/** A run that is interrupted waits for no host's answer, and begins no change. */
import assert from "node:assert/strict";
import { openFleet } from "../../../provider/host/managed-host";
import { MacvlanError } from "../../../provider/model/error";

const isInterrupted = (error: unknown): boolean =>
  error instanceof MacvlanError && error.code === "interrupted" && error.host === "node1";

describe("an interrupted run", () => {
  const hangs = (): Promise<never> => new Promise(() => undefined);

  it("ends the readings that wait for an answer, and those of later calls", async () => {
    const fleet = openFleet({ connect: hangs });
    const host = fleet.managedHost({ address: "node1" });
    const early = assert.rejects(host.observe(), isInterrupted);
    fleet.interrupt();
    await early;
    await assert.rejects(host.observe(), isInterrupted);
  });

  it("begins no change", async () => {
    const fleet = openFleet({ connect: hangs });
    const host = fleet.managedHost({ address: "node1" });
    const planned: string[] = [];
    const change = host.change("it", () => {
      planned.push("planned");
      throw new Error("it is not planned");
    });
    const ended = assert.rejects(change, isInterrupted);
    fleet.interrupt();
    await ended;
    assert.deepEqual(planned, []);
  });
});
