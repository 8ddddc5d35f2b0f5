import assert from "node:assert/strict";
import { asFailures, asThrown } from "../../../provider/engine/border";
import { MacvlanError, issue } from "../../../provider/model/error";

const WEB = 'MacvlanInterface "web"';
const redact = (text: string): string => text.replaceAll("hunter2", "[secret]");

/** What the SDK prints of an error that check, diff, read or delete throws (cmd/dynamic-provider/index.js). */
const printed = (error: Error): string => `${String(error)}: ${error.stack ?? ""}`;

describe("the boundary to the engine", () => {
  it("shows failures of a check with their codes at the end, and no secret", () => {
    const issues = [
      issue("not-on-host", "parent", "there is no link hunter2 on the host"),
      issue("invalid-input", "name", "has \u001b[31m in it"),
    ];
    assert.deepEqual(asFailures(issues, redact), [
      { property: "parent", reason: "there is no link [secret] on the host [not-on-host]" },
      { property: "name", reason: "has \\u001b[31m in it [invalid-input]" },
    ]);
  });

  it("makes the SDK print what failed, and neither the message again nor a stack trace", () => {
    const error = new MacvlanError("host-unreachable", "cannot connect to node1: hunter2", { host: "node1" });
    const thrown = asThrown(error, WEB, "delete", redact);
    assert.equal(printed(thrown), `${WEB}: delete failed [host-unreachable]`);
    assert.equal(thrown.message, "cannot connect to node1: [secret] [host-unreachable]");
    assert.ok(thrown instanceof MacvlanError);
    assert.deepEqual([thrown.code, thrown.host], ["host-unreachable", "node1"]);
  });

  it("leaves an error that several resources share as it is for each of them", () => {
    const error = new MacvlanError("host-unreachable", "cannot connect");
    const [a, b] = ["a", "b"].map((name) => asThrown(error, name, "read", redact));
    assert.deepEqual([String(a), String(b)], ["a", "b"]);
    assert.match(error.stack ?? "", /border\.test/);
  });

  it("calls an error without a code a fault of the provider, and keeps its stack trace for the report", () => {
    const thrown = asThrown(new TypeError("x is undefined, hunter2"), WEB, "diff", redact);
    assert.match(
      thrown.message,
      /^x is undefined, \[secret\]\. This is a fault of pulumi-macvlan: .* \[internal-error\]$/,
    );
    assert.match(printed(thrown), /^MacvlanInterface "web": diff failed \[internal-error\]\nTypeError: /);
    assert.match(printed(thrown), / at .*border\.test/);
    assert.doesNotMatch(printed(thrown), /hunter2/);
  });
});
