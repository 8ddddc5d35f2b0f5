/** What a host's tools can do: each operation with each version of iproute2, with busybox, and without any. */
import assert from "node:assert/strict";
import { openStack, useLab } from "../lab/stack";
import { OLDEST, OPERATIONS, type Operation, type Place } from "./cells";
import { type Table, isWhole, useTable } from "./table";
import { OWN_IP, userlands } from "./userlands";

const TABLE: Table = {
  name: "userlands",
  of: ["Tools", "From"],
  columns: OPERATIONS.map(({ title }) => title),
};
const HOST = "node1";

/** Versions of iproute2 up to 5.7 only show their day; these are the days of the tags. */
const DAYS: readonly (readonly [day: number, version: string])[] = [
  [171112, "4.14"],
  [180129, "4.15"],
  [180402, "4.16"],
  [180608, "4.17"],
  [180813, "4.18"],
  [181023, "4.19"],
  [190107, "4.20"],
  [190319, "5.0"],
  [190510, "5.1"],
  [190708, "5.2"],
  [190924, "5.3"],
  [191125, "5.4"],
  [200127, "5.5"],
  [200330, "5.6"],
  [200602, "5.7"],
];

describe("a host's tools:", function () {
  this.timeout(120_000);
  const on = useLab(1);
  const note = useTable(TABLE);
  const place: Place = { host: HOST, parent: "eth1", address: "192.0.2.1/24", peerMac: "02:00:5e:00:53:01" };
  const all = userlands();
  const tried = isWhole ? all : all.filter(({ title }) => title === "busybox, this machine's");

  for (const userland of tried)
    it(`${userland.title}: do what their version supports, and the rest is refused`, async () => {
      await on.lab.sh(
        HOST,
        `cp "$(readlink -f "$(command -v ip)")" ${OWN_IP}; cp "$(readlink -f "$(command -v bridge)")" ${OWN_IP}-bridge`,
      );
      await userland.install(on.lab, HOST);
      const said = (
        await on.lab.exec(HOST, ["sh", "-c", "ip -V 2>&1 | grep -i -e iproute2 -e busybox"])
      ).stdout.trim();
      const text = said.split("\n")[0] ?? "";
      for (const operation of OPERATIONS) {
        const works = operation.since === undefined || isAtLeast(versionOf(text), operation.since);
        const why = works ? await goesThrough(operation) : await isRefused(operation);
        note(
          [shorten(text), userland.title],
          operation.title,
          why === "" ? { is: "works" } : { is: "refused", why },
        );
      }
    });

  const BRIDGE =
    `${OWN_IP} link add br0 type bridge forward_delay 0; ${OWN_IP} link add p1 type veth peer name q1;` +
    `${OWN_IP} link set p1 master br0; for l in br0 p1 q1; do ${OWN_IP} link set $l up; done`;
  const shown = async (): Promise<string> =>
    on.lab.sh(
      HOST,
      `i=${OWN_IP}; for n in "" $(ls /run/netns); do $i -d addr show; $i route; $i -6 route; i="${OWN_IP} -n cell"; done; ${OWN_IP}-bridge -d link`,
    );
  /** Links and bridge ports, without what changes by itself. */
  const links = (): Promise<string> =>
    on.lab.sh(HOST, `ls /sys/class/net; cat /sys/class/net/*/brport/hairpin_mode; ls /run/netns`);

  /** Makes the link and checks it, previews no change, deletes it, and checks that nothing is left. */
  async function goesThrough({ title, made, shows }: Operation): Promise<""> {
    const stack = openStack(on.lab);
    await on.lab.sh(HOST, BRIDGE);
    const before = await links();
    await made.up(stack, place);
    assert.match(await shown(), shows, title);
    const { drift, changes } = await made.preview(stack, place);
    assert.deepEqual([drift, changes], [{}, false], title);
    await stack.down();
    assert.equal(await links(), before, title);
    await on.lab.sh(HOST, `for l in br0 p1; do ${OWN_IP} link del $l; done`);
    return "";
  }

  /** Says why, naming the version, before anything is touched. */
  async function isRefused({ title, made, since = OLDEST }: Operation): Promise<string> {
    const stack = openStack(on.lab);
    await on.lab.sh(HOST, BRIDGE);
    const before = await links();
    const { failures } = await made.preview(stack, place);
    const why = failures.join("; ");
    assert.match(why, /iproute2 (?:4\.1[78]|[56]\.\d+) or newer/, `${title}: is not refused`);
    assert.ok(why.includes(since) || why.includes(OLDEST), `${title}: ${why}`);
    assert.equal(await links(), before, title);
    await on.lab.sh(HOST, `for l in br0 p1; do ${OWN_IP} link del $l; done`);
    return why;
  }
});

/** `5.10.0` of `ip utility, iproute2-5.10.0, libbpf 0.3.0`; `0` for what is no iproute2. */
function versionOf(text: string): string {
  const [, snapshot, version] = /iproute2-(?:ss(\d{6})|([\d.]+))/.exec(text) ?? [];
  if (snapshot === undefined) return version ?? "0";
  return DAYS.findLast(([day]) => day <= Number(snapshot))?.[1] ?? "4";
}

function isAtLeast(version: string, least: string): boolean {
  const number = (v: string): number => {
    const [major = "0", minor = "0"] = v.split(".");
    return Number(major) * 1000 + Number(minor);
  };
  return number(version) >= number(least);
}

function shorten(text: string): string {
  const [, iproute2] = /(iproute2-[\w.]+)/.exec(text) ?? [];
  const [, busybox] = /(BusyBox v[\d.]+)/.exec(text) ?? [];
  return iproute2 ?? busybox ?? "none";
}
