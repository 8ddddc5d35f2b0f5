import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { HostLinks } from "../../../provider/program/host-links";

/** What a program without types can give. */
const REFUSED: readonly (readonly [path: string, links: unknown])[] = [
  ["links", pulumi.output({ web: { kind: "bridge" } })],
  ["links", Promise.resolve({ web: { kind: "bridge" } })],
  ["links.web", { br0: { kind: "bridge" }, web: pulumi.output({ kind: "bridge" }) }],
  ['links["eth0.10"].kind', { "eth0.10": { kind: pulumi.output("vlan"), parent: "eth0", vlanId: 10 } }],
];

describe("the links of a HostLinks", () => {
  for (const [path, links] of REFUSED) {
    it(`are refused if ${path} is known later only, as a preview could not say what there is to be`, () => {
      assert.throws(
        () => void Reflect.construct(HostLinks, ["node1", { host: "node1", links }]),
        (error: Error) =>
          pulumi.RunError.isInstance(error) &&
          error.message.includes("[invalid-input]") &&
          error.message.includes(`: ${path} `),
      );
    });
  }
});
