/** `pulumi-macvlan adopt`: the program that it prints takes a host over without touching its network. */
import assert from "node:assert/strict";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { snapshot } from "../lab/seen";
import { callTool } from "../setup/tool";
import { useProject } from "./project";

const REPOSITORY = resolve(__dirname, "../..");

/** Foreign links on a host: all modes, a namespace, a shim, a hairpin port, and texts that need quoting. */
const FOREIGN = `set -e
ip netns add web
ip link add m0 link eth0 address 02:00:5e:00:53:10 netns web type macvlan mode bridge
ip -n web link set m0 up
ip -n web address add 192.0.2.10/24 dev m0
ip -n web address add 2001:db8::10/64 dev m0
ip -n web route add default via 192.0.2.1
ip link add shim0 link eth0 type macvlan mode bridge
ip address add 192.0.2.250/32 dev shim0
ip link set shim0 up
ip route add 192.0.2.10/32 dev shim0
ip link add src0 link eth0 type macvlan mode source
ip link set src0 type macvlan macaddr add 02:00:5e:00:53:99
ip link set src0 mtu 1400 alias 'say "it'"'"'s" $(x) */'
ip link add 'a"b' link eth0 type macvlan mode private
ip link add v0 type veth peer name v1
ip link add br9 type bridge ageing_time 6000
ip link set v0 master br9 up
ip link set br9 up
bridge link set dev v0 hairpin on isolated on
ip link add docker0 type bridge
ip link add p0 link v1 type macvlan mode passthru
sleep 3`;

describe("adopt", function () {
  // the engine compiles the program, and is called five times
  this.timeout(240_000);
  const on = useProject("adopt");
  const NETWORK =
    "ip -j -d address; ip -n web -j -d address; ip -j route show table all; ip -n web -j route; bridge -j -d link";
  const network = async (): Promise<string> =>
    (await on.lab.sh("node3", NETWORK)).replace(/"[a-z_]*(?:timer|life_time)":[0-9.]+/g, "");

  it("prints a program whose first up changes nothing on the host, and which then previews as no change", async () => {
    await on.lab.sh("node3", FOREIGN);
    const before = await network();
    const all = await snapshot(on.lab, "node3");
    const { code, stdout, stderr } = await callTool(["adopt", "node3"], { env: on.project.environment });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\/\/ left out: docker0: no port has hairpin on$/m);

    const { folder } = on.project;
    writeFileSync(join(folder, "index.ts"), stdout);
    copyFileSync(join(REPOSITORY, "examples/fleet/tsconfig.json"), join(folder, "tsconfig.json"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: fleet\nruntime: nodejs\nmain: index.ts\n");
    rmSync(join(folder, "index.js"), { force: true });
    await on.project.up();
    // its types are right
    on.project.environment["PULUMI_NODEJS_TRANSPILE_ONLY"] = "true";
    assert.equal(await network(), before);
    assert.deepEqual(
      Object.keys(await on.project.state())
        .filter((name) => !["default", "fleet-dev", "stack-identity"].includes(name))
        .toSorted(),
      ['a"b', "br9", "m0", "p0", "shim0", "src0"],
    );
    await on.project.expectNoChanges();
    assert.equal(await network(), before);

    const again = await callTool(["adopt", "node3"], { env: on.project.environment });
    assert.match(
      again.stdout,
      /^\/\/ left out: shim0@eth0: already belongs to the stack fleet\/dev \(resource shim0\)$/m,
    );

    await on.project.destroy();
    assert.equal(await snapshot(on.lab, "node3"), all, "what was adopted is given back as it was");
  });
});
