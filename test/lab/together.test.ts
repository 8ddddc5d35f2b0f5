/** Simultaneous changes of one host: one script if all of them work, otherwise each alone. */
import assert from "node:assert/strict";
import type { dynamic } from "@pulumi/pulumi";
import { type Clock, systemClock } from "../../provider/host/clock";
import { resourceName } from "../../provider/kinds/kind";
import type { HostAddress } from "../../provider/ssh/address";
import { seenLink } from "./seen";
import { type Run, openRun, useLab } from "./stack";

const HOST = "node1";
const TYPE = "MacvlanInterface";

describe("links of a host that are requested at the same time", () => {
  const on = useLab(1);

  let run: Run;
  /** The time by which changes wait for each other stands still. */
  let isStopped = false;
  const clock: Clock = { ...systemClock, now: () => (isStopped ? 0 : systemClock.now()) };
  let create: dynamic.ResourceProvider["create"];
  let remove: Required<dynamic.ResourceProvider>["delete"];

  beforeEach(() => {
    run = openRun(on.lab, clock);
    ({ create, delete: remove } = run.operations(TYPE));
  });
  afterEach(() => run.close());

  async function inputsOf(name: string, more: object = {}): Promise<Record<string, unknown>> {
    const given = { host: HOST, parent: "eth0", name, ...more, __owner: "lab/test", __resource: name };
    const checked: dynamic.CheckResult = await run.operations(TYPE).check({}, given);
    assert.deepEqual(checked.failures ?? [], []);
    return checked.inputs as Record<string, unknown>;
  }
  const commands = (): Promise<number> => on.lab.commands(HOST);

  it("are created by one script, each with its own outputs, and deleted by one", async () => {
    const names = ["mac0", "mac1", "mac2"];
    const before = await commands();
    const desired = await Promise.all(names.map((name, i) => inputsOf(name, { mtu: 1400 + i })));
    const created = await Promise.all(desired.map((inputs) => create(inputs)));
    // one that reads the host, and one that changes it, which check starts ahead
    assert.equal((await commands()) - before, 2);
    const outs = created.map((result) => result.outs as Record<string, unknown>);
    assert.deepEqual(
      outs.map(({ name, mtu }) => [name, mtu]),
      names.map((name, i) => [name, 1400 + i]),
    );
    for (const [i, name] of names.entries()) {
      const link = await seenLink(on.lab, HOST, name);
      assert.deepEqual([link?.mtu, link?.address], [1400 + i, desired[i]?.["macAddress"]]);
    }
    await Promise.all(created.map(({ id }, i) => remove(id, outs[i])));
    assert.equal((await commands()) - before, 3);
    for (const name of names) assert.equal(await seenLink(on.lab, HOST, name), undefined);
  });

  it("are all created but the one that cannot be, which fails with its own error", async () => {
    const unreachable = { routes: [{ to: "198.51.100.0/24", via: "203.0.113.9" }] };
    const desired = [await inputsOf("mac0"), await inputsOf("mac1", unreachable), await inputsOf("mac2")];
    const [first, second, third] = await Promise.allSettled(desired.map((inputs) => create(inputs)));
    assert.deepEqual([first?.status, third?.status], ["fulfilled", "fulfilled"]);
    assert.equal(second?.status, "rejected");
    const { message } = second.reason as Error;
    assert.match(message, /MacvlanInterface "mac1" on .*203\.0\.113\.9.*as it was/);
    assert.doesNotMatch(message, /mac0|mac2/);
    assert.deepEqual(run.said, [], "the attempt to create them together is not reported");
    const seen = await Promise.all(["mac0", "mac1", "mac2"].map((name) => seenLink(on.lab, HOST, name)));
    assert.deepEqual(
      seen.map((link) => link !== undefined),
      [true, false, true],
    );
    assert.equal(await on.lab.sh(HOST, "ls /run/pulumi-macvlan | grep -e undo -e progress; true"), "");
  });

  it("are created one by one if they fail together, and those that work are kept", async () => {
    const desired = [await inputsOf("mac0"), await inputsOf("mac1")];
    await on.lab.sh(HOST, "ip link add mac1 type bridge");
    const [first, second] = await Promise.allSettled(desired.map((inputs) => create(inputs)));
    assert.equal(first?.status, "fulfilled");
    assert.equal(second?.status, "rejected");
    assert.equal((await seenLink(on.lab, HOST, "mac1"))?.linkinfo?.info_kind, "bridge");
  });

  it("wait for those that the program has announced, but not for one that never comes", async () => {
    const before = await commands();
    const desired = await Promise.all(["mac0", "mac1"].map((name) => inputsOf(name)));
    const managedHost = run.context.fleet.managedHost(desired[0]?.["host"] as HostAddress);
    for (const name of ["mac0", "mac1"]) managedHost.announce(resourceName(TYPE, name));
    isStopped = true;
    const first = create(desired[0]);
    await systemClock.sleep(15);
    await Promise.all([first, create(desired[1])]);
    isStopped = false;
    assert.equal((await commands()) - before, 2);
    managedHost.announce(resourceName(TYPE, "never"));
    await create(await inputsOf("mac2"));
    assert.ok(await seenLink(on.lab, HOST, "mac2"));
  });
});
