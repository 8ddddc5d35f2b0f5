/** What the benchmark reads from hosts, and how it judges it. */
import assert from "node:assert/strict";
import { type SeenLink, jobOf, missesOf, restOf } from "../../bench/job";
import { parseBatch } from "../../bench/lab/site";
import { busyOf, cgroupMount, cpuOf } from "../../bench/measure";

const JOB = jobOf(300);

/** A host that has all of the job. */
const LINKS: readonly SeenLink[] = [
  {
    ...{ ifname: "web", link: "eth0", address: "02:be:00:00:01:2c", mtu: 1400, flags: ["UP"] },
    addr_info: [
      { local: "198.18.1.44", prefixlen: 16 },
      { local: "2001:db8::12c", prefixlen: 64 },
    ],
    linkinfo: { info_kind: "macvlan", info_data: { mode: "bridge" } },
  },
  { ifname: "br0", flags: ["UP"], linkinfo: { info_kind: "bridge" } },
  { ifname: "port0", master: "br0", linkinfo: { info_slave_data: { hairpin: true } } },
  {
    ...{ ifname: "shim0", link: "eth0", flags: ["UP"] },
    addr_info: [{ local: "198.19.1.44", prefixlen: 32 }],
    linkinfo: { info_kind: "macvlan", info_data: { mode: "bridge" } },
  },
];
const ROUTES = JOB.shim.routes.map((dst) => ({ dst, dev: "shim0" }));

describe("the benchmark's job", () => {
  it("is different on each host", () => {
    const addresses = Array.from({ length: 500 }, (_, i) => JSON.stringify(jobOf(i + 1)));
    assert.equal(new Set(addresses).size, 500);
  });

  it("is done if the kernel shows all of it, and each miss is named", () => {
    assert.deepEqual(missesOf(JOB, LINKS, ROUTES), []);
    const changed = LINKS.map((l) => (l.ifname === "web" ? { ...l, mtu: 1300 } : l));
    assert.deepEqual(missesOf(JOB, changed, ROUTES), ["web: MTU is 1300, not 1400"]);
    assert.deepEqual(missesOf(JOB, LINKS, ROUTES.slice(1)), [
      "route 198.51.100.0/26 is undefined, not shim0",
    ]);
    const flat = LINKS.map(({ linkinfo, ...l }) =>
      l.ifname === "port0" ? l : { ...l, ...(linkinfo && { linkinfo }) },
    );
    assert.deepEqual(missesOf(JOB, flat, ROUTES), ["port0: hairpin is undefined, not true"]);
    assert.ok(missesOf(JOB, [], []).length > 10);
  });

  it("is undone if nothing of it is left", () => {
    assert.deepEqual(restOf([{ ifname: "port0" }, { ifname: "eth0" }]), []);
    assert.deepEqual(restOf(LINKS).length, 4);
  });

  it("is read from what ip -batch prints", () => {
    assert.deepEqual(parseBatch('[{"ifname":"lo"}]\n[]\n\n'), [[{ ifname: "lo" }], []]);
  });
});

describe("the benchmark's account of CPU", () => {
  it("is read from the kernel's control groups", () => {
    const mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
    assert.equal(cgroupMount(mounts), "/sys/fs/cgroup/unified");
    assert.throws(() => cgroupMount("proc /proc proc rw 0 0\n"), /no cgroup2/);
    assert.deepEqual(cpuOf("usage_usec 3500000\nuser_usec 2000000\nsystem_usec 1500000\n"), {
      user: 2,
      system: 1.5,
    });
  });

  it("covers the whole machine, without the time that it only waited", () => {
    const stat = "cpu  100 20 30 4000 500 6 7 80 9 0\ncpu0 50 10 15 2000 250 3 4 40 5 0\nintr 1\n";
    assert.equal(busyOf(stat), 1.63);
  });
});
