/** Macvlans in namespaces without a name, as those of containers are: they are on the LAN, and count. */
import assert from "node:assert/strict";
import { describeHost } from "../../provider/cli/adopt/describe";
import { graphHost } from "../../provider/cli/graph/model";
import { lookAtHosts, parseHosts } from "../../provider/cli/look";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { readSettings } from "../../provider/ssh/settings";
import { useLab } from "./stack";

const BASE: MacvlanArgs = { host: "node1", parent: "eth0", name: "mac0" };
const MAC = "02:00:5e:00:53:77";

describe("a macvlan in a namespace without a name", () => {
  const on = useLab(1);
  const preview = (more: Partial<MacvlanArgs>) =>
    on.stack.preview("MacvlanInterface", "web", { ...BASE, ...more });
  /** Of the process that has the namespace, which ends when the lab resets the host. */
  let pid = "";

  beforeEach(async () => {
    pid = (
      await on.lab.sh(
        "node1",
        `setsid unshare -n sleep 300 > /dev/null 2>&1 < /dev/null & p=$!; sleep 0.3
        ip link add hidden link eth0 netns $p type macvlan mode bridge
        nsenter --net=/proc/$p/ns/net ip link set hidden address ${MAC} up; echo $p`,
      )
    ).trim();
  });

  it("is a sibling, and its MAC address is one of the parent's", async () => {
    const { siblings, parentMacs } = await on.stack.up("MacvlanInterface", "web", BASE);
    assert.deepEqual([siblings, parentMacs], [2, 3]);
  });

  it("counts for the limit of MAC addresses, for their conflicts and for passthru, at preview", async () => {
    assert.match(
      (await preview({ maxMacs: 2 })).failures.join(),
      /^maxMacs: is 2, but eth0 would carry 3 MAC addresses/,
    );
    assert.deepEqual((await preview({ maxMacs: 3 })).failures, []);
    assert.match(
      (await preview({ macAddress: MAC })).failures.join(),
      /^macAddress: is already used by hidden in process \d+ \(sleep\)/,
    );
    assert.match((await preview({ mode: "passthru" })).failures.join(), /hidden in process \d+ \(sleep\)/);
  });

  it("is drawn with its container or process, and no resource takes it over", async () => {
    const settings = readSettings(
      { ...process.env, MACVLAN_SSH_CONFIG_PATH: on.lab.sshConfig },
      () => undefined,
    );
    const [seen] = await lookAtHosts(parseHosts(["node1"]), settings);
    assert.ok(seen && "observation" in seen);
    const node = graphHost(seen, undefined).nodes.find(({ name }) => name === "hidden");
    assert.deepEqual(node?.lines.map(({ text }) => text).slice(0, 2), [`process ${pid} (sleep)`, MAC]);
    const { left } = describeHost("node1", seen.observation, { all: true, names: new Set(), prefix: "" });
    assert.match(left.join(), /hidden@eth0 in process \d+ \(sleep\): is in a namespace without a name/);
  });

  it("is not missed silently if there are too many such namespaces to read", async () => {
    await on.lab.sh(
      "node1",
      "for i in $(seq 66); do setsid unshare -n sh -c 'ip link add b0 type bridge; exec sleep 120' > /dev/null 2>&1 < /dev/null & done; sleep 2",
    );
    await preview({});
    assert.match(on.stack.said().join("\n"), /node1: \d+ more namespaces without a name.* were not read/);
  });

  it("that has a name is not counted twice", async () => {
    await on.lab.sh("node1", `ip netns attach named ${pid}`);
    const { siblings } = await on.stack.up("MacvlanInterface", "web", BASE);
    assert.equal(siblings, 2);
    await on.lab.sh("node1", "ip netns del named");
  });
});
