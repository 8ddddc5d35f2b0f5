import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  broadcastOf,
  canonicalCidr,
  canonicalIp,
  containsIp,
  subnetOf,
} from "../../../provider/model/addresses";

const byte = fc.oneof(
  fc.nat(255).map(String),
  fc.constantFrom("00", "01", "256", "999", "", "0x1", "1e1", "-1", " 1"),
);
const address = fc.array(byte, { minLength: 3, maxLength: 5 }).map((bytes) => bytes.join("."));
const prefix = fc.oneof(fc.nat(33).map(String), fc.constantFrom("", "032", "08", "-1", "24/8", "1e1"));

describe("IPv4 addresses", () => {
  it("are read as the library reads them", () => {
    fc.assert(
      fc.property(address, prefix, (ip, bits) => {
        const isAddress = ipaddr.IPv4.isValidFourPartDecimal(ip);
        assert.equal(canonicalIp(ip), isAddress ? ip : undefined);
        const isCidr = isAddress && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= 32;
        assert.equal(canonicalCidr(`${ip}/${bits}`), isCidr ? `${ip}/${Number(bits)}` : undefined);
      }),
    );
  });

  it("are of the network that the library finds", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), (ip, bits) => {
        const network = ipaddr.IPv4.networkAddressFromCIDR(`${ip}/${bits}`);
        assert.equal(subnetOf(`${ip}/${bits}`), `${network.toString()}/${bits}`);
      }),
    );
  });

  it("are in a network or not, as the library says", () => {
    const valid = fc.ipV4();
    fc.assert(
      fc.property(valid, fc.nat(32), valid, (base, bits, ip) => {
        const expected = ipaddr.IPv4.parse(ip).match([ipaddr.IPv4.parse(base), bits]);
        assert.equal(containsIp(`${base}/${bits}`, ip), expected);
        assert.ok(containsIp(`${base}/${bits}`, base));
      }),
    );
    assert.equal(containsIp("0.0.0.0/0", ""), false);
    assert.equal(containsIp("0.0.0.0/0", "::1"), false);
  });

  it("have the network and the broadcast address that the library says", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), (ip, bits) => {
        const cidr = `${ip}/${bits}`;
        assert.equal(subnetOf(cidr), `${ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()}/${bits}`);
        const broadcast = ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString();
        assert.equal(broadcastOf(cidr), bits > 30 ? undefined : broadcast);
      }),
    );
  });
});

describe("IPv6 addresses", () => {
  const group = fc.oneof(
    fc.constant("0"),
    fc.constant("ffff"),
    fc.nat(0xffff).map((number) => number.toString(16)),
  );
  const spelt = fc.oneof(
    // the library takes ::192.0.2.1 for ::ffff:192.0.2.1
    fc.ipV6().filter((ip) => !/^::\d+\./.test(ip)),
    fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":")),
    fc.ipV4().map((ip) => `::ffff:${ip}`),
    fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":").toUpperCase()),
  );

  it("have the text that the library gives them, however they are spelt", () => {
    fc.assert(
      fc.property(spelt, fc.nat(128), (ip, bits) => {
        const parsed = ipaddr.IPv6.parse(ip);
        const text = parsed.isIPv4MappedAddress()
          ? `::ffff:${parsed.toIPv4Address().toString()}`
          : parsed.toString();
        assert.equal(canonicalIp(ip), text);
        assert.equal(canonicalCidr(`${ip}/${bits}`), `${text}/${bits}`);
        const network = ipaddr.IPv6.networkAddressFromCIDR(`${ip}/${bits}`).toString();
        assert.equal(subnetOf(`${ip}/${bits}`), canonicalCidr(`${network}/${bits}`));
      }),
    );
  });

  it("have an IPv4 address in their last bytes without being that address", () => {
    assert.equal(canonicalIp("::192.0.2.1"), "::c000:201");
    assert.equal(canonicalIp("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    assert.equal(containsIp("::/96", "::192.0.2.1"), true);
    assert.equal(containsIp("::ffff:0:0/96", "::192.0.2.1"), false);
  });

  it("are not what no other tool takes for one", () => {
    const texts = [
      "",
      ":",
      ":::",
      "1::2::3",
      "12345::",
      "fe80::1%eth0",
      "::1.2.3",
      "::256.1.1.1",
      "g::",
      "[::1]",
    ];
    for (const text of texts) {
      assert.equal(canonicalIp(text), undefined, text);
      assert.equal(canonicalCidr(`${text}/64`), undefined, text);
    }
    assert.equal(canonicalCidr("::1/129"), undefined);
    assert.equal(canonicalCidr("::1"), undefined);
  });
});
