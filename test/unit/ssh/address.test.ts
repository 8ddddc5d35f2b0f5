import assert from "node:assert/strict";
import fc from "fast-check";
import { type HostAddress, hostIdentity, hostLabel, hostSchema } from "../../../provider/ssh/address";

const KEY_BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIJTNBrVtNfuqJpWZPGFSzs4ZW2wfvBIqn4WuS5Go1bvj";
const KEY = `ssh-ed25519 ${KEY_BLOB}`;
const PRINT = `SHA256:${"a".repeat(43)}`;

const issues = (value: unknown): [string, string][] => {
  const parsed = hostSchema.safeParse(value);
  if (parsed.success) return assert.fail("it was accepted");
  return parsed.error.issues.map(({ path, message }) => [path.join("."), message]);
};

describe("host address", () => {
  const shorthands: [string, HostAddress][] = [
    ["node1", { address: "node1" }],
    ["node1.example", { address: "node1.example" }],
    ["ops@node1.example:22", { address: "node1.example", port: 22, user: "ops" }],
    ["192.0.2.1:2222", { address: "192.0.2.1", port: 2222 }],
    ["[2001:db8::1]:2222", { address: "2001:db8::1", port: 2222 }],
    ["[2001:db8::1]", { address: "2001:db8::1" }],
    ["ops@2001:db8::1", { address: "2001:db8::1", user: "ops" }],
    ["ops@fe80::1%eth0", { address: "fe80::1%eth0", user: "ops" }],
    ["ops@corp.example@node1", { address: "node1", user: "ops@corp.example" }],
  ];
  for (const [text, host] of shorthands) {
    it(`reads ${text}`, () => assert.deepEqual(hostSchema.parse(text), host));
  }

  it("keeps an object in canonical form, with the fields that were given", () => {
    const given = {
      commandTimeout: 0.5,
      address: "[2001:db8::1]",
      user: undefined,
      hostKey: `  ${KEY} a comment`,
      become: "doas",
      jump: { address: "j1", jump: "root@j2:2200" },
    };
    const canonical = {
      address: "2001:db8::1",
      jump: { address: "j1", jump: { address: "j2", port: 2200, user: "root" } },
      hostKey: KEY,
      become: "doas",
      commandTimeout: 0.5,
    };
    assert.equal(JSON.stringify(hostSchema.parse(given)), JSON.stringify(canonical));
    assert.deepEqual(hostSchema.parse(hostSchema.parse(given)), canonical);
    assert.equal(hostSchema.parse({ address: "a", hostKey: `${PRINT}=` }).hostKey, PRINT);
  });

  const wrong: [unknown, string, RegExp][] = [
    ["", "", /is not a host: write it as "user@host:port"/],
    ["node1:", "", /is not a host/],
    ["node1:99999", "", /port must be a whole number from 1 to 65535, not 99999/],
    ["-oProxyCommand=x", "", /must be a DNS name/],
    ["@node1", "", /user must be a login name/],
    ["ssh://node1", "", /is not a host/],
    ["192.0.2.300", "", /not a valid IPv4 address/],
    [7, "", /must be a string or an object with address, not 7/],
    [null, "", /not null/],
    [["node1"], "", /must be a string or an object/],
    [{}, "address", /must be the host's DNS name/],
    [{ address: "" }, "address", /must not be empty/],
    [{ address: "a b" }, "address", /must be a DNS name/],
    [{ address: "node1:22" }, "address", /user and port go into user and port/],
    [{ address: "a", port: 0 }, "port", /from 1 to 65535, not 0/],
    [{ address: "a", port: "22" }, "port", /from 1 to 65535, not "22"/],
    [{ address: "a", port: 1.5 }, "port", /not 1.5/],
    [{ address: "a", user: "-l" }, "user", /login name/],
    [{ address: "a", become: "su" }, "become", /"none", "sudo" or "doas", not "su"/],
    [{ address: "a", hostKey: `node1 ${KEY}` }, "hostKey", /without the host name in front/],
    [{ address: "a", hostKey: `ssh-rsa ${KEY_BLOB}` }, "hostKey", /one OpenSSH public key line/],
    [{ address: "a", hostKey: "SHA256:short" }, "hostKey", /SHA256/],
    [{ address: "a", connectTimeout: 0 }, "connectTimeout", /above 0, up to 600/],
    [{ address: "a", commandTimeout: 1e9 }, "commandTimeout", /up to 86400/],
    [
      { address: "a", password: "x" },
      "password",
      /not a property of a host; its properties are address, port/,
    ],
    [{ address: "a", jump: { address: "b", port: -1 } }, "jump.port", /from 1 to 65535/],
    [{ address: "a", jump: "b c" }, "jump", /DNS name/],
    [{ address: "a", jump: { address: "b", jump: { address: "" } } }, "jump.jump.address", /empty/],
  ];
  for (const [value, path, message] of wrong) {
    it(`refuses ${JSON.stringify(value)} at ${path === "" ? "the host itself" : path}`, () => {
      const [first] = issues(value);
      assert.equal(first?.[0], path);
      assert.match(first[1], message);
    });
  }

  it("names every wrong field at once", () => {
    const paths = issues({ address: "a b", port: 0, user: "", extra: 1 }).map(([path]) => path);
    assert.deepEqual(paths.sort(), ["address", "extra", "port", "user"]);
  });

  it("ends with a message on a host that is its own jump, and on a long chain", () => {
    const loop: { address: string; jump?: unknown } = { address: "a" };
    loop.jump = loop;
    assert.deepEqual(issues(loop), [["jump", "has more than 8 jumps"]]);
  });

  it("lets nothing through that is an option of ssh, shell text or a control character", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(..."-$`'\";&|<>(){}*?!~#\\ \t\n\r\0%=ab1.:@[]".split("")) }),
    );
    const safe = (host: HostAddress): void => {
      assert.match(host.address, /^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/);
      if (host.user !== undefined) assert.match(host.user, /^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*$/);
    };
    fc.assert(
      fc.property(hostile, hostile, (address, user) => {
        for (const value of [
          address,
          { address },
          { address, user },
          { address: "a", user },
          `${user}@${address}`,
        ]) {
          const parsed = hostSchema.safeParse(value);
          if (parsed.success) safe(parsed.data);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads back every label as the same host", () => {
    const address = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/));
    const host = fc.record(
      {
        address,
        port: fc.integer({ min: 1, max: 65_535 }),
        user: fc.stringMatching(/^[a-z][a-z0-9._+-]{0,20}$/),
      },
      { requiredKeys: ["address"], noNullPrototype: true },
    );
    fc.assert(fc.property(host, (given) => assert.deepEqual(hostSchema.parse(hostLabel(given)), given)));
  });

  it("has one identity for a machine, whatever the spelling, user and limits", () => {
    const id = (value: unknown): string => hostIdentity(hostSchema.parse(value));
    assert.equal(id("ops@Node1.Example:22"), "node1.example:22");
    assert.equal(id({ address: "node1.example", connectTimeout: 3, become: "none" }), id("node1.example"));
    assert.equal(id("2001:DB8:0:0::1"), "[2001:db8::1]:22");
    assert.equal(id("fe80::1%ETH0"), "[fe80::1%eth0]:22");
    assert.equal(id({ address: "a", jump: "B:23" }), "a:22 via b:23");
    assert.notEqual(id("a:23"), id("a"));
  });
});
