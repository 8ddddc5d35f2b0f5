/** Faults on a host, and on the way to it, while a change is made. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckArgs, MacvlanArgs } from "../../provider/kinds/args";
import { CUT, KILL, KILL_ALL, replaceIp, restoreIp, watchdogEnds } from "../lab/faults";
import { MOMENTS } from "../lab/intervene";
import { differenceOf, snapshot, withoutNumbers } from "../lab/seen";
import { type Stack, openStack, useLab } from "../lab/stack";
import { fiveLinks } from "./five-links";
import { type Proxy, openProxy } from "./proxy";
import { type Found, addRow, expectRows, isWhole } from "./table";

/** Two states of a host, between which a resource takes it. */
interface Change {
  readonly from: (stack: Stack) => Promise<unknown>;
  readonly to: (stack: Stack) => Promise<unknown>;
}

/** What is changed while a fault strikes. */
interface Subject {
  /** Before the fault in the table. */
  readonly prefix: string;
  /** @param checks of the link that comes last */
  readonly change: (checks?: CheckArgs[]) => Change;
  /** How many commands the change has, and numbers of most and of some of them. */
  readonly commands: number;
  readonly most: readonly number[];
  readonly some: readonly number[];
  /** Numbers of commands without which the state is the same. */
  readonly notCompared: readonly number[];
  /** For a check, whether the host is as desired: it also runs before the change. */
  readonly isDesired: string;
  /** A link that has no place after the change, and what deletes some of the others, wherever they are. */
  readonly leaves: string;
  readonly deletes: string;
  /** Faults of which a run in part tries one moment; without it, of all. */
  readonly sample?: readonly string[];
}

/** A host that is left between two states. */
interface Between {
  readonly stack: Stack;
  readonly change: Change;
  /** Before the change, and now. */
  readonly before: string;
  readonly now: string;
}

interface Fault {
  readonly name: string;
  readonly change: Change;
  /** When it strikes: numbers of commands, shares of all bytes. */
  readonly moments: readonly number[];
  /** Brings it about, and returns how to end it. */
  readonly strike: (moment: number) => Promise<() => Promise<void>>;
  /** What a host that is left between states has to be: without it, none may be. */
  readonly between?: (state: Between) => Promise<void>;
  /** What `up` has to say when it fails. */
  readonly says?: RegExp;
}

/** Numbers of a watchdog, first and of the script that it watches, fourth. */
const WATCHDOG = "$(pgrep -fa '^sh /run/pulumi-macvlan/[w]atchdog')";

/** The same machine with another setting: for the provider it is another host, with a connection of its own. */
const OTHER = { address: "node1", connectTimeout: 5 };

const upTo = (most: number): number[] => Array.from({ length: most }, (_, i) => i + 1);
const everySecond = (list: readonly number[]): number[] => list.filter((_, i) => i % 2 === 0);

describe("a fault while a change is made:", () => {
  const on = useLab(1);
  let proxy: Proxy;
  let config = "";

  const HOST = { address: "node1", connectTimeout: 3, commandTimeout: 4 };
  const FIRST: MacvlanArgs = {
    host: HOST,
    parent: "eth0",
    mtu: 1400,
    addresses: ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"],
    alias: "web",
  };
  const SECOND: MacvlanArgs = {
    ...FIRST,
    name: "other",
    netns: "blue",
    mtu: 1300,
    addresses: ["192.0.2.2/24", "2001:db8::2/64"],
    alias: "#2 of web",
    routes: ["198.51.100.0/24"],
  };
  const ONE: Subject = {
    prefix: "",
    change: (checks) => ({
      from: (stack) => stack.up("MacvlanInterface", "web", FIRST),
      to: (stack) => stack.up("MacvlanInterface", "web", { ...SECOND, ...(checks && { checks }) }),
    }),
    commands: 10,
    most: everySecond(upTo(10)),
    some: [2, 5, 8],
    // it sets lo up in the new namespace
    notCompared: [2],
    isDesired: "ip -n blue link show dev other",
    leaves: "web",
    deletes: "$real link delete web 2>/dev/null; $real -n blue link delete other 2>/dev/null",
  };
  const { first, second } = fiveLinks();
  const FIVE: Subject = {
    prefix: "five links: ",
    change: (checks) => ({
      from: (stack) => stack.up("HostLinks", "all", { host: HOST, links: first }),
      to: (stack) =>
        stack.up("HostLinks", "all", {
          host: HOST,
          links: { ...second, tap0: { ...second["tap0"], ...(checks && { checks }) } },
        }),
    }),
    commands: 25,
    most: upTo(25),
    some: [1, 6, 11, 16, 21, 25],
    // it sets lo up in the new namespace
    notCompared: [18],
    isDesired: "ip link show dev tap0",
    leaves: "shim0",
    deletes: "$real link delete up0 2>/dev/null; $real link delete br1 2>/dev/null",
    sample: ["a command fails", "the change's shell is killed (SIGKILL)", "the SSH session is killed"],
  };
  /** Of the link that carries the connection. */
  const SSH = { address: "node1", connectTimeout: 2, commandTimeout: 5, confirmTimeout: 5 };
  const OVER_SSH = { ports: [{ name: "mgmt0", hairpin: false }], takeOverAddresses: true };
  const ONE_OVER_SSH: Subject = {
    prefix: "on the link that carries SSH: ",
    change: (checks) => ({
      from: (stack) => stack.down("lan"),
      to: (stack) =>
        stack.up("HairpinBridge", "lan", { host: SSH, name: "br0", ...OVER_SSH, ...(checks && { checks }) }),
    }),
    commands: 7,
    most: upTo(7),
    some: [2, 4],
    notCompared: [],
    isDesired: "true",
    leaves: "",
    deletes: "",
  };
  const FIVE_OVER_SSH: Subject = {
    ...ONE_OVER_SSH,
    prefix: "five links on the one that carries SSH: ",
    change: (checks) => ({
      from: (stack) => stack.down("all"),
      to: (stack) =>
        stack.up("HostLinks", "all", {
          host: SSH,
          links: {
            ...first,
            br0: { kind: "bridge", ...OVER_SSH },
            shim0: { ...first["shim0"], ...(checks && { checks }) },
          },
        }),
    }),
    commands: 21,
    most: upTo(21),
    some: [2, 10, 20],
    sample: [],
  };

  const sh = (script: string): Promise<string> => on.lab.sh("node1", script);
  const withIp = (then: string) => async (n: number) => {
    await replaceIp(on.lab, "node1", n, then);
    return () => restoreIp(on.lab, "node1");
  };
  /** Does so while a check runs. */
  const inCheck = (then: string) => async () => {
    await sh(`cat > /tmp/strike << 'end'\n${then}\nend`);
    return async () => {
      await sh("rm -f /tmp/strike");
    };
  };
  const once = (strike: string, end: string) => async () => {
    await sh(strike);
    return async () => {
      await sh(end);
    };
  };
  const onTheWay = (how: "reset" | "stall") => (bytes: number) => {
    proxy.break(bytes, how);
    const end = (): Promise<void> => {
      proxy.pass();
      return Promise.resolve();
    };
    return Promise.resolve(end);
  };
  /** The next change, of whichever resource, undoes first what was interrupted. */
  const isUndoneByTheNext = async ({ stack, before }: Between): Promise<void> => {
    await stack.up("MacvlanInterface", "next", { host: HOST, name: "next", parent: "eth0" });
    await stack.down("next");
    assert.equal(differenceOf(before, await state()), "", "after the next change, of another resource");
  };
  /** Nothing is there but what a boot brings. */
  const isBooted = async ({ now }: Between): Promise<void> => {
    await on.lab.reboot("node1");
    assert.equal(differenceOf(await state(), now), "", "a host that has just booted");
  };
  /**
   * All of the change is undone. Of what another program deleted, only what the change itself had replaced is there again.
   */
  const lacks =
    (deletes: string) =>
    async ({ stack, change, before, now }: Between): Promise<void> => {
      await change.from(stack);
      await sh(`real=ip; ${deletes}; true`);
      const deleted = await state();
      const again = linksIn(now).filter((name) => !linksIn(deleted).includes(name));
      assert.deepEqual(
        again.filter((name) => !linksIn(before).includes(name)),
        [],
      );
      const isOf = (line: string) => (name: string) => line.split(/[ /@:]+/).includes(name);
      const others = (text: string): string =>
        text
          .split("\n")
          // a record of a link that is gone says nothing
          .filter((line) => !line.startsWith("{") && !again.some(isOf(line)))
          .map((line) => line.replace(/ promiscuity [0-9]+/, ""))
          .join("\n");
      assert.equal(
        differenceOf(others(deleted), others(now)),
        "",
        "the state before, without what was deleted",
      );
    };
  /** Bytes after which a connection breaks: from its first one to beyond the end of the change. */
  const BYTES = [0, 30, 900, 1500, 2500, 4000, 6000, 9000, 14_000, 20_000, 26_000, 32_000, 40_000];

  const faultsOf = (subject: Subject): readonly Fault[] => {
    const { commands, most, some, notCompared, isDesired, leaves, deletes } = subject;
    const all = upTo(commands);
    const MOVE = subject.change();
    /** It passes unless something strikes, which it does when the links are as desired. */
    const CHECK: CheckArgs = {
      command: `[ ! -e /tmp/strike ] || ! ${isDesired} || . /tmp/strike`,
      within: 1,
    };
    const PROVE = subject.change([CHECK]);
    const PROVE_ELSEWHERE = subject.change([{ ...CHECK, from: { host: OTHER } }]);
    return [
      {
        name: "a command fails",
        change: MOVE,
        moments: all,
        strike: withIp("echo RTNETLINK answers: No buffer space available >&2; exit 2"),
        says: /No buffer space.*Everything was undone/,
      },
      {
        name: "a command is killed (SIGKILL)",
        change: MOVE,
        moments: most,
        strike: withIp("kill -9 $$"),
        says: /Everything was undone/,
      },
      {
        name: "a command does nothing and reports success",
        change: MOVE,
        moments: all.filter((n) => !notCompared.includes(n)),
        strike: withIp('[ -n "$at" ] && continue; exit 0'),
      },
      {
        name: "a command hangs",
        change: MOVE,
        moments: some,
        strike: withIp("sleep 60"),
        says: /did not end within 4 s/,
      },
      { name: "the change's shell is killed (SIGKILL)", change: MOVE, moments: all, strike: withIp(KILL) },
      {
        name: "the change's shell is terminated (SIGTERM)",
        change: MOVE,
        moments: most,
        strike: withIp("kill -TERM $PPID"),
      },
      {
        name: "shell and watchdog are killed together",
        change: MOVE,
        moments: some,
        strike: withIp(KILL_ALL),
        between: isUndoneByTheNext,
      },
      {
        name: "only the watchdog is killed",
        change: MOVE,
        moments: some,
        strike: withIp("pkill -9 -f /run/pulumi-macvlan/watchdog"),
      },
      {
        name: "a check does not pass",
        change: PROVE,
        moments: [0],
        strike: inCheck("exit 1"),
        says: /check.*failed.*the host is as it was/,
      },
      {
        name: "a check hangs",
        change: PROVE,
        moments: [0],
        strike: inCheck("sleep 60"),
        says: /no answer within.*the host is as it was/,
      },
      {
        name: "the change's shell is killed while its checks run",
        change: PROVE,
        moments: [0],
        strike: inCheck(`set -- ${WATCHDOG}; kill -9 $4; sleep 0.5`),
      },
      {
        name: "shell and watchdog are killed while the checks run",
        change: PROVE,
        moments: [0],
        strike: inCheck(`set -- ${WATCHDOG}; kill -9 $1 $4; sleep 0.5`),
      },
      {
        name: "the SSH session is killed while the checks run",
        change: PROVE,
        moments: [0],
        strike: inCheck(`${CUT}; sleep 0.3`),
      },
      {
        name: "a check from another host does not pass",
        change: PROVE_ELSEWHERE,
        moments: [0],
        strike: inCheck("exit 1"),
        says: /check.*failed.*the host is as it was/,
      },
      {
        name: "the watchdog is killed while another host checks",
        change: PROVE_ELSEWHERE,
        moments: [0],
        strike: inCheck(`set -- ${WATCHDOG}; kill -9 $1; sleep 0.3`),
      },
      {
        name: "the SSH session is killed",
        change: MOVE,
        moments: most,
        strike: withIp(`${CUT}; sleep 0.3`),
      },
      {
        name: "the link is deleted by another program",
        change: MOVE,
        moments: some,
        strike: withIp(deletes),
        between: lacks(deletes),
      },
      ...Object.entries(MOMENTS).map(([moment, intervene]): Fault => ({
        name: `others change the host after it was read: ${moment}`,
        change: MOVE,
        moments: [1, 2],
        strike: async (n) => {
          // the link is deleted, or another one takes its name
          const takes = n === 2 ? `; ip link add ${leaves} mtu 1444 type bridge` : "";
          const end = await intervene(on.lab, "node1", `ip link delete ${leaves}${takes}`);
          return async () => {
            await end();
            if (n === 2)
              await sh(`ip link show dev ${leaves} | grep -q ' mtu 1444 ' && ip link delete ${leaves}`);
          };
        },
      })),
      {
        name: "an undo fails as well",
        change: MOVE,
        moments: some.slice(1, 2),
        strike: withIp("echo 1 > /tmp/broken; exit 2; } ; [ -e /tmp/broken ] && { exit 2"),
        between: isUndoneByTheNext,
        says: /Some of it could not be undone/,
      },
      {
        name: "the TCP connection is reset after so many bytes",
        change: MOVE,
        moments: BYTES,
        strike: onTheWay("reset"),
      },
      {
        name: "the TCP connection goes silent after so many bytes",
        change: MOVE,
        moments: everySecond(BYTES),
        strike: onTheWay("stall"),
      },
      {
        name: "no space left on /run",
        change: MOVE,
        moments: [0, 1],
        strike: async (free) => {
          const room = free === 0 ? 0 : 8192;
          await sh(
            `cd /run/pulumi-macvlan && cp -a . /tmp/kept && mount -t tmpfs -o size=64k tmpfs /run/pulumi-macvlan && ` +
              `cp -a /tmp/kept/. /run/pulumi-macvlan/ && { dd if=/dev/zero of=/run/pulumi-macvlan/full bs=1 count=0 seek=0; ` +
              `head -c $(( $(df --output=avail -B1 /run/pulumi-macvlan | tail -1) - ${room} )) /dev/zero > /run/pulumi-macvlan/full; }`,
          );
          return async () => {
            await sh(
              "rm /run/pulumi-macvlan/full; cp -a /run/pulumi-macvlan/. /tmp/kept/; umount /run/pulumi-macvlan; " +
                "cp -a /tmp/kept/. /run/pulumi-macvlan/; rm -rf /tmp/kept",
            );
          };
        },
        says: /No space left|I\/O error/,
      },
      {
        name: "/run read-only",
        change: MOVE,
        moments: [0],
        strike: once(
          "mount --bind /run/pulumi-macvlan /run/pulumi-macvlan; mount -o remount,ro,bind /run/pulumi-macvlan",
          "umount /run/pulumi-macvlan",
        ),
        says: /Read-only file system/,
      },
      {
        name: "another change holds the lock longer than the limit",
        change: MOVE,
        moments: [0],
        strike: () => {
          const held = on.lab.exec("node1", ["flock", "/run/pulumi-macvlan/lock", "sleep", "40"]);
          const end = async (): Promise<void> => {
            await on.lab.exec("node1", ["pkill", "sleep"]);
            await held;
          };
          return Promise.resolve(end);
        },
      },
      {
        name: "sshd is gone until the host reboots",
        change: MOVE,
        moments: [0],
        strike: async () => {
          await sh("pkill -o sshd");
          return () => on.lab.reboot("node1");
        },
        between: isBooted,
        says: /refused|ended the connection/,
      },
      {
        name: "the host reboots in the middle",
        change: MOVE,
        moments: some,
        strike: async (n) => {
          await replaceIp(on.lab, "node1", n, "touch /tmp/struck; sleep 3");
          const rebooted = (async () => {
            while ((await on.lab.exec("node1", ["test", "-e", "/tmp/struck"])).code !== 0);
            await on.lab.reboot("node1");
          })();
          return () => rebooted;
        },
        between: isBooted,
      },
      {
        name: "the host's key has changed",
        change: MOVE,
        moments: [0],
        strike: async () => {
          await sh(
            "cp -a /etc/ssh /tmp/ssh; ssh-keygen -q -t ed25519 -N '' -f /tmp/new; cat /tmp/new > /etc/ssh/ssh_host_ed25519_key; cat /tmp/new.pub > /etc/ssh/ssh_host_ed25519_key.pub; rm /tmp/new*; pkill -HUP -o sshd",
          );
          return async () => {
            await sh("cp -a /tmp/ssh/. /etc/ssh/; rm -rf /tmp/ssh; pkill -HUP -o sshd");
          };
        },
        says: /SHA256:/,
      },
      {
        name: "iproute2 is gone",
        change: MOVE,
        moments: [0],
        strike: async () => {
          await on.lab.hide("node1", ["ip"]);
          return () => on.lab.unhide("node1", ["ip"]);
        },
        says: /iproute2/,
      },
      {
        name: "the host's answer is cut short",
        change: MOVE,
        moments: [1, 3],
        strike: async (n) => {
          await sh('mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
          await on.lab.replace("node1", "ip", {
            script: `#!/bin/sh\ncase "$*" in *-j*) /tmp/real/ip "$@" | head -c ${n * 150};; *) exec /tmp/real/ip "$@";; esac\n`,
          });
          return () => restoreIp(on.lab, "node1");
        },
      },
    ];
  };

  const faultsOverSsh = (subject: Subject): readonly Fault[] => {
    const { commands, some } = subject;
    const all = upTo(commands);
    const ENSLAVE = subject.change();
    const PROVE = subject.change([{ command: "[ ! -e /tmp/strike ] || . /tmp/strike", within: 1 }]);
    return [
      {
        name: "a command fails",
        change: ENSLAVE,
        moments: all,
        strike: withIp("echo RTNETLINK answers: No buffer space available >&2; exit 2"),
        says: /Everything was undone/,
      },
      {
        name: "the shell is killed",
        change: ENSLAVE,
        moments: all,
        strike: withIp(KILL),
      },
      {
        name: "the session is killed",
        change: ENSLAVE,
        moments: all,
        strike: withIp(`${CUT}; sleep 0.3`),
      },
      {
        name: "a check does not pass",
        change: PROVE,
        moments: [0],
        strike: inCheck("exit 1"),
        says: /check.*failed.*the host is as it was/,
      },
      {
        name: "no new connection gets through",
        change: ENSLAVE,
        moments: all,
        strike: async (n) => {
          await replaceIp(on.lab, "node1", n, "pkill -STOP -o sshd");
          return async () => {
            await sh("pkill -CONT -o sshd");
            await restoreIp(on.lab, "node1");
          };
        },
        says: /no new connection confirmed/,
      },
      {
        name: "session and watchdog are killed while it waits",
        change: ENSLAVE,
        moments: some.slice(0, 1),
        strike: async (n) => {
          await replaceIp(
            on.lab,
            "node1",
            n,
            "pkill -STOP -o sshd; setsid sh -c 'while [ ! -e /run/pulumi-macvlan/pending ]; do sleep 0.1; done; pkill -9 -f /run/pulumi-macvlan/[w]atchdog' >/dev/null 2>&1 9>&- & true",
          );
          return async () => {
            await sh("pkill -CONT -o sshd");
            await restoreIp(on.lab, "node1");
          };
        },
        says: /no new connection confirmed/,
      },
    ];
  };

  before(async () => {
    const node = on.lab.host("node1");
    proxy = await openProxy(node.control, 22);
    config = join(on.lab.folder, "proxied_ssh_config");
    const lines = [
      "Host node1",
      "HostName 127.0.0.1",
      `Port ${proxy.port}`,
      "HostKeyAlias node1-behind-proxy",
      `UserKnownHostsFile ${config}.hosts`,
      `Include ${on.lab.sshConfig}`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    writeFileSync(`${config}.hosts`, `node1-behind-proxy ${node.hostKey}\n`);
  });
  after(() => proxy.close());

  const FAULTS = [
    ...[ONE, FIVE].flatMap((subject) => faultsOf(subject).map((fault) => ({ ...fault, subject }))),
    ...[ONE_OVER_SSH, FIVE_OVER_SSH].flatMap((subject) =>
      faultsOverSsh(subject).map((fault) => ({ ...fault, subject })),
    ),
  ];
  expectRows(
    "host",
    FAULTS.map(({ name, subject }) => subject.prefix + name),
  );

  for (const { prefix, commands, change } of [ONE, ONE_OVER_SSH, FIVE, FIVE_OVER_SSH]) {
    it(`${prefix}there are ${commands} commands at which one can strike`, async function () {
      this.timeout(60_000);
      const stack = openStack({ ...on.lab, sshConfig: config });
      const { from, to } = change();
      await reached(() => from(stack));
      await replaceIp(on.lab, "node1", 0, "exit 1");
      await to(stack);
      assert.equal(Number(await sh("cat /tmp/count")), commands);
      await restoreIp(on.lab, "node1");
    });
  }

  for (const { subject, ...fault } of FAULTS) {
    const isSampled = subject.sample === undefined || subject.sample.includes(fault.name);
    if (!isWhole && !isSampled) continue;
    const middle = subject.sample === undefined ? 0 : Math.floor(fault.moments.length / 2);
    const moments = isWhole ? fault.moments : fault.moments.slice(middle, middle + 1);
    it(`${subject.prefix}${fault.name} (${moments.length})`, async function () {
      this.timeout(60_000 * moments.length);
      const stack = openStack({ ...on.lab, sshConfig: config });
      const { from, to } = fault.change;
      await from(stack);
      const wanted = await reached(() => to(stack));
      const found: Found[] = [];
      for (const moment of moments) {
        const before = await reached(() => from(stack));
        const end = await fault.strike(moment);
        const error = await to(stack).then(
          () => undefined,
          (reason: unknown) => String(reason),
        );
        await end();
        await watchdogEnds(on.lab, "node1");
        const now = await state();
        const is = now === wanted ? "wanted" : now === before ? "before" : "between";
        found.push(is);
        const where = `at ${moment}, ${error ?? "no error"}`;
        if (is === "between") {
          const both = `${differenceOf(wanted, now)}\nand\n${differenceOf(before, now)}`;
          assert.ok(fault.between, `found ${is} ${where}\n${both}`);
          await fault.between({ stack, change: fault.change, before, now });
        }
        if (error === undefined) assert.equal(is, "wanted", where);
        else assert.match(error, fault.says ?? /node1/, where);
        const again = differenceOf(wanted, await reached(() => to(stack)));
        assert.equal(again, "", `after the next up, ${where}`);
        assert.match(await sh("ls /run/pulumi-macvlan"), /^links\nlock\nnetns\n$/, where);
      }
      addRow({ fault: subject.prefix + fault.name, found, healed: found.length });
    });
  }

  /** Names of the links in a state, of whichever namespace. */
  function linksIn(text: string): string[] {
    return text.split("\n").flatMap((line) => /^([^@: ]+)(?:@[^: ]+)?: </.exec(line)?.[1] ?? []);
  }

  async function reached(up: () => Promise<unknown>): Promise<string> {
    await up();
    await watchdogEnds(on.lab, "node1");
    return state();
  }

  async function state(): Promise<string> {
    return withoutNumbers(await snapshot(on.lab, "node1"));
  }
});
