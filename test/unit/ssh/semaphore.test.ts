import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { semaphore } from "../../../provider/ssh/semaphore";

describe("semaphore", () => {
  it("admits no more than the limit at once, and each in its turn", async () => {
    const slots = semaphore(3);
    let now = 0;
    let most = 0;
    const order: number[] = [];
    const work = async (turn: number): Promise<void> => {
      await slots.acquire();
      order.push(turn);
      most = Math.max(most, ++now);
      await sleep(2);
      now--;
      slots.release();
    };
    const turns = Array.from({ length: 20 }, (_, turn) => turn);
    await Promise.all(turns.map(work));
    assert.equal(most, 3);
    assert.deepEqual(order, turns);
  });

  it("shrinks if the other side allows fewer, and still admits each", async () => {
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

  it("does not shrink below one", async () => {
    const queue = semaphore(8);
    await queue.acquire();
    assert.equal(queue.shrink(), false);
    queue.release();
    await queue.acquire();
  });
});
