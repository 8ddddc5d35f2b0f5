/** Credentials from everywhere that they may come from, in a whole run with everything logged: none shows anywhere. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Planted, foundIn, linesWith, plantedKey, plantedText, watchProcesses } from "./planted";
import { useProject } from "./project";
import { isSample } from "../support/extent";

const word = (): string => randomBytes(12).toString("hex");
const PASSPHRASE = `phrase-${word()}`;
const PASSWORD = `pass-${word()}`;
const BECOME = `become-${word()}`;

const PROGRAM = (more = ""): string => `
  for (const host of ["asks@node1", "asks@node2"])
    new MacvlanInterface("web-" + host.slice(-1), {
      host: { address: host.slice(5), user: "asks" }, name: "web", parent: "eth0", netns: "web",
      addresses: ["192.0.2.1" + host.slice(-1) + "/24"], ${more}
    });`;

describe("credentials", () => {
  let keys: { folder: string; plain: string; encrypted: string; second: string };
  let planted: Planted[] = [];
  const keyText = (path: string): string => readFileSync(path, "utf8");

  const on = useProject("secrets", async ({ lab, project }) => {
    const folder = mkdtempSync(join(project.folder, "keys-"));
    const make = (name: string, passphrase: string): string => {
      const path = join(folder, name);
      execFileSync("ssh-keygen", ["-q", "-t", "rsa", "-b", "3072", "-N", passphrase, "-f", path]);
      return path;
    };
    keys = {
      folder,
      plain: make("plain", ""),
      encrypted: make("encrypted", PASSPHRASE),
      second: make("second", ""),
    };
    planted = [
      plantedText("passphrase", PASSPHRASE),
      plantedText("password", PASSWORD),
      plantedText("become password", BECOME),
      ...(["plain", "encrypted", "second"] as const).map((name) =>
        plantedKey(`key ${name}`, keyText(keys[name])),
      ),
    ];
    for (const host of ["node1", "node2"]) {
      await allow(host, ["plain", "encrypted"]);
      await lab.exec(host, ["chpasswd"], { input: `asks:${BECOME}\n` });
    }
  });

  /** Lets these keys in, and no others. */
  async function allow(host: string, names: readonly ("plain" | "encrypted" | "second")[]): Promise<void> {
    const lines = names.map((name) => keyText(`${keys[name]}.pub`)).join("");
    await on.lab.exec(host, ["tee", "/etc/ssh/authorized_keys"], { input: lines });
  }

  function configure(key: string, value: string): void {
    execFileSync("pulumi", ["config", "set", "--secret", key], {
      cwd: on.project.folder,
      env: on.project.environment,
      input: value,
    });
  }

  function clearConfiguration(): void {
    const keys = ["privateKey", "passphrase", "password", "becomePassword"].map((key) => `macvlan:${key}`);
    execFileSync("pulumi", ["config", "rm-all", ...keys], {
      cwd: on.project.folder,
      env: on.project.environment,
      stdio: "ignore",
    });
  }

  /** Everything that the engine keeps: states, their backups and history, settings, plugins' logs. */
  function keptText(): string {
    const texts: string[] = [];
    const walk = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) walk(path);
        else if (entry.isFile() && statSync(path).size < 50_000_000) texts.push(readFileSync(path, "latin1"));
      }
    };
    for (const name of readdirSync(on.project.folder)) {
      const path = join(on.project.folder, name);
      if (path === keys.folder || name === "node_modules" || name === "index.js") continue;
      if (statSync(path).isDirectory()) walk(path);
      else texts.push(readFileSync(path, "latin1"));
    }
    return texts.join("\n");
  }

  const SOURCES: readonly (readonly [what: string, prepare: () => Record<string, string>])[] = [
    [
      "the environment",
      () => ({
        MACVLAN_PRIVATE_KEY: keyText(keys.encrypted),
        MACVLAN_PASSPHRASE: PASSPHRASE,
        MACVLAN_PASSWORD: PASSWORD,
        MACVLAN_BECOME_PASSWORD: BECOME,
      }),
    ],
    [
      "key files, and a password for sudo",
      () => ({ MACVLAN_PRIVATE_KEY_PATH: keys.plain, MACVLAN_BECOME_PASSWORD: BECOME }),
    ],
    [
      "the stack's configuration",
      () => {
        configure("macvlan:privateKey", keyText(keys.encrypted));
        configure("macvlan:passphrase", PASSPHRASE);
        configure("macvlan:password", PASSWORD);
        configure("macvlan:becomePassword", BECOME);
        return {};
      },
    ],
  ];

  for (const [what, prepare] of SOURCES) {
    it(`from ${what} appear nowhere in a whole run with everything logged`, async function () {
      this.timeout(400_000);
      // beside other suites, all steps are run only with the source that the engine itself knows
      const isFull = !isSample || what.startsWith("the stack");
      const given = prepare();
      const trace = join(on.project.folder, "trace.jsonl");
      Object.assign(on.project.environment, given, { MACVLAN_TRACE: trace });
      const outputs: Record<string, string> = {};
      const watch = watchProcesses(planted);
      const call = async (name: string, args: readonly string[], code = 0): Promise<void> => {
        const result = await on.project.cli([...args, "--logtostderr", "-v=9"]);
        // the engine's own log has them from -v=9 on, where it hands the stack's configuration over: docs/credentials.md
        const own = /"msg":"Marshaling property for RPC\[Provider\[[^\]]*\]\.Configure\(\)/;
        outputs[name] = result.output
          .split("\n")
          .filter((line) => !own.test(line))
          .join("\n");
        assert.deepEqual(linesWith(outputs[name], planted), [], name);
        const ended = result.code === 0 ? "well" : "in failure";
        assert.equal(ended, code === 0 ? "well" : "in failure", `${name}: ${result.output.slice(-3000)}`);
      };
      try {
        on.project.program(PROGRAM());
        if (isFull) await call("preview", ["preview", "--diff"]);
        await call("up", ["up", "--yes", "--skip-preview"]);
        await on.lab.sh("node1", "ip -n web link set dev web mtu 1400 alias changed");
        if (isFull) await call("drift", ["preview", "--diff", "--json"]);
        on.project.program(PROGRAM(`routes: [{ to: "203.0.113.0/24", via: "198.51.100.1" }],`));
        await call("failing up", ["up", "--yes", "--skip-preview"], 1);
        if (isFull) {
          on.project.program(PROGRAM(`mtu: 9999,`));
          await call("refused preview", ["preview"], 1);
          on.project.program(PROGRAM());
          await call("refresh", ["refresh", "--yes", "--skip-preview"]);
        }
        on.project.program(PROGRAM());
        outputs["export"] = (await on.project.cli(["stack", "export"])).output;
        outputs["secrets shown"] = (await on.project.cli(["stack", "export", "--show-secrets"])).output;
        await call("destroy", ["destroy", "--yes", "--skip-preview"]);
        if (isFull) {
          // none of these is accepted: the attempts are listed
          await allow("node1", []);
          await on.lab.exec("node1", ["usermod", "-p", "*", "asks"]);
          await call("refused login", ["up", "--yes", "--skip-preview"], 1);
          await allow("node1", ["plain", "encrypted"]);
          await on.lab.exec("node1", ["chpasswd"], { input: `asks:${BECOME}\n` });
          await call("destroy again", ["destroy", "--yes", "--skip-preview"]);
        }
      } finally {
        for (const name of [...Object.keys(given), "MACVLAN_TRACE"]) on.project.environment[name] = "";
      }
      const { sightings, looks, remoteProcesses } = await watch.stop();
      outputs["trace"] = keyText(trace);
      rmSync(trace);
      outputs["kept"] = keptText();
      if (what.startsWith("the stack")) clearConfiguration();
      for (const host of ["node1", "node2"]) {
        outputs[`left on ${host}`] = await on.lab.sh(
          host,
          "grep -rha '' /run/pulumi-macvlan /tmp /var/tmp /var/log /root /home 2>/dev/null; true",
        );
      }

      // the net catches: what was given was used, and processes of the hosts were seen at work
      if (isFull) assert.match(outputs["refused login"] ?? "", /none of the credentials was accepted/);
      assert.match(outputs["trace"], /link add name web/);
      assert.ok(looks > 100 && remoteProcesses > 20, `${looks} looks at ${remoteProcesses} processes`);
      for (const [name, text] of Object.entries(outputs)) {
        // the configuration of the last update, with the secrets that Pulumi was asked to show
        if (name === "secrets shown" && what.startsWith("the stack")) continue;
        assert.deepEqual(foundIn(text, planted), [], name);
      }
      assert.deepEqual(
        sightings.filter((s) => s.isRemote || s.where === "cmdline"),
        [],
      );
      // here, only what Pulumi itself hands the credentials to: its own processes, which run from the project
      const elsewhere = sightings.filter((s) => !/pulumi|node /.test(s.process));
      assert.deepEqual(elsewhere, []);
    });
  }

  it("in the wrong place are refused without being shown", async function () {
    this.timeout(240_000);
    configure("fleet:misplaced", PASSWORD);
    const secret = `new pulumi.Config("fleet").requireSecret("misplaced")`;
    const cases: [args: string, says: RegExp[]][] = [
      [
        `{
          host: {
            address: "root:${BECOME}@node3", user: "root:${BECOME}", hostKey: ${JSON.stringify(keyText(keys.plain))},
            password: "${BECOME}", passphrase: ${secret},
          },
          parent: "eth0", password: ${secret}, sudoPassword: "${BECOME}", alias: ${secret}.apply((s) => s + "\\n"),
        }`,
        [
          /host\.address/,
          /host\.user/,
          /host\.hostKey/,
          /host\.password/,
          /host\.passphrase/,
          /[^.]\bpassword is not a property of/,
          /sudoPassword is not a property of/,
          /alias\b.* contains control characters/,
        ],
      ],
      [`{ host: "root:${BECOME}@node3", parent: "eth0" }`, [/host/]],
      [`{ host: "node3", parent: "eth0", mtu: 9999, alias: ${secret} }`, [/property mtu/]],
    ];
    for (const [args, says] of cases) {
      on.project.program(`new MacvlanInterface("web", ${args});`);
      const { code, output } = await on.project.cli(["preview"]);
      assert.notEqual(code, 0, args);
      for (const one of says) assert.match(output, one);
      assert.deepEqual(foundIn(output, planted), [], `${args}: ${output}`);
    }
    assert.deepEqual(foundIn(keptText(), planted), []);
  });

  it("may be in secret properties, and then are encrypted in the state and hidden when they drift", async function () {
    this.timeout(120_000);
    on.project.program(
      `new MacvlanInterface("web", { host: "node3", parent: "eth0", alias: new pulumi.Config("fleet").requireSecret("misplaced") });`,
    );
    await on.project.up();
    assert.deepEqual(foundIn(keptText(), planted), []);
    await on.lab.sh("node3", "ip link set dev web alias changed");
    for (const command of [
      ["preview", "--diff"],
      ["up", "--yes", "--skip-preview"],
    ]) {
      const { output } = await on.project.cli(command);
      assert.deepEqual(foundIn(output, planted), [], output);
    }
    const [link] = await on.lab.ipJson<{ ifalias: string }[]>("node3", ["link", "show", "web"]);
    assert.equal(link?.ifalias, PASSWORD);
    assert.deepEqual(foundIn(keptText(), planted), []);
  });

  it("may be rotated: nothing changes, and what the old state describes can still be deleted", async function () {
    this.timeout(180_000);
    on.project.environment["MACVLAN_BECOME_PASSWORD"] = BECOME;
    configure("macvlan:privateKey", keyText(keys.plain));
    on.project.program(PROGRAM());
    await on.project.up();
    const state = await on.project.state();

    for (const host of ["node1", "node2"]) await allow(host, ["second"]);
    configure("macvlan:privateKey", keyText(keys.second));
    await on.project.expectNoChanges();
    // refresh and destroy see the configuration of the last up, with the old key
    const refused = await on.project.cli(["destroy", "--yes", "--skip-preview"]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /macvlan:privateKey: refused/);
    // the environment is as of now, and wins
    on.project.environment["MACVLAN_PRIVATE_KEY_PATH"] = keys.second;
    await on.project.refresh("--expect-no-changes");
    on.project.environment["MACVLAN_PRIVATE_KEY_PATH"] = "";
    // or an up, which changes nothing but takes the new configuration over
    assert.match((await on.project.up()).output, /[34] unchanged/);
    // by name, as the order is that in which they happened to be registered
    const links = (resources: Awaited<ReturnType<typeof on.project.state>>): unknown[] =>
      ["web-1", "web-2"].map((name) => resources[name]);
    assert.deepEqual(links(await on.project.state()), links(state));
    await on.project.destroy();
    for (const host of ["node1", "node2"]) assert.equal((await on.lab.sh(host, "ls /run/netns")).trim(), "");
    on.project.environment["MACVLAN_BECOME_PASSWORD"] = "";
    clearConfiguration();
  });
});
