/** Links that the host makes again by itself, on hosts whose ifupdown runs hooks at boot: these really reboot. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { BridgeArgs, MacvlanArgs, ShimArgs } from "../../provider/kinds/args";
import { addressesOf, linkOf, seenLink, snapshot } from "./seen";
import { openStack, useLab } from "./stack";

const HOST = "node1";
const SCRIPTS = "/etc/pulumi-macvlan";
const HOOKS = "/etc/network/if-up.d";

const WEB = {
  ...{
    host: HOST,
    parent: "eth0",
    name: "web0",
    netns: "web",
    mtu: 1400,
    txQueueLength: 77,
    alias: "it's the web",
  },
  ...{ routes: ["198.51.100.0/24"], persist: true },
} satisfies MacvlanArgs;
const LAN: BridgeArgs = {
  ...{ host: HOST, name: "br0", stp: false, ageingTime: 30, addresses: ["203.0.113.1/24"], persist: true },
  // eth1 leads to the lab's switch, which must not get its frames back
  ports: [{ name: "eth1", hairpin: false, isolated: true }],
};
const SOURCE: MacvlanArgs = {
  ...{ host: HOST, parent: "br0", name: "src0", mode: "source", nodst: true, persist: true },
  sourceMacAddresses: ["02:00:5e:00:53:10", "02:00:5e:00:53:11"],
};
const SHIM: ShimArgs = {
  ...{ host: HOST, parent: "br0", name: "shim0", persist: true },
  routes: [{ to: "203.0.113.10/32", source: "203.0.113.1" }],
};
const PLAIN = {
  ...{ host: HOST, parent: "eth0", name: "mac0", mode: "vepa" as const, mtu: 1300, persist: true },
  addresses: ["192.0.2.10/24", "2001:db8::10/64"],
} satisfies MacvlanArgs;

describe("a persistent link", function () {
  this.timeout(180_000);
  const on = useLab(2);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);
  /** Something on the LAN that another host of the lab reaches. */
  const webAddress = (): string => on.lab.host(HOST).lan.replace(/\d+\.\d+$/, "200.1");

  const webAddresses = (): string[] => [`${webAddress()}/16`, "192.0.2.1/24", "192.0.2.2/24"];

  beforeEach(() => sh(`mkdir -p ${HOOKS}; : > /etc/network/interfaces`));
  // what is in /etc outlives a reset
  afterEach(() => on.lab.reboot(HOST, { fresh: true }));

  /** What is to survive a reboot: all but the indexes, which the kernel assigns again. */
  const lasting = async (): Promise<string> =>
    (await snapshot(on.lab, HOST))
      .split("\n")
      .map((line) =>
        line
          .replace(/^[0-9]+:? |(?<=^\d*:? ?(?:eth|mgmt)\d)@[^: ]+|link-netnsid [0-9]+| \(id: [0-9]+\)$/g, "")
          .replace(/ +/g, " "),
      )
      .map((line) =>
        line.replace(/(?:state|mode) [A-Z]+|<[A-Z,_-]+>|designated_\w+ \S+|(?:root|bridge)_id \S+/g, ""),
      )
      .toSorted()
      .join("\n");
  const bootFiles = (): Promise<string> =>
    sh(
      `ls -l ${SCRIPTS} ${HOOKS} 2>/dev/null | sed 's/ [A-Z][a-z][a-z] .* / /'; cat ${SCRIPTS}/* ${HOOKS}/* 2>/dev/null; true`,
    );
  const noFiles = async (): Promise<void> =>
    assert.equal(
      await sh(`find ${SCRIPTS} ${HOOKS} /etc/systemd/system -name '*pulumi-macvlan*' 2>/dev/null; true`),
      "",
    );

  const all = async (): Promise<void> => {
    await on.stack.up("MacvlanInterface", "web", { ...WEB, addresses: webAddresses() });
    await on.stack.up("HairpinBridge", "lan", LAN);
    await on.stack.up("MacvlanInterface", "source", SOURCE);
    await on.stack.up("HostShim", "shim", SHIM);
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
  };
  const drifts = async (): Promise<unknown[]> => {
    const previews = [
      await on.stack.preview("MacvlanInterface", "web", { ...WEB, addresses: webAddresses() }),
      await on.stack.preview("HairpinBridge", "lan", LAN),
      await on.stack.preview("MacvlanInterface", "source", SOURCE),
      await on.stack.preview("HostShim", "shim", SHIM),
      await on.stack.preview("MacvlanInterface", "plain", PLAIN),
    ];
    return previews.map(({ drift, failures, changes }) => ({ ...drift, failures, changes }));
  };
  const NONE = Array.from({ length: 5 }, () => ({ failures: [], changes: false }));

  it("is the same after a reboot, carries packets, and belongs to this stack", async () => {
    const fresh = await lasting();
    await all();
    const before = await lasting();
    assert.ok(await on.lab.ping("node2", webAddress(), { deadline: 5000 }));
    await on.lab.reboot(HOST);
    assert.equal(await lasting(), before);
    assert.ok(await on.lab.ping("node2", webAddress(), { deadline: 5000 }));
    assert.deepEqual(await drifts(), NONE);
    await on.stack.down();
    assert.equal(await lasting(), fresh);
    await noFiles();
    await on.lab.reboot(HOST);
    assert.equal(await lasting(), fresh);
  });

  it("is left as it is if its script runs again, and repaired if it was changed", async () => {
    await all();
    const before = await snapshot(on.lab, HOST);
    const runAll = (): Promise<string> => sh(`for f in ${SCRIPTS}/*.sh; do sh "$f" || exit; done`);
    assert.deepEqual([await runAll(), await runAll()], ["", ""]);
    assert.equal(await snapshot(on.lab, HOST), before);
    await sh(
      "ip link set mac0 mtu 1290 down; ip addr del 192.0.2.10/24 dev mac0; ip -n web route del 198.51.100.0/24;" +
        "bridge link set dev eth1 isolated off; echo 0 > /proc/sys/net/ipv4/conf/shim0/arp_filter; ip link set eth1 nomaster",
    );
    await runAll();
    assert.equal(await snapshot(on.lab, HOST), before);
  });

  it("appears with a parent that appears late, on the hook of the parent or of all interfaces", async () => {
    await sh("ip link add late0 type veth peer name peer0; ip link set late0 up; ip link set peer0 up");
    const args: MacvlanArgs = {
      host: HOST,
      parent: "late0",
      name: "mac0",
      addresses: ["192.0.2.1/24"],
      persist: true,
    };
    const { macAddress } = await on.stack.up("MacvlanInterface", "web", args);
    const comes = async (): Promise<void> => {
      const link = await linkOf(on.lab, HOST, "mac0");
      assert.deepEqual([link.address, addressesOf(link)], [macAddress, args.addresses]);
      assert.deepEqual((await on.stack.preview("MacvlanInterface", "web", args)).drift, {});
    };
    const addParent = "ip link add late0 type veth peer name peer0; ip link set late0 up";
    for (const event of ["late0", "--all"]) {
      await on.lab.reboot(HOST);
      assert.equal(await seenLink(on.lab, HOST, "mac0"), undefined);
      await sh(`${addParent}; IFACE=${event} ${HOOKS}/pulumi-macvlan-mac0`);
      await comes();
    }
    await on.lab.reboot(HOST);
    const waiting = sh(`sh ${SCRIPTS}/mac0.sh`);
    await sleep(1500);
    await sh(addParent);
    await waiting;
    await comes();
  });

  it("gets each of its ports as it appears, with its options, and waits for those that are expected", async () => {
    const addPort = (n: number): Promise<string> =>
      sh(`ip link add p${n} type veth peer name q${n}; ip link set q${n} up`);
    await addPort(1);
    await addPort(2);
    const ports = [{ name: "p1", cost: 77 }, "p2"];
    await on.stack.up("HairpinBridge", "lan", { ...LAN, ports });
    const hairpins = (): Promise<string> =>
      sh(
        "cd /sys/class/net/br0/brif; for p in *; do echo $p $(cat $p/hairpin_mode) $(cat ../../$p/operstate); done",
      );
    const before = await hairpins();
    assert.equal(before, "p1 1 up\np2 1 up\n");
    await on.lab.reboot(HOST);
    assert.equal(await seenLink(on.lab, HOST, "br0"), undefined);
    for (const n of [1, 2]) {
      await addPort(n);
      await sh(`IFACE=p${n} ${HOOKS}/pulumi-macvlan-br0`);
      assert.equal((await linkOf(on.lab, HOST, `p${n}`)).master, "br0");
    }
    assert.equal(await hairpins(), before);
    assert.deepEqual((await on.stack.preview("HairpinBridge", "lan", { ...LAN, ports })).drift, {});
    await sh("ip link del br0; ip link del p2");
    const waiting = sh(`sh ${SCRIPTS}/br0.sh`);
    await sleep(1500);
    assert.equal(await seenLink(on.lab, HOST, "br0"), undefined);
    await addPort(2);
    await waiting;
    assert.equal(await hairpins(), before);
  });

  it("is back on a bridge of another owner, with the changes to that bridge", async () => {
    const makeBridge = "ip link add br0 address 02:00:5e:00:53:99 type bridge; ip link set br0 up";
    await sh(makeBridge);
    const args: BridgeArgs = { ...LAN, adopt: true };
    await on.stack.up("HairpinBridge", "lan", args);
    await on.stack.up("HostShim", "shim", SHIM);
    const before = await lasting();
    await on.lab.reboot(HOST);
    await sh(`${makeBridge}; for h in ${HOOKS}/pulumi-macvlan-*; do IFACE=br0 $h; done`);
    assert.equal(await lasting(), before);
    assert.deepEqual((await on.stack.preview("HairpinBridge", "lan", args)).drift, {});
    await on.stack.down();
    assert.equal((await linkOf(on.lab, HOST, "br0")).addr_info.filter((a) => a.scope === "global").length, 0);
    assert.equal((await linkOf(on.lab, HOST, "eth1")).master, undefined);
  });

  it("takes a port's addresses at each boot, and gives them back for good", async () => {
    await sh("ip addr add 198.51.100.7/24 dev eth1; ip route add 192.0.2.0/24 via 198.51.100.1 proto static");
    const fresh = await lasting();
    const configure =
      "ip addr add 198.51.100.7/24 dev eth1; ip route add 192.0.2.0/24 via 198.51.100.1 proto static";
    const { addresses, ...rest } = LAN;
    const args: BridgeArgs = { ...rest, takeOverAddresses: true };
    await on.stack.up("HairpinBridge", "lan", args);
    const before = await lasting();
    await on.lab.reboot(HOST);
    // as the host's own configuration does, before or after
    await sh(`${configure} 2>/dev/null; IFACE=eth1 ${HOOKS}/pulumi-macvlan-br0`);
    assert.equal(await lasting(), before);
    assert.deepEqual((await on.stack.preview("HairpinBridge", "lan", args)).drift, {});
    await on.stack.down();
    assert.equal(await lasting(), fresh);
    await noFiles();
  });

  it("is not created if another owner's link has its name", async () => {
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
    await sh("ip link del mac0; ip link add mac0 type dummy 2>/dev/null || ip link add mac0 type bridge");
    const before = await snapshot(on.lab, HOST);
    const { code, stderr } = await on.lab.exec(HOST, ["sh", `${SCRIPTS}/mac0.sh`]);
    assert.deepEqual([code, stderr], [1, "pulumi-macvlan: there is a link mac0 that is not of lab/test\n"]);
    assert.equal(await snapshot(on.lab, HOST), before);
    await sh("ip link del mac0");
  });

  it("may have any name and alias that a link can have", async () => {
    const name = "a;$(id)`b`'\"\\";
    const args: MacvlanArgs = { ...PLAIN, name, alias: `$(touch /tmp/ran) '; touch /tmp/ran #\\` };
    await on.stack.up("MacvlanInterface", "it's \n $(touch /tmp/ran)", args);
    const before = await lasting();
    await on.lab.reboot(HOST);
    assert.equal(await lasting(), before);
    assert.equal(await sh("ls /tmp"), "");
    await on.stack.down();
    await noFiles();
  });

  it("drifts if its files change, and is repaired", async () => {
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
    const before = await bootFiles();
    const [script, hook] = [`${SCRIPTS}/mac0.sh`, `${HOOKS}/pulumi-macvlan-mac0`];
    const cases: [change: string, found: string][] = [
      [`rm ${script}`, `missing ${script}`],
      [`rm -r ${SCRIPTS} ${hook}`, "false"],
      [`rm ${hook}`, `missing ${hook}`],
      [`echo : >> ${script}`, `changed ${script}`],
      [`chmod 644 ${hook}`, `changed ${hook}`],
      [`chown 1:1 ${script}`, `changed ${script}`],
      [`sed -i '/^# pulumi-macvlan/d' ${script}`, `changed ${script}`],
      [`cp ${hook} /etc/init.d/pulumi-macvlan-mac0`, "unexpected /etc/init.d/pulumi-macvlan-mac0"],
      [`mv ${script} /etc/x; ln -s /etc/x ${script}`, `changed ${script}`],
    ];
    for (const [change, found] of cases) {
      await sh(change);
      const { drift, failures } = await on.stack.preview("MacvlanInterface", "plain", PLAIN);
      assert.deepEqual([drift, failures], [{ persist: `found ${found}, wanted true` }, []], change);
      assert.equal((await on.stack.refresh("plain"))?.["persist"], false, change);
      await on.stack.up("MacvlanInterface", "plain", PLAIN);
      assert.equal(await bootFiles(), before, change);
      assert.equal((await on.stack.refresh("plain"))?.["persist"], true, change);
    }
  });

  it("stops being persistent and becomes it again as the program says, without touching the link", async () => {
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
    const { ifindex } = await linkOf(on.lab, HOST, "mac0");
    const { persist, ...unsaid } = PLAIN;
    for (const args of [{ ...PLAIN, persist: false }, PLAIN, unsaid] as MacvlanArgs[]) {
      await on.stack.up("MacvlanInterface", "plain", args);
      if (args.persist !== true) await noFiles();
      else assert.match(await bootFiles(), /ip link add name mac0/);
      assert.deepEqual((await on.stack.preview("MacvlanInterface", "plain", args)).changes, false);
      assert.equal((await linkOf(on.lab, HOST, "mac0")).ifindex, ifindex);
    }
  });

  it("stays persistent if its name, namespace, parent or mode changes", async () => {
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
    for (const change of [
      { name: "mac1" },
      { name: "mac1", netns: "web" },
      { parent: "eth1" },
      { mode: "passthru" },
    ]) {
      await on.stack.up("MacvlanInterface", "plain", { ...PLAIN, ...(change as Partial<MacvlanArgs>) });
      const before = await lasting();
      await on.lab.reboot(HOST);
      assert.equal(await lasting(), before, JSON.stringify(change));
    }
    await on.stack.down();
    await noFiles();
  });

  it("of another stack keeps its files, and its name", async () => {
    await on.stack.up("MacvlanInterface", "plain", PLAIN);
    await sh("ip link del mac0");
    const before = await bootFiles();
    const other = openStack(on.lab, "lab/other");
    await assert.rejects(
      other.up("MacvlanInterface", "mine", PLAIN),
      /^Error: persist: .* \[foreign-owner\]$/,
    );
    await other.up("MacvlanInterface", "mine", { ...PLAIN, persist: false });
    await other.down();
    assert.equal(await bootFiles(), before);
  });

  it("may be created by its boot script during an up, which then has nothing to do", async () => {
    await on.stack.up("MacvlanInterface", "plain", { ...PLAIN, routes: ["198.51.100.0/24"] });
    const before = await lasting();
    await sh('mkdir -p /tmp/real; cp "$(command -v flock)" /tmp/real/');
    // gone, or there in part, as a boot script in the middle of its work leaves it
    for (const state of ["ip link del mac0", "ip link set mac0 down"]) {
      await sh(`${state}; rm -f /tmp/once`);
      await on.lab.replace(HOST, "flock", {
        script: `#!/bin/sh
[ -e /tmp/once ] || { : > /tmp/once; sh ${SCRIPTS}/mac0.sh 9>&-; }
exec /tmp/real/flock "$@"
`,
      });
      await on.stack.up("MacvlanInterface", "plain", { ...PLAIN, routes: ["198.51.100.0/24"] });
      await on.lab.unhide(HOST);
      assert.equal(await sh("ls /tmp/once"), "/tmp/once\n");
      assert.equal(await lasting(), before, state);
    }
    await sh("rm -r /tmp/real /tmp/once");
  });

  it("is refused if nothing on the host would re-create it", async () => {
    await sh("rm /etc/network/interfaces");
    const { failures } = await on.stack.preview("MacvlanInterface", "plain", PLAIN);
    assert.match(failures.join(), /^persist: needs something .* \[host-unsupported\]$/);
    await on.lab.hide(HOST, ["sha256sum"]);
    await sh(": > /etc/network/interfaces");
    const again = await on.stack.preview("MacvlanInterface", "plain", PLAIN);
    assert.match(again.failures.join(), /^persist: needs sha256sum .* \[host-unsupported\]$/);
  });
});

describe("boot files that cannot be written", function () {
  this.timeout(180_000);
  const on = useLab(1);
  const sh = (script: string): Promise<string> => on.lab.sh(HOST, script);
  const OTHER: MacvlanArgs = { ...PLAIN, mtu: 1280, addresses: ["192.0.2.77/24"] };
  const up = (args: MacvlanArgs): Promise<unknown> => on.stack.up("MacvlanInterface", "plain", args);

  beforeEach(() =>
    sh(
      "mkdir -p /run/systemd/system /run/udev; : > /run/udev/control; mkdir -p /tmp/real; cp $(command -v sync) /tmp/real/",
    ),
  );
  beforeEach(() => on.lab.replace(HOST, "systemctl", { script: '#!/bin/sh\necho "$@" >> /run/systemctl\n' }));
  afterEach(() => on.lab.reboot(HOST, { fresh: true }));

  /** Links and boot files. */
  const everything = async (): Promise<string> =>
    (await snapshot(on.lab, HOST)) +
    (await sh(
      `find ${SCRIPTS} /etc/systemd/system 2>/dev/null | grep pulumi-macvlan | sort | while read -r f; do
         echo "$f"; [ -L "$f" ] && readlink "$f"; [ -d "$f" ] || sha256sum < "$f"; done; true`,
    ));

  it("because the disk is full leave the old state, the first time and later", async () => {
    await sh(
      `mkdir ${SCRIPTS}; mount -t tmpfs -o size=16k tmpfs ${SCRIPTS}; head -c 16k /dev/zero > ${SCRIPTS}/full || true`,
    );
    const fresh = await everything();
    await assert.rejects(
      up(PLAIN),
      /write \/etc\/pulumi-macvlan\/mac0\.sh" failed .*No space left.*Everything was undone/,
    );
    assert.equal(await everything(), fresh);
    await sh(`rm ${SCRIPTS}/full`);
    await up(PLAIN);
    const before = await everything();
    await sh(`head -c 16k /dev/zero > ${SCRIPTS}/full || true`);
    await assert.rejects(up(OTHER), /No space left.*Everything was undone/);
    await sh(`rm ${SCRIPTS}/full`);
    assert.equal(await everything(), before);
    await up(OTHER);
    await on.stack.down();
    await sh(`umount ${SCRIPTS}; rmdir ${SCRIPTS}`);
  });

  it("because systemd rejects them are undone with the link, and systemd is reloaded", async () => {
    const fresh = await everything();
    await on.lab.replace(HOST, "systemctl", {
      script:
        '#!/bin/sh\necho "$@" >> /run/systemctl; [ $(wc -l < /run/systemctl) != 1 ] || { echo no; exit 1; }\n',
    });
    await assert.rejects(
      up(PLAIN),
      /"systemctl daemon-reload" failed \(exit 1\) and printed: no\. Everything was undone/,
    );
    assert.equal(await everything(), fresh);
    assert.equal(await sh("cat /run/systemctl"), "daemon-reload\ndaemon-reload\n");
    await up(PLAIN);
    const before = await everything();
    await sh("rm /run/systemctl");
    await assert.rejects(up({ ...OTHER, name: "mac1" }), /daemon-reload/);
    assert.equal(await everything(), before);
    await sh("rm /run/systemctl");
    await assert.rejects(on.stack.down(), /daemon-reload/);
    assert.equal(await everything(), before);
    await on.stack.down();
    assert.equal(await everything(), fresh);
  });

  it("because the shell is killed in the middle are rolled back by the next change", async () => {
    await up(PLAIN);
    const before = await everything();
    let killed = 0;
    for (let n = 1; n < 20; n++) {
      await sh("rm -f /tmp/count");
      await on.lab.replace(HOST, "sync", {
        script: `#!/bin/sh
c=$(($(cat /tmp/count 2>/dev/null || echo 0) + 1)); echo $c > /tmp/count
[ $c -ne ${n} ] || { kill -9 $(cat /proc/$PPID/stat | cut -d' ' -f4) $PPID; exit 1; }
exec /tmp/real/sync "$@"
`,
      });
      const error = await up({ ...OTHER, name: "mac1" }).then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      await on.lab.unhide(HOST, ["sync"]);
      if (error === undefined) break;
      killed++;
      await up(PLAIN);
      assert.equal(await everything(), before, `killed at ${n}`);
    }
    console.log(`      killed at each of ${killed} places`);
    assert.ok(killed >= 2);
  });
});
