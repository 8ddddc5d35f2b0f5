import assert from "node:assert/strict";
import { openRunLinks } from "../../../provider/engine/run-links";
import { openStackMemory, stackIdentityProvider } from "../../../provider/engine/stack-identity";
import type { Clock } from "../../../provider/host/clock";

const of = (name: string): string => `MacvlanInterface "${name}"`;

/** A clock on which `during` happens at some times. */
function clockWith(
  during: Readonly<Record<number, () => void>> = {},
): Clock & { readonly now: () => number } {
  let now = 0;
  return {
    now: () => now,
    sleep: (ms) => {
      for (const [at, work] of Object.entries(during)) if (Number(at) > now && Number(at) <= now + ms) work();
      now += ms;
      return Promise.resolve();
    },
  };
}

describe("resources that a run leaves out", () => {
  it("are unchecked if the program has announced them, of whichever type", () => {
    const links = openRunLinks(["a", "b"].map(of), clockWith());
    assert.equal(links.isUnchecked("b"), true);
    assert.equal(links.isUnchecked("not in the program"), false);
    links.markChecking('HostShim "b"');
    assert.equal(links.isUnchecked("b"), false);
  });

  it("are known for certain when no check has followed for two seconds", async () => {
    const clock = clockWith({
      1900: () => links.markChecking(of("c")),
      9000: () => links.markChecked(of("c")),
    });
    const links = openRunLinks(["a", "b", "c"].map(of), clock);
    links.markChecking(of("b"));
    links.markChecked(of("b"));
    assert.deepEqual(await links.leftOut(["a", "c", "gone"]), ["a"]);
    // a host that answers slowly holds up the checks behind it
    assert.ok(clock.now() > 10_900, String(clock.now()));
    assert.deepEqual(await links.leftOut(["b"]), []);
  });

  it("are none in a process of another provider, in which no announced resource is checked", async () => {
    const links = openRunLinks([of("a")], clockWith());
    links.markChecking(of("own"));
    links.markChecked(of("own"));
    assert.deepEqual(await links.leftOut(["a"]), []);
  });

  it("include the stack's identity, if its provider is not asked in a run that knows the identity", async () => {
    const memory = openStackMemory();
    assert.equal(memory.isLeftOut(), false, "the first run has none yet");
    memory.note({ __stack: "a1" });
    assert.equal(memory.isLeftOut(), true);
    await stackIdentityProvider(() => memory).check?.({}, {});
    assert.equal(memory.isLeftOut(), false);
  });
});
