import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { CUT, KILL, KILL_ALL, replaceIp, restoreIp, watchdogEnds } from "./faults";
import { holdLock } from "./held-lock";
import { addressesOf, linkOf, seenLink, snapshot, withoutNumbers } from "./seen";
import { openStack, useLab } from "./stack";

const FIRST: MacvlanArgs = {
  host: "node1",
  parent: "eth0",
  mtu: 1400,
  addresses: ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"],
  alias: "web",
};
const SECOND: MacvlanArgs = {
  host: "node1",
  parent: "eth0",
  name: "other",
  netns: "blue",
  mtu: 1300,
  addresses: ["192.0.2.2/24", "2001:db8::2/64"],
  alias: "#2 of web",
  routes: ["198.51.100.0/24"],
};

describe("a change that does not get through", () => {
  const on = useLab(1);
  const up = (args: MacvlanArgs) => on.stack.up("MacvlanInterface", "web", args);

  afterEach(() => restoreIp(on.lab, "node1"));

  it("in a namespace leaves alone what has the same index in the host's own", async () => {
    // each namespace counts its links for itself, so that any link may have the index of a NIC
    const { ifindex } = await linkOf(on.lab, "node1", "eth0");
    await on.lab.sh("node1", "ip netns add blue");
    for (let index = 2; index < ifindex; index++)
      await on.lab.sh("node1", `ip -n blue link add fill${index} type bridge`);
    const args: MacvlanArgs = { host: "node1", parent: "eth0", netns: "blue", addresses: ["192.0.2.1/24"] };
    await up(args);
    assert.equal((await linkOf(on.lab, "node1", "web", "blue")).ifindex, ifindex);
    const before = await snapshot(on.lab, "node1");
    const routes = [{ to: "203.0.113.0/24", via: "198.51.100.1" }];
    await assert.rejects(up({ ...args, mtu: 1400, routes }), /Everything was undone/);
    assert.equal(await snapshot(on.lab, "node1"), before);
    await on.stack.down();
    await linkOf(on.lab, "node1", "eth0");
  });

  it("because any one of its commands fails leaves the host as it was, and says so", async () => {
    await up(FIRST);
    const before = await snapshot(on.lab, "node1");
    let failures = 0;
    for (let n = 1; n < 40; n++) {
      await replaceIp(on.lab, "node1", n, "echo RTNETLINK answers: No buffer space available >&2; exit 2");
      const error = await up(SECOND).then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      await restoreIp(on.lab, "node1");
      if (error === undefined) break;
      failures++;
      assert.match(
        error,
        /MacvlanInterface "web" on root@node1:22: "ip .*" failed \(exit \d+\) and printed: .*No buffer space/,
      );
      assert.match(error, /Everything was undone: the host is as it was\. \[[a-z-]+\]$/, `command ${n}`);
      assert.equal(await snapshot(on.lab, "node1"), before, `command ${n}`);
    }
    console.log(`      failed at each of ${failures} commands`);
    assert.ok(failures > 5);
    assert.deepEqual(
      addressesOf(await linkOf(on.lab, "node1", "other", "blue")).toSorted(),
      SECOND.addresses,
    );
  });

  it("because another program was first leaves what that has made", async () => {
    const mine: MacvlanArgs = { host: "node1", parent: "eth0", name: "mine" };
    for (const made of [
      "link add mine type veth peer name mine1",
      "link add link eth0 name mine type macvlan",
    ]) {
      await replaceIp(on.lab, "node1", 1, `$real ${made}`);
      await assert.rejects(up(mine), /File exists/);
      await restoreIp(on.lab, "node1");
      assert.notEqual(await on.lab.sh("node1", "ip link show dev mine"), "");
      await on.lab.sh("node1", "ip link delete mine");
    }
  });

  it("because its shell is killed is rolled back by the host itself", async () => {
    await up(FIRST);
    const before = await snapshot(on.lab, "node1");
    for (const n of [2, 5, 8]) {
      await replaceIp(on.lab, "node1", n, KILL);
      await assert.rejects(up(SECOND));
      await restoreIp(on.lab, "node1");
      await watchdogEnds(on.lab, "node1");
      assert.equal(await snapshot(on.lab, "node1"), before, `killed at ${n}`);
      assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan"), "links\nlock\nnetns\n");
    }
    await up(SECOND);
  });

  it("because its shell is killed is rolled back after the command that goes on without it has ended", async () => {
    const before = await snapshot(on.lab, "node1");
    const links = Object.fromEntries(
      [1, 2, 3, 4, 5, 6].map((i) => [
        `m${i}`,
        { kind: "macvlan", parent: "eth0", addresses: [`192.0.2.${i}/24`] },
      ]),
    );
    // the watchdog looks every second; four links are made after that
    await replaceIp(on.lab, "node1", 2, "kill -9 $PPID; sleep 2");
    await assert.rejects(on.stack.up("HostLinks", "all", { host: "node1", links }));
    await watchdogEnds(on.lab, "node1");
    assert.equal(await on.lab.sh("node1", "cat /tmp/count"), "13\n", "six links made, deleted as a group");
    await restoreIp(on.lab, "node1");
    assert.equal(await snapshot(on.lab, "node1"), before);
    await on.stack.up("HostLinks", "all", { host: "node1", links });
    await replaceIp(on.lab, "node1", 4, "kill -9 $PPID; sleep 2");
    const made = withoutNumbers(await snapshot(on.lab, "node1"));
    await assert.rejects(on.stack.down());
    await watchdogEnds(on.lab, "node1");
    await restoreIp(on.lab, "node1");
    // all of them were deleted by then
    assert.equal(withoutNumbers(await snapshot(on.lab, "node1")), made);
    assert.equal(await on.lab.sh("node1", "ip -o link show group default type macvlan | wc -l"), "6\n");
  });

  it("of many new links deletes them as a group, also if its undo is killed in the middle", async () => {
    const before = await snapshot(on.lab, "node1");
    const many = 40;
    const links = Object.fromEntries(
      Array.from({ length: many }, (_, i) => [
        `m${i + 1}`,
        {
          ...{ kind: "macvlan", parent: "eth0", addresses: [`192.0.2.${i + 1}/24`] },
          // the kernel refuses this: nothing leads to the gateway
          ...(i === many - 1 ? { routes: [{ to: "203.0.113.0/24", via: "198.51.100.1" }] } : {}),
        },
      ]),
    );
    const all = { host: "node1", links };
    // each is made, gets its address and is set up; then the route is added, and deleted
    const made = 3 * many + 2;
    await replaceIp(on.lab, "node1", 0, "exit");
    await assert.rejects(on.stack.up("HostLinks", "all", all), /Everything was undone/);
    assert.equal(await on.lab.sh("node1", "cat /tmp/count"), `${made + many + 1}\n`);
    await restoreIp(on.lab, "node1");
    assert.equal(await snapshot(on.lab, "node1"), before);
    // in the middle of moving them into the group, and before they are deleted
    for (const n of [made + many / 2, made + many + 1]) {
      const parent = (of: string): string => `$(ps -o ppid= -p ${of} | tr -d " ")`;
      const killAll = `p=$PPID; q=${parent("$p")}; r=${parent("$q")}; pkill -9 -f /run/pulumi-macvlan/watchdog; kill -9 $r $q $p; exit 1`;
      await replaceIp(on.lab, "node1", n, killAll);
      await assert.rejects(on.stack.up("HostLinks", "all", all));
      await restoreIp(on.lab, "node1");
      assert.equal(await on.lab.sh("node1", "ip -o link show type macvlan | wc -l"), `${many}\n`);
      await up(FIRST);
      assert.equal(await on.lab.sh("node1", "ip -o link show group default type macvlan | wc -l"), "1\n");
      assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan/links"), ":web\n");
      await on.stack.down();
      assert.equal(await snapshot(on.lab, "node1"), before);
    }
  });

  it("because its shell and its watchdog are killed is rolled back by the next one", async () => {
    await up(FIRST);
    const before = await snapshot(on.lab, "node1");
    for (const n of [2, 5, 8]) {
      await replaceIp(on.lab, "node1", n, KILL_ALL);
      await assert.rejects(up(SECOND));
      await restoreIp(on.lab, "node1");
      assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan/undo"), "/run/pulumi-macvlan/undo\n");
      await up(FIRST);
      assert.equal(await snapshot(on.lab, "node1"), before, `killed at ${n}`);
    }
    await up(SECOND);
    assert.deepEqual(
      addressesOf(await linkOf(on.lab, "node1", "other", "blue")).toSorted(),
      SECOND.addresses,
    );
  });

  it("and has left something is reported again if the next one cannot undo that either", async () => {
    await up(FIRST);
    const undo = "echo 'ip link delete dev gone0'; echo 'Cannot find device'";
    await on.lab.sh("node1", `cd /run/pulumi-macvlan && echo 1 >progress && echo "${undo}" >undo.left`);
    await up({ ...FIRST, mtu: 1300 });
    assert.match(
      on.stack.said().join("\n"),
      /MacvlanInterface "web" on root@node1:22: an earlier change could not be undone completely\. .* printed: ip link delete dev gone0 \/ Cannot find device\. It will not be tried again/,
    );
    assert.equal((await linkOf(on.lab, "node1", "web")).mtu, 1300);
    assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan"), "links\nlock\nnetns\n");
  });

  it("but is in progress is distinguished from an interrupted one by whether the lock is held", async () => {
    await up(FIRST);
    await replaceIp(on.lab, "node1", 5, KILL_ALL);
    await assert.rejects(up(SECOND));
    await restoreIp(on.lab, "node1");
    // the watchdog's own sleep has the lock for a second
    await on.lab.sh("node1", "flock /run/pulumi-macvlan/lock true");
    const seen = async (): Promise<string | undefined> =>
      (await on.stack.preview("MacvlanInterface", "web", FIRST)).drift["host"];
    const cutOff = "found a change that was interrupted, wanted none";
    const underWay = "found a change of another run in progress, wanted none";
    assert.equal(await seen(), cutOff);
    const lock = await holdLock(on.lab, "node1", "true");
    assert.equal(await seen(), underWay);
    await lock.release();
    await on.lab.hide("node1", ["flock"]);
    assert.equal(await seen(), cutOff);
    // as a script of a host without flock writes down that it holds the lock: a process, and when it began
    const holder = "ln -s 1:$(sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20) /run/pulumi-macvlan/holder";
    await on.lab.sh("node1", holder);
    assert.equal(await seen(), underWay);
    await on.lab.sh("node1", "rm /run/pulumi-macvlan/holder");
    await on.lab.unhide("node1", ["flock"]);
    await up(FIRST);
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "web", FIRST)).drift, {});
  });

  it("because the connection is cut is completed or rolled back, and leaves no lock", async () => {
    await up(FIRST);
    await replaceIp(on.lab, "node1", 4, `${CUT}; sleep 1`);
    await assert.rejects(up(SECOND), /\[change-unknown\]$/);
    await restoreIp(on.lab, "node1");
    await up(SECOND);
    assert.deepEqual(
      addressesOf(await linkOf(on.lab, "node1", "other", "blue")).toSorted(),
      SECOND.addresses,
    );
    assert.equal(await seenLink(on.lab, "node1", "web"), undefined);
    assert.equal(await on.lab.sh("node1", "ls /run/pulumi-macvlan"), "links\nlock\nnetns\n");
  });

  it("if the host's flock has no time limit, as in busybox, is made all the same", async () => {
    await on.lab.sh("node1", 'mkdir -p /tmp/real; cp "$(command -v flock)" /tmp/real/flock');
    await on.lab.replace("node1", "flock", {
      script:
        '#!/bin/sh\ncase "$*" in *-w*) echo "flock: invalid option -- w" >&2; exit 1;; esac\nexec /tmp/real/flock "$@"\n',
    });
    await up(FIRST);
    await on.lab.unhide("node1", ["flock"]);
    await on.lab.sh("node1", "rm -rf /tmp/real");
  });

  it("while another one of the same host is in progress waits for it", async () => {
    const lock = await holdLock(on.lab, "node1", "ls /sys/class/net");
    const change = up(FIRST);
    await lock.isAwaited();
    assert.doesNotMatch(await lock.release(), /^web$/m, "made while another one held the lock");
    await change;
    const other = openStack(on.lab, "lab/other");
    const taken = await other.preview("MacvlanInterface", "web", FIRST);
    assert.match(taken.failures.join(), /^name: web belongs to the stack lab\/test \(resource web\)/);
  });
});

describe("a link of another owner", () => {
  const on = useLab(1);
  const args: MacvlanArgs = {
    host: "node1",
    parent: "eth0",
    name: "mac0",
    mtu: 1400,
    addresses: ["192.0.2.1/24"],
  };

  beforeEach(() =>
    on.lab.sh(
      "node1",
      "ip link add mac0 link eth0 type macvlan mode vepa; ip addr add 192.0.2.9/24 dev mac0; ip link set mac0 up",
    ),
  );

  it("is refused and not touched, also by a link of another kind", async () => {
    const before = await snapshot(on.lab, "node1");
    await assert.rejects(on.stack.up("MacvlanInterface", "web", args), / \[name-taken\]$/);
    await assert.rejects(
      on.stack.up("HairpinBridge", "web", { host: "node1", name: "mac0" }),
      /is of the kind bridge.* \[name-taken\]$/,
    );
    assert.equal(await snapshot(on.lab, "node1"), before);
  });

  it("is taken over with adopt, in place, and is as it was after deletion", async () => {
    const before = await snapshot(on.lab, "node1");
    const { ifindex } = await linkOf(on.lab, "node1", "mac0");
    const { ifIndex } = await on.stack.up("MacvlanInterface", "web", { ...args, adopt: true });
    assert.equal(ifIndex, ifindex);
    const link = await linkOf(on.lab, "node1", "mac0");
    assert.deepEqual([link.mtu, addressesOf(link)], [1400, args.addresses]);
    await on.stack.down();
    assert.equal(await snapshot(on.lab, "node1"), before);
  });

  it("that took the place of a deleted one is not deleted with the resource", async () => {
    await on.lab.sh("node1", "ip link del mac0");
    await on.stack.up("MacvlanInterface", "web", args);
    await on.lab.sh("node1", "ip link del mac0; ip link add mac0 link eth0 type macvlan mode private");
    await on.stack.down();
    assert.ok(await seenLink(on.lab, "node1", "mac0"));
  });

  it("that is gone does not prevent deletion", async () => {
    await on.lab.sh("node1", "ip link del mac0");
    await on.stack.up("MacvlanInterface", "web", args);
    await on.lab.sh("node1", "ip link del mac0");
    assert.equal(await on.stack.refresh("web"), undefined);
    await on.stack.down();
  });
});
