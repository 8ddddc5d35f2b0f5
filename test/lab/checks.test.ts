/** Checks that decide whether a change stays: by packets, with each failure caused on purpose. */
import assert from "node:assert/strict";
import type { CheckArgs, MacvlanArgs } from "../../provider/kinds/args";
import { MacvlanError } from "../../provider/model/error";
import { watchdogEnds } from "./faults";
import { lockPort, unlockPort } from "./port-security";
import { linkOf, snapshot } from "./seen";
import { openRun, useLab } from "./stack";

/** Knows the IPv4 address of every name that begins with www. */
const DNS_SERVER = `# DNS_SERVER
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => "192.0.2.200", LocalPort => 53, Proto => "udp") or die;
while (defined $s->recv(my $q, 512)) {
  my $end = index($q, "\\0", 12) + 5;
  my $known = substr($q, 13, 3) eq "www";
  my $has = $known && unpack("n", substr($q, $end - 4, 2)) == 1;
  my $head = substr($q, 0, 2) . pack("n5", $known ? 0x8180 : 0x8183, 1, $has, 0, 0);
  my $answer = $has ? "\\xc0\\x0c" . pack("n2Nn", 1, 1, 60, 4) . "\\xc0\\0\\2\\1" : "";
  $s->send($head . substr($q, 12, $end - 12) . $answer);
}`;

const LOCKED = "links\nlock\nnetns\n";

describe("checks", () => {
  const on = useLab(2);
  /** A child of eth0 of node1 with the address 192.0.2.N, in the namespace cN. */
  const child = (n: number, more: Partial<MacvlanArgs> = {}) =>
    on.stack.up("MacvlanInterface", `m${n}`, {
      ...{ host: "node1", parent: "eth0", netns: `c${n}` },
      addresses: [`192.0.2.${n}/24`, `2001:db8::${n}/64`],
      ...more,
    });
  const other = (): Promise<unknown> =>
    on.lab.sh("node2", "ip addr add 192.0.2.200/24 dev eth0; ip addr add 2001:db8::200/64 dev eth0 nodad");
  const left = (): Promise<string> =>
    on.lab.sh("node1", "ls --ignore=begun --ignore=kept /run/pulumi-macvlan");
  /** The change fails by a check, and the host is as it was. */
  async function undone(change: () => Promise<unknown>, ...says: readonly RegExp[]): Promise<void> {
    const before = await snapshot(on.lab, "node1");
    await assert.rejects(change(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "check-failed", error.message);
      for (const text of says) assert.match(error.message, text);
      assert.match(error.message, /the host is as it was/);
      return true;
    });
    assert.equal(await snapshot(on.lab, "node1"), before);
    assert.equal(await left(), LOCKED);
  }

  it("that pass keep a change, and are outputs with their round-trip time", async () => {
    await other();
    const checks: CheckArgs[] = [
      { ping: "192.0.2.200" },
      { arp: "192.0.2.200" },
      { ping: "2001:db8::200" },
      { arp: "2001:db8::200" },
      { command: 'test "$LINK $NETNS" = "m1 c1" && ip -o link show m1', within: 3 },
    ];
    const outputs = await child(1, { checks });
    for (const [i, check] of checks.entries()) {
      const { passed, ms, tries, ...given } = outputs.checks?.[i] ?? {};
      assert.deepEqual([passed, given], [true, check]);
      assert.ok(ms !== undefined && ms < 5000 && (tries ?? 0) >= 1, JSON.stringify(outputs.checks?.[i]));
    }
    assert.equal(await left(), LOCKED);
    assert.deepEqual(
      (
        await on.stack.preview("MacvlanInterface", "m1", {
          ...{ host: "node1", parent: "eth0", netns: "c1", checks },
          addresses: ["192.0.2.1/24", "2001:db8::1/64"],
        })
      ).changes,
      false,
    );
  });

  it("detect vepa children whose switch does not send frames back", async () => {
    await child(1, { mode: "vepa" });
    const checks = [{ ping: "192.0.2.1", within: 2 }];
    await undone(() => child(2, { mode: "vepa", checks }), /ping 192\.0\.2\.1/, /m2/, /node1/, /hairpin/);
    // without a check all is well
    await child(2, { mode: "vepa" });
    await on.stack.down("m2");
    await on.lab.switch.hairpin("node1", true);
    const { checks: results } = await child(2, { mode: "vepa", checks });
    assert.equal(results?.[0]?.passed, true);
  });

  it("detect a switch port that accepts only one MAC address", async () => {
    await other();
    await lockPort(on.lab, "node1", [on.lab.host("node1").mac]);
    const checks = [{ arp: "192.0.2.200", within: 2 }];
    await undone(() => child(1, { checks, persist: false }), /arp 192\.0\.2\.200/, /MAC addresses/);
    await child(1);
    await on.stack.down();
    await unlockPort(on.lab, "node1");
    assert.equal((await child(1, { checks })).checks?.[0]?.passed, true);
  });

  it("from the host verify a shim, and roll it back if no child answers", async () => {
    await child(1, { mode: "private" });
    const shim = (target: string) =>
      on.stack.up("HostShim", "shim0", {
        ...{ host: "node1", parent: "eth0", addresses: ["192.0.2.250/32"], routes: [`${target}/32`] },
        checks: [{ ping: target, from: "host", within: 2 }],
      });
    await undone(() => shim("192.0.2.1"), /ping 192\.0\.2\.1 from the host/);
    await child(2);
    assert.equal((await shim("192.0.2.2")).checks?.[0]?.passed, true);
  });

  it("from another host keep a change unconfirmed until that has answered", async () => {
    // both links of node2 are on the LAN, and each would answer for the other's address
    await child(200, { host: "node2" });
    const checks = [{ ping: "link", from: { host: "node2", link: "m200" }, within: 2 }];
    await lockPort(on.lab, "node1", [on.lab.host("node1").mac]);
    await undone(() => child(1, { checks }), /ping 192\.0\.2\.1 from \S*node2/);
    await watchdogEnds(on.lab, "node1");
    await unlockPort(on.lab, "node1");
    const outputs = await child(1, { checks });
    assert.deepEqual([outputs.checks?.[0]?.passed, outputs.checks?.[0]?.ping], [true, "link"]);
    await watchdogEnds(on.lab, "node1");
    assert.equal(await left(), LOCKED);
    await linkOf(on.lab, "node1", "m1", "c1");
  });

  it("that failed before a change do not undo it, unless they are required", async () => {
    await child(1);
    const checks: CheckArgs[] = [{ ping: "192.0.2.77", within: 1 }];
    // the check alone changes nothing on the host
    const before = await snapshot(on.lab, "node1");
    const { checks: first } = await child(1, { checks });
    assert.equal(first?.[0]?.passed, false);
    assert.equal(await snapshot(on.lab, "node1"), before);
    const { mtu } = await child(1, { checks, mtu: 1400 });
    assert.equal(mtu, 1400);
    assert.match(on.stack.said().join("\n"), /192\.0\.2\.77.*failed before/);
    await undone(() => child(1, { checks: checks.map((c) => ({ ...c, required: true })), mtu: 1300 }));
  });

  it("undo a change of the place or the address, for which no check can have failed before", async () => {
    await other();
    await child(1);
    const checks: CheckArgs[] = [{ command: 'test "$NETNS" = c1', within: 1 }];
    await undone(() => child(1, { netns: "c2", checks }), /command/);
    const from = { host: "node2" };
    const moved = { addresses: ["192.0.2.3/24"], checks: [{ tcp: "link:9", from, within: 1 }] };
    await undone(() => child(1, moved), /tcp 192\.0\.2\.3:9|tcp link:9/);
  });

  it("that passed before a change undo it", async () => {
    await other();
    const checks: CheckArgs[] = [{ ping: "192.0.2.200", within: 2 }];
    await child(1, { checks });
    await undone(() => child(1, { checks, addresses: ["198.51.100.1/24"] }));
    assert.deepEqual((await on.stack.refresh("m1"))?.["addresses"], ["192.0.2.1/24", "2001:db8::1/64"]);
  });

  it("of persistent links roll back the boot files too", async () => {
    await on.lab.sh("node1", "mkdir -p /run/openrc");
    const before = await on.lab.sh(
      "node1",
      "find /etc/pulumi-macvlan /etc/init.d /etc/runlevels ! -type d 2>/dev/null | sort",
    );
    await undone(() => child(1, { persist: true, checks: [{ ping: "192.0.2.77", within: 1 }] }));
    const after = await on.lab.sh(
      "node1",
      "find /etc/pulumi-macvlan /etc/init.d /etc/runlevels ! -type d 2>/dev/null | sort",
    );
    assert.equal(after, before);
  });

  it("ask servers by TCP, HTTP and DNS, with whichever program the host has", async () => {
    await other();
    await on.lab.sh(
      "node2",
      `mkdir -p /tmp/www; echo ok > /tmp/www/index.html; busybox httpd -p 8080 -h /tmp/www`,
    );
    await on.lab.sh("node2", `perl -e '${DNS_SERVER}' < /dev/null > /dev/null 2>&1 & sleep 0.2`);
    const checks: CheckArgs[] = [
      ...[{ tcp: "192.0.2.200:8080" }, { tcp: "[2001:db8::200]:8080" }, { http: "http://192.0.2.200:8080/" }],
      { dns: "www.example.com@192.0.2.200" },
    ];
    const fails: CheckArgs[] = [
      ...[{ tcp: "192.0.2.200:8081" }, { http: "http://192.0.2.200:8080/none" }],
      { dns: "none.example.com@192.0.2.200" },
    ].map((check) => ({ ...check, within: 1 }));
    // of the host's own namespace, whose route to the LAN leads through the link or not
    const ofHost = (more: CheckArgs[]) =>
      on.stack.up("MacvlanInterface", "own", {
        ...{ host: "node1", parent: "eth0", addresses: ["192.0.2.9/24", "2001:db8::9/64"], checks: more },
      });
    for (const hidden of [[], ["perl", "python3", "curl"], ["wget", "curl"]]) {
      if (hidden.length > 0) await on.lab.hide("node1", hidden);
      for (const results of [(await child(1, { checks })).checks, (await ofHost(checks)).checks])
        assert.deepEqual(
          results?.map(({ passed }) => passed),
          [true, true, true, true],
          hidden.join(),
        );
      await on.stack.down();
      for (const check of fails) await undone(() => child(1, { checks: [check] }));
      if (hidden.length > 0) await on.lab.unhide("node1", hidden);
    }
    await on.lab.sh("node2", "pkill -f [D]NS_SERVER; pkill -f '[h]ttpd -p 8080'; true");
  });

  it("that leave the host by another link than their own fail, and say so", async () => {
    await other();
    await on.lab.sh("node1", "ip addr add 192.0.2.8/24 dev eth0");
    await on.lab.sh("node2", "busybox httpd -p 8080 -h /tmp");
    const up = () =>
      on.stack.up("MacvlanInterface", "own", {
        ...{ host: "node1", parent: "eth0", addresses: ["192.0.2.9/24"] },
        checks: [{ tcp: "192.0.2.200:8080", within: 1 }],
      });
    await on.lab.hide("node1", ["perl", "python3"]);
    await undone(up, /the route to 192\.0\.2\.200 leads through eth0, not through own/);
    await on.lab.unhide("node1", ["perl", "python3"]);
    assert.equal((await up()).checks?.[0]?.passed, true);
    await on.lab.sh("node2", "pkill -f '[h]ttpd -p 8080'; true");
  });

  it("undo only their own resource if several are changed together", async () => {
    await other();
    const run = openRun(on.lab);
    const provider = run.operations("MacvlanInterface");
    const inputsOf = async (n: number, ping: string): Promise<object> => {
      const args = {
        host: "node1",
        parent: "eth0",
        name: `m${n}`,
        netns: `c${n}`,
        addresses: [`192.0.2.${n}/24`],
      };
      const news = { ...args, checks: [{ ping, within: 1 }], __owner: "lab/test", __resource: `m${n}` };
      return (await provider.check({}, news)).inputs as object;
    };
    const all = [
      await inputsOf(1, "192.0.2.200"),
      await inputsOf(2, "192.0.2.77"),
      await inputsOf(3, "192.0.2.200"),
    ];
    const [one, two, three] = await Promise.allSettled(all.map((inputs) => provider.create(inputs)));
    await run.close();
    assert.deepEqual([one?.status, two?.status, three?.status], ["fulfilled", "rejected", "fulfilled"]);
    const reason = two?.status === "rejected" ? (two.reason as unknown) : undefined;
    assert.ok(reason instanceof MacvlanError && reason.code === "check-failed", String(reason));
    await linkOf(on.lab, "node1", "m1", "c1");
    await linkOf(on.lab, "node1", "m3", "c3");
    assert.doesNotMatch(await on.lab.sh("node1", "ip netns list"), /^c2/m);
  });

  it("for which the host has no program are refused at preview, naming the package", async () => {
    await on.lab.hide("node1", ["curl", "wget"]);
    await on.lab.replace("node1", "busybox", { script: "#!/bin/sh\n" });
    const args: MacvlanArgs = { host: "node1", parent: "eth0", addresses: ["192.0.2.1/24"] };
    const { failures } = await on.stack.preview("MacvlanInterface", "m1", {
      ...args,
      checks: [{ ping: "192.0.2.200" }, { http: "http://192.0.2.200/" }],
    });
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? "", /^checks\[1\]\.http: .*curl.*\[host-unsupported\]$/);
    await on.lab.unhide("node1", ["curl", "wget", "busybox"]);
  });

  it("need neither setsid nor flock: one that hangs ends within its time, with what it has started", async () => {
    await other();
    await on.lab.hide("node1", ["setsid", "flock"]);
    const passing: CheckArgs[] = [{ ping: "192.0.2.200" }, { arp: "192.0.2.200" }, { command: "true" }];
    const { checks: results } = await child(1, { checks: passing });
    assert.deepEqual(
      results?.map(({ passed }) => passed),
      [true, true, true],
    );
    const hangs = "sleep 4242; true";
    for (const netns of ["c2", ""]) {
      const run = openRun(on.lab);
      const provider = run.operations("MacvlanInterface");
      const args = { host: { address: "node1", commandTimeout: 10 }, parent: "eth0", name: "m2", netns };
      const news = {
        ...args,
        checks: [{ command: hangs, within: 1 }],
        __owner: "lab/test",
        __resource: "m2",
      };
      const { inputs } = (await provider.check({}, netns === "" ? withoutNetns(news) : news)) as {
        inputs: object;
      };
      await assert.rejects(provider.create(inputs), (error: Error & { code?: string }) => {
        assert.equal(error.code, "check-failed", error.message);
        return true;
      });
      await run.close();
      assert.equal((await on.lab.exec("node1", ["pgrep", "-fx", "sleep 4242"])).stdout, "");
    }
    await on.lab.unhide("node1", ["setsid", "flock"]);
  });

  it("do not show a secret, neither in errors nor in the list of processes", async () => {
    const run = openRun(on.lab);
    const provider = run.operations("MacvlanInterface");
    const command = "ps -ef > /tmp/seen; echo TOPSECRETWORD >&2; exit 1 # TOPSECRETWORD";
    const news = {
      ...{ host: "node1", parent: "eth0", name: "m1", addresses: ["192.0.2.1/24"] },
      checks: [{ command, within: 1 }],
      ...{ __owner: "lab/test", __resource: "m1", __secrets: ["checks"] },
    };
    const inputs = (await provider.check({}, news)).inputs as object;
    await assert.rejects(provider.create(inputs), (error: Error) => {
      assert.match(error.message, /command \(secret\)/);
      assert.doesNotMatch(error.message, /TOPSECRETWORD/);
      return true;
    });
    await run.close();
    assert.doesNotMatch(run.said.join("\n"), /TOPSECRETWORD/);
    assert.doesNotMatch(await on.lab.sh("node1", "cat /tmp/seen; rm /tmp/seen"), /TOPSECRETWORD/);
  });
});

function withoutNetns<T extends { netns: string }>({ netns: _netns, ...rest }: T): Omit<T, "netns"> {
  return rest;
}
