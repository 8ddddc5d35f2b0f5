import assert from "node:assert/strict";
import { nearestWord } from "../../../provider/model/nearest";

const WORDS = ["mtu", "up", "addresses", "macAddress", "parent", "vlanId", "vlans", "constructor"];

describe("the nearest word", () => {
  for (const [given, expected] of [
    ["adresses", "addresses"],
    ["address", "addresses"],
    ["parnet", "parent"],
    ["macaddress", "macAddress"],
    ["vlanID", "vlanId"],
    ["vlan", "vlans"],
    ["mtuu", "mtu"],
    ["ip", undefined],
    ["gateway", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ] as const) {
    it(`to ${JSON.stringify(given.slice(0, 20))} is ${String(expected)}`, () => {
      assert.equal(nearestWord(given, WORDS), expected);
    });
  }
});
