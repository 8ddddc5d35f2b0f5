import assert from "node:assert/strict";
import {
  SETTINGS,
  changedSettings,
  checkConfiguration,
  identityOf,
  settingReader,
} from "../../../provider/native/configuration";
import { readSettings } from "../../../provider/ssh/settings";
import { UNKNOWN } from "../../../provider/model/unknown";

describe("the configuration of the native provider", () => {
  it("has each setting of the stack configuration, and no other", () => {
    const read = new Set<string>();
    readSettings({}, (key) => void read.add(key));
    assert.deepEqual(
      Object.keys(SETTINGS)
        .map((key) => `macvlan:${key}`)
        .toSorted(),
      [...read].toSorted(),
    );
  });

  it("has a new identity, which the next run finds in the state", () => {
    const first = checkConfiguration({}, { user: "ops" });
    assert.deepEqual(first.failures, []);
    const identity = identityOf(first.inputs);
    assert.match(identity ?? "", /^[0-9a-f]{32}$/);
    const second = checkConfiguration(first.inputs, { user: "root" });
    assert.equal(identityOf(second.inputs), identity);
    assert.notEqual(identityOf(checkConfiguration({}, {}).inputs), identity);
  });

  it("is refused on the setting that cannot be used", () => {
    const { failures } = checkConfiguration(
      {},
      { hostKeyChecking: "maybe", maxConnections: 0, user: UNKNOWN },
    );
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["hostKeyChecking", "maxConnections"],
    );
  });

  it("is refused without a path if the engine would print a secret, or if there is no such setting", () => {
    const secret = "not a key";
    const { failures } = checkConfiguration({}, { privateKey: secret, usr: "ops", rollout: {} });
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["", "", ""],
    );
    assert.match(failures[2]?.reason ?? "", /rollout .*waves/);
    assert.ok(!failures.some(({ reason }) => reason.includes(secret)));
    assert.match(failures[1]?.reason ?? "", /usr .*\buser\b/);
  });

  it("leaves the engine's own properties alone", () => {
    assert.deepEqual(checkConfiguration({}, { version: "0.1.0", __internal: {} }).failures, []);
  });

  it("is read as text, whatever a program's language makes of it", () => {
    const read = settingReader({ maxConnections: 8, user: "ops" });
    assert.equal(read("macvlan:maxConnections"), "8");
    assert.equal(read("macvlan:user"), "ops");
    assert.equal(read("macvlan:password"), undefined);
  });

  it("differs by its settings alone", () => {
    const olds = { user: "ops", maxConnections: "8", __stack: "a" };
    assert.deepEqual(changedSettings(olds, { user: "root", maxConnections: 8, __stack: "b" }), ["user"]);
    // what a stack of dynamic resources has in the state of its provider
    assert.deepEqual(changedSettings({ "macvlan:user": "ops" }, {}), []);
  });
});
