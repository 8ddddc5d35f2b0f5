import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { semaphore, acquireHandshake } from "../../../provider/ssh/semaphore";
describe("slots for handshakes", () => {
  it("are never more than the limit at once, and all get their turn in order", async () => {
    let now = 0;
    let most = 0;
    const order: number[] = [];
    const work = async (turn: number): Promise<void> => {
      const release = await acquireHandshake(3);
      order.push(turn);
      most = Math.max(most, ++now);
      await sleep(2);
      now--;
      release();
    };
    const turns = Array.from({ length: 20 }, (_, turn) => turn);
    await Promise.all(turns.map(work));
    assert.equal(most, 3);
    assert.deepEqual(order, turns);
  });
});

describe("channels of a connection", () => {
  it("become fewer when the server refuses one, and all get their turn", async () => {
    const allowed = 2;
    const queue = semaphore(8);
    let open = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      for (;;) {
        await queue.acquire();
        try {
          if (open < allowed) {
            open++;
            await sleep(2);
            open--;
            done++;
            return;
          }
          assert.ok(queue.shrink());
        } finally {
          queue.release();
        }
      }
    };
    await Promise.all(Array.from({ length: 30 }, work));
    assert.equal(done, 30);
  });

  it("do not become fewer than one", async () => {
    const queue = semaphore(8);
    await queue.acquire();
    assert.equal(queue.shrink(), false);
    queue.release();
    await queue.acquire();
  });
});
