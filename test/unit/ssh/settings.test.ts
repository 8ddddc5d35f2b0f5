import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type Settings, readSettings } from "../../../provider/ssh/settings";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";

const read = (env: Record<string, string> = {}, stack: Record<string, string> = {}): Settings =>
  readSettings({ HOME: "/home/me", ...env }, (key) => stack[key]);
const keys = (settings: Settings): string[] =>
  settings.keys.map((key) => `${key.source}=${"path" in key ? key.path : key.text()}`);

describe("settings", () => {
  it("are few when nothing is given", () => {
    const { env, ...rest } = read();
    assert.deepEqual(rest, { keys: [], maxConnections: 32, home: "/home/me" });
    assert.equal(env("HOME"), "/home/me");
  });

  it("order the keys: environment, then stack", () => {
    const settings = read(
      { MACVLAN_PRIVATE_KEY_PATH: "~/a", MACVLAN_PRIVATE_KEY: KEY },
      { "macvlan:privateKey": KEY, "macvlan:privateKeyPath": "/b" },
    );
    assert.deepEqual(keys(settings), [
      "MACVLAN_PRIVATE_KEY_PATH=/home/me/a",
      `MACVLAN_PRIVATE_KEY=${KEY}`,
      `macvlan:privateKey=${KEY}`,
      "macvlan:privateKeyPath=/b",
    ]);
  });

  it("prefer the environment, and take an empty variable for none", () => {
    const stack = {
      "macvlan:user": "stack",
      "macvlan:hostKeyChecking": "accept-new",
      "macvlan:maxConnections": "3",
      "macvlan:password": "stack password",
      "macvlan:knownHostsPath": "~/known",
      "macvlan:sshConfigPath": "/etc/conf",
    };
    const fromStack = read({ MACVLAN_USER: "", MACVLAN_PASSWORD: " " }, stack);
    assert.deepEqual(
      [fromStack.user, fromStack.hostKeyChecking, fromStack.maxConnections, fromStack.password?.value()],
      ["stack", "accept-new", 3, "stack password"],
    );
    assert.deepEqual([fromStack.knownHostsPath, fromStack.sshConfigPath], ["/home/me/known", "/etc/conf"]);
    const fromEnv = read(
      {
        MACVLAN_USER: "env",
        MACVLAN_HOST_KEY_CHECKING: "off",
        MACVLAN_MAX_CONNECTIONS: "20",
        MACVLAN_PASSWORD: "p\n",
      },
      stack,
    );
    assert.deepEqual(
      [fromEnv.user, fromEnv.hostKeyChecking, fromEnv.maxConnections, fromEnv.password?.value()],
      ["env", "off", 20, "p"],
    );
    assert.equal(fromEnv.password?.source, "MACVLAN_PASSWORD");
  });

  it("repair the line breaks of a key's text", () => {
    for (const text of [
      KEY,
      KEY.trim(),
      KEY.replaceAll("\n", "\r\n"),
      KEY.replaceAll("\n", "\\n"),
      `\n  ${KEY}`,
    ]) {
      assert.deepEqual(keys(read({ MACVLAN_PRIVATE_KEY: text })), [`MACVLAN_PRIVATE_KEY=${KEY}`]);
    }
  });

  const wrong: [Record<string, string>, Record<string, string>, RegExp][] = [
    [
      { MACVLAN_PRIVATE_KEY: "~/.ssh/id" },
      {},
      /^MACVLAN_PRIVATE_KEY must be the text of a private key .*, not a path$/,
    ],
    [
      { MACVLAN_PRIVATE_KEY_PATH: KEY },
      {},
      /^MACVLAN_PRIVATE_KEY_PATH must be the path of a file; the text of a key/,
    ],
    [
      {},
      { "macvlan:hostKeyChecking": "no" },
      /^macvlan:hostKeyChecking must be strict, accept-new or off, not "no"$/,
    ],
    [
      { MACVLAN_MAX_CONNECTIONS: "0" },
      {},
      /^MACVLAN_MAX_CONNECTIONS must be a whole number from 1 to 256, not "0"$/,
    ],
    [{}, { "macvlan:maxConnections": "many" }, /^macvlan:maxConnections must be/],
    [{ MACVLAN_USER: "a b" }, {}, /^MACVLAN_USER: "a b" is not a valid login name$/],
    [
      { MACVLAN_RECLAIM: "dev" },
      {},
      /^MACVLAN_RECLAIM must be the name of a stack, project.stack or .*, not "dev"$/,
    ],
    [{ MACVLAN_PASSWORD: "two\nlines" }, {}, /^MACVLAN_PASSWORD must be one line of text$/],
  ];
  for (const [env, stack, message] of wrong) {
    const name = Object.keys({ ...env, ...stack }).join();
    it(`refuse a bad ${name}`, () =>
      assert.throws(() => read(env, stack), { code: "invalid-setting", text: message }));
  }

  it("show no secret when they are printed or serialised", () => {
    const settings = readSettings(
      { MACVLAN_PRIVATE_KEY: KEY, MACVLAN_PASSWORD: "hidden1", MACVLAN_BECOME_PASSWORD: "hidden2" },
      (key) => (key === "macvlan:passphrase" ? "hidden3" : undefined),
    );
    const shown = JSON.stringify(settings) + inspect(settings, { depth: 9 });
    assert.doesNotMatch(shown, /hidden|OPENSSH/);
    assert.equal(settings.passphrase?.value(), "hidden3");
  });
});
