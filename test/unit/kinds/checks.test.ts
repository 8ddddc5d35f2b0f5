/** The property `checks`: what is taken, in which form, and what is refused at which path. */
import assert from "node:assert/strict";
import { checkInputs } from "../../../provider/kinds/check-inputs";
import { describeCheck, secretTexts, targetsOf, withoutResults } from "../../../provider/kinds/checks";
import { KINDS } from "../../../provider/kinds";
import { kindOf } from "../../support/plans";

function issuesOf(checks: unknown, more: object = {}): string[] {
  const given = { host: "node1", parent: "eth0", checks, ...more, __owner: "fleet/dev", __resource: "web" };
  const { issues } = checkInputs(kindOf("MacvlanInterface"), given, undefined);
  return issues.map(({ property, code }) => `${property} ${code}`);
}

describe("checks", () => {
  it("are a property of every kind", () => {
    for (const kind of Object.values(KINDS)) assert.ok("checks" in kind.schema, kind.type);
  });

  it("have a canonical form", () => {
    const given = [
      { ping: "2001:DB8:0::1" },
      { tcp: "[2001:DB8::1]:0443", within: 2.5 },
      { http: "http://192.0.2.1", from: "host" },
      { dns: "www.example.com@2001:DB8::53", required: true },
      { arp: "link", from: { host: "ops@node2:2222", link: "web" } },
    ];
    const { inputs } = checkInputs(
      kindOf("VlanInterface"),
      { host: "node1", parent: "eth0", vlanId: 1, checks: given, __owner: "fleet/dev", __resource: "web" },
      undefined,
    );
    assert.deepEqual(inputs["checks"], [
      { ping: "2001:db8::1" },
      { tcp: "[2001:db8::1]:443", within: 2.5 },
      { http: "http://192.0.2.1/", from: "host" },
      { dns: "www.example.com@2001:db8::53", required: true },
      { arp: "link", from: { host: { address: "node2", user: "ops", port: 2222 }, link: "web" } },
    ]);
  });

  for (const [what, checks, at] of [
    ["no list", "192.0.2.1", "checks"],
    ["a value that is no object", ["192.0.2.1"], "checks[0]"],
    ["nothing to try", [{ within: 3 }], "checks[0]"],
    ["two things to try", [{ ping: "192.0.2.1", arp: "192.0.2.1" }], "checks[0]"],
    ["a name to ping", [{ ping: "www.example.com" }], "checks[0].ping"],
    ["an address with a prefix", [{ arp: "192.0.2.1/24" }], "checks[0].arp"],
    ["no port", [{ tcp: "192.0.2.1" }], "checks[0].tcp"],
    ["an invalid port", [{ tcp: "192.0.2.1:65536" }], "checks[0].tcp"],
    ["IPv6 without brackets", [{ tcp: "2001:db8::1:443" }], "checks[0].tcp"],
    ["an option instead of a host", [{ tcp: "-e:443" }], "checks[0].tcp"],
    ["another scheme", [{ http: "file:///etc/passwd" }], "checks[0].http"],
    ["a password in a URL", [{ http: "http://a:b@192.0.2.1/" }], "checks[0].http"],
    ["a line break in a URL", [{ http: "http://192.0.2.1/\nx" }], "checks[0].http"],
    ["a name as DNS server", [{ dns: "www@ns" }], "checks[0].dns"],
    ["an option instead of a name", [{ dns: "-f@192.0.2.53" }], "checks[0].dns"],
    ["an empty command", [{ command: " " }], "checks[0].command"],
    ["a NUL", [{ command: "a\0b" }], "checks[0].command"],
    ["a time of zero", [{ ping: "192.0.2.1", within: 0 }], "checks[0].within"],
    ["an invalid start", [{ ping: "192.0.2.1", from: "there" }], "checks[0].from"],
    ["a start without a host", [{ ping: "192.0.2.1", from: { link: "web" } }], "checks[0].from.host"],
    ["an unknown word", [{ ping: "192.0.2.1", wihtin: 3 }], "checks[0].wihtin"],
    ["the same twice", [{ ping: "192.0.2.1" }, { ping: "192.0.2.1" }], "checks[1]"],
    ["the link from itself", [{ ping: "link" }], "checks[0].ping"],
    ["the link from itself by TCP", [{ tcp: "link:443" }], "checks[0].tcp"],
  ] as const) {
    it(`with ${what} are refused at ${at}`, () => {
      assert.deepEqual(issuesOf(checks), [`${at} invalid-input`]);
    });
  }

  it("of a link that is down are refused", () => {
    assert.deepEqual(issuesOf([{ ping: "192.0.2.1" }], { up: false }), ["checks invalid-input"]);
    assert.deepEqual(issuesOf([], { up: false }), []);
  });

  it("replace the link by its addresses", () => {
    const addresses = ["192.0.2.10", "2001:db8::10"];
    assert.deepEqual(targetsOf("ping", "link", addresses), addresses);
    assert.deepEqual(targetsOf("tcp", "link:443", addresses), ["192.0.2.10:443", "[2001:db8::10]:443"]);
    assert.deepEqual(targetsOf("http", "http://link/link", addresses), [
      "http://192.0.2.10/link",
      "http://[2001:db8::10]/link",
    ]);
    assert.deepEqual(targetsOf("ping", "192.0.2.1", addresses), ["192.0.2.1"]);
  });

  it("keep what is secret in them out of messages", () => {
    assert.equal(describeCheck({ command: "curl -H 'token: abc'" }, true), "command (secret)");
    assert.deepEqual(
      secretTexts([
        { command: "x y", from: "host" },
        { ping: "link", from: "host" },
      ]),
      ["x y"],
    );
  });

  it("are read from a state without their results", () => {
    const given = [{ ping: "192.0.2.1", within: 3 }];
    assert.deepEqual(withoutResults([{ ...given[0], passed: true, tries: 1, ms: 0.3 }]), given);
  });
});
