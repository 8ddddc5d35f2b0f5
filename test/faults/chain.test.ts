/** Faults while all links of a host are changed in one transaction: five, each on or in the one before it, on a guest. */
import assert from "node:assert/strict";
import { KILL, replaceIp, restoreIp, watchdogEnds } from "../lab/faults";
import { differenceOf, settledState } from "../lab/seen";
import { useLab } from "../lab/stack";
import { type Found, addRow, expectRows, isWhole } from "./table";

const HOST = "guest1";

const LINKS = {
  bond0: { kind: "bond", mode: "active-backup", ports: ["eth1"] },
  "bond0.10": { kind: "vlan", parent: "bond0", vlanId: 10 },
  br0: {
    // udev gives a bridge another one than the kernel, some time after it was made
    ...{ kind: "bridge", macAddress: "02:00:5e:00:53:01" },
    ...{ ports: [{ name: "bond0.10", hairpin: false }], addresses: ["192.0.2.1/24"] },
  },
  web: { kind: "macvlan", parent: "br0", netns: "web", addresses: ["192.0.2.10/24"] },
  shim0: { kind: "shim", parent: "br0", routes: [{ to: "192.0.2.10/32", source: "192.0.2.1" }] },
};

interface Fault {
  readonly name: string;
  /** What the host's `ip` does in the place of a command. */
  readonly then: string;
  /** Strikes at each command whose number is a multiple of this. */
  readonly every: number;
}

const FAULTS: readonly Fault[] = [
  {
    name: "a command fails",
    then: "echo RTNETLINK answers: No buffer space available >&2; exit 2",
    every: 1,
  },
  { name: "a command is killed (SIGKILL)", then: "kill -9 $$", every: 4 },
  { name: "the change's shell is killed (SIGKILL)", then: KILL, every: 4 },
];

/** The command at which all of them strike in a sample: some links are there, and others are not. */
const SAMPLE = 8;

describe("a fault while five links are created in one transaction:", () => {
  const on = useLab(1, [{}]);
  const up = () => on.stack.up("HostLinks", "all", { host: HOST, links: LINKS });
  let bare = "";

  before(async function () {
    this.timeout(120_000);
    // networkd gives the NICs their addresses again whenever they go down and up
    await on.lab.sh(HOST, "systemctl stop systemd-networkd.socket systemd-networkd");
  });
  beforeEach(async () => {
    // the modules' own traces are not the transaction's
    await on.lab.sh(HOST, "modprobe bonding max_bonds=0; modprobe 8021q; modprobe macvlan");
  });
  // each test has a stack of its own, and the guest lives on
  afterEach(() => on.stack.down());

  const rowOf = (name: string): string => `five links on a guest: ${name}`;
  expectRows(
    "chain",
    FAULTS.map(({ name }) => rowOf(name)),
  );

  for (const { name, then, every } of FAULTS) {
    it(name, async function () {
      this.timeout(1_500_000);
      bare = await reached(() => on.stack.down());
      const desired = await reached(up);
      const found: Found[] = [];
      for (let n = isWhole ? every : SAMPLE; ; n += every) {
        await on.stack.down();
        assert.equal(differenceOf(bare, await state()), "", "a deletion leaves what was there before");
        await replaceIp(on.lab, HOST, n, then);
        const error = await up().then(
          () => undefined,
          (reason: unknown) => String(reason),
        );
        // its undo uses the same ip: changing programs under it would be a second fault
        await watchdogEnds(on.lab, HOST);
        // counts from the first command on, so one that was never reached did not strike
        const commands = Number(await on.lab.sh(HOST, "cat /tmp/count"));
        await restoreIp(on.lab, HOST);
        if (error === undefined && commands < n) break;
        const now = await state();
        found.push(now === desired ? "wanted" : now === bare ? "before" : "between");
        assert.notEqual(
          found.at(-1),
          "between",
          `at command ${n}, ${error ?? "no error"}\n${differenceOf(bare, now)}`,
        );
        assert.equal(
          found.at(-1) === "wanted",
          error === undefined,
          `at command ${n}, ${error ?? "no error"}`,
        );
        assert.equal(differenceOf(desired, await reached(up)), "", `after the next up, at command ${n}`);
        assert.equal(await on.lab.sh(HOST, "ls /run/pulumi-macvlan"), "links\nlock\nnetns\n");
        if (!isWhole) break;
      }
      assert.ok(found.length > (isWhole ? 1 : 0));
      addRow({ fault: rowOf(name), found, healed: found.length });
    });
  }

  async function reached(change: () => Promise<unknown>): Promise<string> {
    await change();
    return state();
  }

  function state(): Promise<string> {
    return settledState(on.lab, HOST);
  }
});
