import assert from "node:assert/strict";
import { openRedactor } from "../../../provider/model/redact";

describe("what is withheld", () => {
  const redacted = (value: unknown, text: string, host?: string): string => {
    const redactor = openRedactor();
    redactor.register(value, "node1", ["web"]);
    return redactor.redact(text, host);
  };

  it("is a text in each of its notations", () => {
    const mac = "02-00-5E-AB-CD-EF";
    for (const shown of [mac, "02:00:5e:ab:cd:ef", "02005eabcdef", "02-00-5e-ab-cd-ef"])
      assert.equal(redacted(mac, `found ${shown}.`), "found [secret].");
    for (const shown of ["2001:db8::77/64", "2001:db8::77", "2001:db8::/64"])
      assert.equal(redacted(["2001:DB8:0::77/64"], `${shown}: in use`), "[secret]: in use");
    assert.equal(redacted("192.0.2.77/24", "192.0.2.77 brd 192.0.2.255"), "[secret] brd [secret]");
    assert.equal(redacted('a "b"', 'alias is "a \\"b\\"", not a "b"'), 'alias is "[secret]", not [secret]');
  });

  it("is a number as a whole, and no part of another one or of an address", () => {
    assert.equal(
      redacted(1477, 'mtu 1477, {"mtu":1477} (1477).'),
      'mtu [secret], {"mtu":[secret]} ([secret]).',
    );
    for (const other of ["11477", "1477.5", "2001:db8::1477", "eth1477", "v-1477"])
      assert.equal(redacted(1477, other), other);
    assert.equal(redacted("192.0.2.1", "192.0.2.10 and 192.0.2.1."), "192.0.2.10 and [secret].");
  });

  it("is a short text only in what is said of its host", () => {
    assert.equal(redacted("x7", "x7 of x72", "node1"), "[secret] of x72");
    assert.equal(redacted(7, "VLAN 7 of eth0.7", "node1"), "VLAN [secret] of eth0.7");
    assert.equal(redacted(7, "VLAN 7", "node2"), "VLAN 7");
    assert.equal(redacted(7, "VLAN 7"), "VLAN 7");
  });

  it("is not the host's own name, which would show that the secret is the same", () => {
    assert.equal(redacted("web", "web on node1", "node1"), "web on node1");
  });

  it("is neither a switch nor an empty text", () => {
    assert.equal(redacted([true, "", " "], "true or false", "node1"), "true or false");
  });
});
