import assert from "node:assert/strict";
import { addressesOf, linkOf } from "./seen";
import { useLab } from "./stack";

/** As many as a host with a container each would have, many times over. */
const LINKS = 4000;
const GROUP = 77;

describe(`a host with ${LINKS} links`, () => {
  const on = useLab(1);

  it("is read and changed like any other", async function () {
    this.timeout(180_000);
    const batch = Array.from(
      { length: LINKS },
      (_, i) =>
        `link add m${i} link eth0 group ${GROUP} type macvlan mode bridge\nlink set dev m${i} alias "of another owner"`,
    );
    const made = await on.lab.exec("node1", ["ip", "-batch", "-"], {
      input: `${batch.join("\n")}\n`,
      timeout: 120_000,
    });
    assert.equal(made.code, 0, made.stderr);
    const args = { host: "node1", parent: "eth0", addresses: ["192.0.2.1/24"] };
    const { parentMacs } = await on.stack.up("MacvlanInterface", "web", args);
    assert.equal(parentMacs, LINKS + 2);
    assert.deepEqual(await on.stack.preview("MacvlanInterface", "web", args), {
      drift: {},
      failures: [],
      changes: false,
      replaces: [],
    });
    assert.deepEqual(addressesOf(await linkOf(on.lab, "node1", "web")), ["192.0.2.1/24"]);
    await on.stack.down();
    // all at once: one by one the kernel takes 22 ms for each
    await on.lab.sh("node1", `ip link delete group ${GROUP}`);
  });
});
