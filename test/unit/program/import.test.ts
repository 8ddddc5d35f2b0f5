/** The error of a program that tries to import a link. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as resources from "../../../provider/program/resources";

describe("the options import and id", () => {
  before(() => {
    const newResource = ({ name, inputs }: pulumi.runtime.MockResourceArgs) => ({
      id: name,
      state: inputs as object,
    });
    void pulumi.runtime.setMocks({ newResource, call: () => ({}) });
  });

  for (const [type, Resource] of Object.entries(resources)) {
    if (typeof Resource !== "function" || !/^[A-Z]/.test(type)) continue;
    for (const option of ["import", "id"] as const) {
      it(`are refused by ${type}, without a stack trace, with what to do instead (${option})`, () => {
        const args = { host: "node1", parent: "eth0", ports: [], vlanId: 1, mode: undefined };
        const make = Resource as unknown as new (name: string, args: object, opts: object) => unknown;
        assert.throws(
          () => new make("web", args, { [option]: "node1/web" }),
          (error) => pulumi.RunError.isInstance(error) && /adopt: true/.test(error.message),
        );
      });
    }
  }
});
