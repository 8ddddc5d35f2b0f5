import assert from "node:assert/strict";
import { withWayOut } from "../../../provider/engine/gone";
import { type SshErrorKind, SshError } from "../../../provider/ssh/error";

describe("the error of a resource whose host does not answer", () => {
  for (const kind of ["unreachable", "refused", "timeout"] as const satisfies readonly SshErrorKind[]) {
    it(`names the remedies, before its code: ${kind}`, () => {
      const error = new SshError(
        kind,
        "ops@node1.example",
        "cannot connect to ops@node1.example: no answer.",
      );
      const shown = withWayOut(error);
      assert.ok(shown instanceof SshError);
      assert.equal(shown.code, error.code);
      assert.match(
        shown.message,
        /no answer\. .*pulumi state delete URN.*--show-urns.*--exclude.*retainOnDelete: true.* \[[a-z-]+\]$/,
      );
      assert.doesNotMatch(error.message, /state delete/, "others fail with the same error");
    });
  }

  it("is as it was if the host has answered, and not as desired", () => {
    for (const error of [new SshError("authentication", "h", "denied"), new Error("other"), "text"])
      assert.equal(withWayOut(error), error);
  });
});
