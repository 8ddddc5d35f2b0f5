/** The commands on real hosts, as a person or a CI job calls them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandResult } from "../fleet/run";
import { eventually } from "../../support/eventually";
import { snapshot } from "../seen";
import { useLab } from "../stack";
import { TOOL, callTool } from "../../setup/tool";

interface Check {
  readonly check: string;
  readonly status: string;
  readonly found: string;
}

/** Has the link m0 be one that the stack fleet/dev has made. */
const OWN_M0 = `mkdir -p -m 700 /run/pulumi-macvlan; mkdir -p /run/pulumi-macvlan/links
echo "$(cat /sys/class/net/m0/ifindex)" '{"name":"m0","netns":"","owner":"fleet/dev","resource":"m0","made":true,"restore":[]}' > /run/pulumi-macvlan/links/:m0`;

describe("pulumi-macvlan", () => {
  const on = useLab(3);
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-cli-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const call = (args: readonly string[], input = ""): Promise<CommandResult> =>
    callTool([...args, ...(args.includes("--version") ? [] : ["--ssh-config", on.lab.sshConfig])], { input });
  const checks = async (host: string): Promise<Record<string, string>> => {
    const { stdout } = await call(["doctor", host, "--json"]);
    const [one] = JSON.parse(stdout) as { checks: Check[] }[];
    return Object.fromEntries((one?.checks ?? []).map((c) => [c.check, `${c.status}: ${c.found}`]));
  };

  it("prints its version, and help with an example for each command", async () => {
    const { version } = JSON.parse(readFileSync(join(TOOL, "../../../package.json"), "utf8")) as {
      version: string;
    };
    assert.equal((await callTool(["--version"])).stdout, `${version}\n`);
    for (const command of ["report", "graph", "doctor", "adopt", "prove"]) {
      const { code, stdout } = await callTool([command, "--help"]);
      assert.equal(code, 0);
      for (const text of ["Example:\n", "Exit codes:\n", "--ssh-config <path>", "--known-hosts <path>"]) {
        assert.ok(stdout.includes(text), `${command}: ${text}`);
      }
    }
  });

  it("says on stderr what is wrong with a call, and exits with 1", async () => {
    const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
      [["doctor"], /^pulumi-macvlan: nothing to examine/],
      [["nonsense"], /^error: unknown command 'nonsense'/],
      [["report", "-f", "pdf"], /^error: option '-f, --format <form>' argument 'pdf' is invalid/],
      [["doctor", "-x"], /^error: unknown option '-x'/],
      [["doctor", "a b"], /^pulumi-macvlan: "a b" must be a DNS name/],
      [["graph"], /^pulumi-macvlan: nothing to draw/],
      [["report", "/nowhere.json"], /^pulumi-macvlan: ENOENT.*\/nowhere\.json/],
      [
        ["doctor", "x", "--max-connections", "0"],
        /^pulumi-macvlan: MACVLAN_MAX_CONNECTIONS must be a whole number/,
      ],
      [["doctor", "x", "--config", TOOL], /^pulumi-macvlan: .*main\.js is not what "pulumi config --json/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await callTool(args);
      assert.deepEqual([code, stdout], [1, ""], args.join(" "));
      assert.match(stderr, message);
    }
    assert.match(
      (await callTool(["report"], { input: "" })).stderr,
      /^pulumi-macvlan: standard input is empty/,
    );
  });

  it("doctor: reports what a host has, as root and by sudo, and changes nothing", async () => {
    const before = await snapshot(on.lab, "node2");
    const { code, stdout } = await call(["doctor", "node1", "node2"]);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^node1 {2}.*Linux [^]*^ {2}ok {4}login {11}root$[^]*^node2[^]*^ {2}ok {4}login {11}ops, by sudo$/m,
    );
    assert.ok(!stdout.includes("\u001b"));
    const found = await checks("node2");
    assert.equal(found["macvlan"], "ok: in the kernel");
    assert.equal(found["hairpin"], "ok: by bridge");
    assert.equal(await snapshot(on.lab, "node2"), before);
  });

  it("doctor: reports what is missing, and exits with 2", async () => {
    await on.lab.hide("node1", ["bridge", "flock"]);
    const fewer = await checks("node1");
    assert.deepEqual([fewer["hairpin"], fewer["locking"]], ["ok: by ip", "note: no flock"]);
    await on.lab.hide("node1", ["ip"]);
    assert.equal((await checks("node1"))["iproute2"], "missing: no ip command");
    assert.equal((await call(["doctor", "node1"])).code, 2);
    await on.lab.hide("node2", ["sudo"]);
    const { code, stdout } = await call(["doctor", "node2"]);
    assert.equal(code, 2);
    const unwrapped = stdout.replace(/\s+/g, " ");
    assert.match(
      unwrapped,
      / missing login ops, not root ops@node2\S*: sudo gave no root shell: .* Install sudo,/,
    );
    assert.match(stdout, /ok {7}macvlan {9}in the kernel/);
    await on.lab.unhide("node1");
    await on.lab.unhide("node2");
  });

  it("reports an unreachable host without hiding the others", async () => {
    for (const command of ["doctor", "adopt", "graph"]) {
      const { code, stdout, stderr } = await call([command, "nowhere.invalid", "node1"]);
      assert.equal(code, 1, command);
      assert.match(stdout, /node1/, command);
      assert.match(`${stdout}${stderr}`, /cannot connect to .*nowhere\.invalid/, command);
    }
  });

  it("adopt: prints what is on the host, in named namespaces too, to a file if one is named", async () => {
    await on.lab.sh(
      "node1",
      "ip netns add blue; ip link add m0 link eth0 address 02:00:5e:00:53:10 netns blue type macvlan mode vepa",
    );
    const file = join(folder, "index.ts");
    assert.deepEqual(await call(["adopt", "node1", "-o", file]), { code: 0, stdout: "", stderr: "" });
    assert.match(
      readFileSync(file, "utf8"),
      /new MacvlanInterface\("m0", \{\n {2}host,\n {2}name: "m0",\n {2}netns: "blue",\n {2}parent: "eth0",\n {2}mode: "vepa",\n/,
    );
  });

  it("graph: draws hosts, and a stack with what has drifted", async () => {
    await on.lab.sh("node1", `ip link add m0 link eth0 type macvlan mode bridge; ${OWN_M0}`);
    const flow = await call(["graph", "node1", "-f", "mermaid"]);
    assert.match(flow.stdout, /^flowchart LR\n {2}subgraph h0\["node1"\]\n[^]*<b>m0<\/b> bridge/);
    const inputs = {
      ...{ __owner: "fleet/dev", __resource: "m0", host: { address: "node1" }, name: "m0", parent: "eth0" },
      ...{ mode: "bridge", up: true, label: "m0@eth0", mtu: 1400 },
    };
    const resources = [
      {
        urn: "urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:MacvlanInterface::m0",
        type: "pulumi-nodejs:dynamic/macvlan:MacvlanInterface",
        inputs,
      },
    ];
    const state = JSON.stringify({ version: 3, deployment: { resources } });
    const { code, stdout } = await call(["graph", "node2", "--stack", "-", "-f", "mermaid"], state);
    assert.equal(code, 0);
    assert.match(stdout, /drift: mtu: found 1500, wanted 1400[^]*subgraph h1\["node2"\]/);
    const file = join(folder, "state.json");
    writeFileSync(file, state);
    assert.match((await call(["graph", "--stack", file])).stdout, /^<svg xmlns/);
  });

  it("reaches hosts by its own options: key, user, known_hosts, and the stack's configuration", async () => {
    const { control, hostKey } = on.lab.host("node1");
    const [knownHosts, config] = [join(folder, "known_hosts"), join(folder, "config.json")];
    writeFileSync(knownHosts, `${control} ${hostKey}\n`);
    const options = ["--ssh-config", "none", "--known-hosts", knownHosts];
    const bare = ["doctor", control, ...options];
    const env = { PATH: process.env["PATH"], HOME: folder };
    const login = ["--private-key", on.lab.privateKey, "--user", "root"];
    const given = await callTool([...bare, ...login], { env });
    assert.equal(given.code, 0, given.stdout);
    assert.equal((await callTool(bare, { env })).code, 1);
    const values = { "macvlan:privateKey": readFileSync(on.lab.privateKey, "utf8"), "macvlan:user": "root" };
    const entries = Object.entries(values).map(([key, value]) => [key, { value, secret: true }]);
    writeFileSync(config, JSON.stringify(Object.fromEntries(entries)));
    assert.equal((await callTool([...bare, "--config", config], { env })).code, 0);
    writeFileSync(knownHosts, "");
    assert.match((await callTool([...bare, ...login], { env })).stdout, /unreachable .*host key/);
    const off = await callTool([...bare, ...login, "--host-key-checking", "accept-new"], { env });
    assert.equal(off.code, 0, off.stdout);
  });

  it("changes nothing on a host, whatever the command", async () => {
    await on.lab.sh("node1", `ip link add m0 link eth0 type macvlan mode vepa; ${OWN_M0}`);
    const state = join(folder, "reads.json");
    const type = "pulumi-nodejs:dynamic/macvlan:MacvlanInterface";
    const inputs = {
      __owner: "fleet/dev",
      __resource: "m0",
      host: { address: "node1" },
      name: "m0",
      parent: "eth0",
    };
    const resources = [{ urn: `urn:pulumi:dev::fleet::${type}::m0`, type, inputs: { ...inputs, mtu: 1400 } }];
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
    let before = "";
    await eventually("the kernel has done what it does by itself with a new link", async () => {
      const last = before;
      before = await snapshot(on.lab, "node1");
      return before === last;
    });
    const commands = [
      ["report", state],
      ["graph", "--stack", state],
      ["doctor", "node1"],
      ["adopt", "node1"],
    ];
    for (const args of commands) {
      const { code, stdout, stderr } = await call(args);
      assert.notEqual(code, 1, `${args[0]}: ${stdout}${stderr}`);
      assert.equal(await snapshot(on.lab, "node1"), before, args[0]);
    }
  });

  it("continues with the other hosts, whatever values and names one answers with: each command", async function () {
    this.timeout(120_000);
    await on.lab.sh("node1", 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    await on.lab.sh("node2", "ip link add m0 link eth0 type macvlan mode vepa");
    const type = "pulumi-nodejs:dynamic/macvlan:MacvlanInterface";
    const resources = ["node1", "node2"].map((address) => ({
      urn: `urn:pulumi:dev::fleet::${type}::${address}`,
      type,
      inputs: {
        __owner: "fleet/dev",
        __resource: address,
        host: { address },
        name: "m0",
        parent: "eth0",
        mtu: 1400,
      },
    }));
    const state = join(folder, "answers.json");
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
    const answers = [
      `[{"ifindex":2,"ifname":"eth0","address":5,"ifalias":{},"flags":"UP"}]`,
      `[{"ifindex":2,"ifname":"\uFFFE"},{"ifindex":3,"ifname":"eth0","ifalias":"\\ud800\\u0000"}]`,
      `[{"ifindex":2,"ifname":"constructor"},{"ifindex":3,"ifname":"__proto__","link":"toString","linkinfo":{"info_kind":"constructor"}},{"__proto__":1}]`,
      `{"constructor":{}}`,
      "null",
    ];
    for (const answer of answers) {
      await on.lab.replace("node1", "ip", {
        script: `#!/bin/sh\ncase "$*" in *-j*) cat <<'end'\n${answer}\n${answer}\nend\n;; *) exec /tmp/real/ip "$@";; esac\n`,
      });
      for (const [args, ofOther] of [
        [["report", state], /m0[^]*mtu/],
        [["graph", "node1", "node2", "-f", "mermaid"], /<b>m0<\/b> vepa/],
        [["doctor", "node1", "node2"], /^node2[^]*macvlan +in the kernel/m],
        [["adopt", "node1", "node2"], /new MacvlanInterface\("node2-m0"/],
      ] as const) {
        const { stdout, stderr } = await call(args);
        const all = `${args[0]}, ${answer}:\n${stdout}\n${stderr}`;
        assert.match(stdout, ofOther, all);
        assert.doesNotMatch(stderr, /TypeError|RangeError|internal-error|^\s+at /m, all);
      }
    }
    await on.lab.unhide("node1");
  });

  it("ends within a second of Ctrl-C, whatever a host does", async function () {
    this.timeout(120_000);
    await on.lab.sh("node1", 'mkdir -p /tmp/real; cp "$(command -v ip)" /tmp/real/ip');
    const state = join(folder, "hanging.json");
    const type = "pulumi-nodejs:dynamic/macvlan:MacvlanInterface";
    const inputs = {
      __owner: "fleet/dev",
      __resource: "m0",
      host: { address: "node1" },
      name: "m0",
      parent: "eth0",
    };
    const resources = [{ urn: `urn:pulumi:dev::fleet::${type}::m0`, type, inputs }];
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
    for (const answer of ["sleep 100", "exec yes '[{'", "echo '[{'; sleep 100"]) {
      await on.lab.replace("node1", "ip", {
        script: `#!/bin/sh\ncase "$*" in *-j*) touch /tmp/struck; ${answer};; *) exec /tmp/real/ip "$@";; esac\n`,
      });
      for (const args of [
        ["report", state],
        ["graph", "node1"],
        ["doctor", "node1"],
        ["adopt", "node1"],
      ]) {
        const child = spawn(process.execPath, [TOOL, ...args, "--ssh-config", on.lab.sshConfig], {
          stdio: "ignore",
        });
        const ended = new Promise((resolve) => child.on("close", (_code, signal) => resolve(signal)));
        while ((await on.lab.exec("node1", ["test", "-e", "/tmp/struck"])).code !== 0) {
          assert.equal(child.exitCode, null, "the command has ended before the host was asked");
          await sleep(20);
        }
        child.kill("SIGINT");
        const first = await Promise.race([ended, sleep(1000, "it goes on", { ref: false })]);
        child.kill("SIGKILL");
        assert.equal(first, "SIGINT", `${args[0]}, ${answer}`);
        await on.lab.sh("node1", "rm -f /tmp/struck");
      }
    }
    await on.lab.unhide("node1");
  });

  it("exits cleanly if the reader of its output stops early", async () => {
    const child = spawn(
      "sh",
      ["-c", `"${process.execPath}" "${TOOL}" report --help | head -n 1; echo "\${PIPESTATUS:-}"`],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    await new Promise((done) => child.on("close", done));
    assert.match(out, /^Usage: pulumi-macvlan report/);
    assert.equal(err, "");
  });
});
