/** An ordinary user of a host, who does what he can to hold up changes and boot scripts, or to be taken for root. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually";
import { holdLock } from "./held-lock";
import { seenLink } from "./seen";
import { useLab } from "./stack";

const HOST = "node1";
const FOLDER = "/run/pulumi-macvlan";
/** The boot script of the only persistent link. */
const SCRIPT = "/etc/pulumi-macvlan/*.sh";
const AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/** What he tries, again and again: what works is written down, by its word. */
const ATTACK = `
n=0
tried() { "$@" && echo "$*" >> /tmp/attack/worked; n=$((n + 1)); }
while [ ! -e /tmp/attack/end ]; do
  tried /tmp/attack/flock -n ${FOLDER}/lock true
  tried /tmp/attack/flock -n ${FOLDER} true
  for process in /proc/[0-9]*; do
    [ ! -r "$process/fd/9" ] || [ -O "$process" ] || tried /tmp/attack/flock -n "$process/fd/9" true
  done
  tried mkdir -p ${FOLDER}/links ${FOLDER}/netns
  tried ln -s 1:1 ${FOLDER}/holder
  tried mv ${FOLDER} ${FOLDER}.old
  tried rmdir ${FOLDER}
  tried sh -c ': > ${FOLDER}/lock'
  tried sh -c 'ls ${FOLDER} | grep -q .'
  tried ip link add theirs type dummy
  echo "$n" > /tmp/attack/tries
done 2> /dev/null
`;

describe("an ordinary user of a host", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const inHost = { host: HOST, parent: "eth0" } as const;
  const web = { ...inHost, name: "web0", netns: "web" } as const;

  /** Does some work while the attack goes on, and at least a few rounds of it. @returns what has worked of it */
  async function attacked(work: () => Promise<void>): Promise<string> {
    await on.lab.sh(
      HOST,
      `rm -rf /tmp/attack && mkdir -m 777 /tmp/attack && cp "$(command -v flock)" /tmp/attack/flock && : > /tmp/attack/worked && chmod 666 /tmp/attack/worked`,
    );
    const attack = on.lab.exec(HOST, ["sh", "-c", `${AS_NOBODY} sh -c '${ATTACK.replaceAll("'", `'\\''`)}'`]);
    const tries = async (): Promise<number> =>
      Number(await on.lab.sh(HOST, "cat /tmp/attack/tries || echo 0"));
    try {
      await eventually("he has begun", async () => (await tries()) > 0);
      const before = await tries();
      await work();
      await eventually("he has gone on", async () => (await tries()) > before + 20);
    } finally {
      await on.lab.sh(HOST, ": > /tmp/attack/end");
      await attack;
    }
    return on.lab.sh(HOST, "cat /tmp/attack/worked; rm -r /tmp/attack");
  }

  for (const [what, hidden] of [
    ["with flock", []],
    ["without flock", ["flock"]],
  ] as const) {
    it(`neither holds the lock nor gets at the records while changes are made, ${what}`, async () => {
      const worked = await attacked(async () => {
        await on.lab.hide(HOST, hidden);
        for (const mtu of [1400, 1300]) {
          await on.stack.up("MacvlanInterface", "web", { ...web, mtu });
          await on.stack.up("MacvlanInterface", "web", { ...web, mtu: mtu - 1 });
          await on.stack.down();
        }
      });
      assert.equal(worked, "");
      await on.lab.unhide(HOST);
    });
  }

  it("gets in if the folder is open to all, so that this test would notice", async () => {
    const worked = await attacked(async () => {
      await on.lab.sh(HOST, `mkdir -m 777 ${FOLDER}; : > ${FOLDER}/lock; chmod 666 ${FOLDER}/lock`);
    });
    for (const word of ["flock", "mkdir", "ln"]) assert.match(worked, new RegExp(`\\b${word} `));
  });

  it("who made the folder first keeps changes and boot scripts out of it, and nothing worse", async () => {
    await on.lab.sh(HOST, ": > /etc/network/interfaces; mkdir -p /etc/network/if-up.d");
    await on.stack.up("MacvlanInterface", "web", { ...web, persist: true });
    for (const [folder, says] of [
      [`mkdir -m 700 ${FOLDER}; chown 65534:65534 ${FOLDER}`, /belongs to another user/],
      [`mkdir -m 700 /tmp/his; chown 65534:65534 /tmp/his; ln -s /tmp/his ${FOLDER}`, /is a symbolic link/],
      [`mkdir ${FOLDER}; chmod 1777 ${FOLDER}`, /other users can write to/],
    ] as const) {
      await on.lab.sh(HOST, `ip netns del web; rm -rf ${FOLDER} /tmp/his; ${folder}`);
      const script = await on.lab.exec(HOST, ["sh", "-c", `sh ${SCRIPT}`]);
      assert.notEqual(script.code, 0);
      assert.match(script.stdout + script.stderr, says);
      await assert.rejects(on.stack.up("MacvlanInterface", "other", { ...inHost, name: "oth0" }), says);
      assert.equal(await on.lab.sh(HOST, `find ${FOLDER}/ /tmp/his -mindepth 1 2>/dev/null || true`), "");
      assert.equal(await seenLink(on.lab, HOST, "oth0"), undefined);
      await on.lab.sh(HOST, `ip netns add web; rm -rf ${FOLDER} /tmp/his`);
    }
    await on.lab.sh(HOST, `ip netns del web; sh ${SCRIPT}`);
    await on.stack.down();
    await on.lab.reboot(HOST, { fresh: true });
  });

  it("who held the lock could delay a boot script up to its time limit, and no longer", async () => {
    await on.lab.sh(HOST, ": > /etc/network/interfaces; mkdir -p /etc/network/if-up.d");
    await on.stack.up("MacvlanInterface", "web", { ...web, persist: true });
    const script = await on.lab.sh(HOST, `cat ${SCRIPT}`);
    assert.match(script, /^pm_lock 60 \|\| fail /m);
    await on.lab.sh(HOST, `sed "s/^pm_lock 60 /pm_lock 2 /" ${SCRIPT} > /tmp/short.sh`);
    const lock = await holdLock(on.lab, HOST, "true");
    const { code, stdout, stderr } = await on.lab.exec(HOST, ["sh", "/tmp/short.sh"]);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /a change of links holds the lock/);
    await lock.release();
    await on.lab.sh(HOST, "sh /tmp/short.sh; rm /tmp/short.sh");
    await on.stack.down();
    await on.lab.reboot(HOST, { fresh: true });
  });
});
