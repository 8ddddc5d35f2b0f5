import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { canonicalCidr, canonicalIp, containsIp, subnetOf } from "../../../provider/model/addresses";

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
});
