import assert from "node:assert/strict";
import { hostText } from "../../../provider/ssh/host-text";

describe("host text", () => {
  const SAME: readonly (readonly unknown[])[] = [
    ["node1", { address: "node1" }, { user: undefined, address: "node1" }],
    [
      "ops@node1:2222",
      { address: "node1", port: 2222, user: "ops" },
      { user: "ops", port: 2222, address: "node1" },
    ],
    ["[2001:db8::1]:22", { port: 22, address: "2001:db8::1" }],
    [
      { become: "sudo", address: "a", jump: "ops@b" },
      { address: "a", jump: { user: "ops", address: "b" }, become: "sudo" },
    ],
  ];

  it("is one for all forms of a host", () => {
    for (const [first, ...others] of SAME)
      for (const other of others) assert.equal(hostText(other), hostText(first));
  });

  it("distinguishes hosts by each of their properties", () => {
    const hosts = ["a", "b", "ops@a", "a:23", { address: "a", jump: "b" }, { address: "a", become: "none" }];
    assert.equal(new Set(hosts.map(hostText)).size, hosts.length);
    assert.deepEqual(JSON.parse(hostText("ops@a:23")), { address: "a", port: 23, user: "ops" });
  });

  it("leaves what is no host as it is", () => {
    for (const value of [undefined, null, 5, [], "a b:c:d"])
      assert.equal(hostText(value), JSON.stringify(value));
  });
});
