import assert from "node:assert/strict";
import { whyNotRebooting } from "../../../provider/host/reboot";

describe("the answer of a host that is to reboot", () => {
  const why = (answer: string): string | undefined => whyNotRebooting(`hello\n@m ${answer}`, "@m");

  it("is the init system's, or why it was not asked", () => {
    assert.equal(why("ended 0 systemctl --no-block reboot\n\n"), undefined);
    const failed = why("ended 127 reboot\nsh: reboot: not found\n");
    assert.equal(failed, '"reboot" failed (exit 127) and printed "sh: reboot: not found"');
    assert.match(why("refused\n/run/pulumi-macvlan belongs to another user\n") ?? "", /another user/);
    assert.match(why("locked\n") ?? "", /in progress/);
    assert.match(why("unfinished\n") ?? "", /interrupted.*pulumi up/);
  });

  it("is no success if it is something else", () => {
    assert.match(why("nonsense") ?? "", /nonsense/);
    assert.notEqual(whyNotRebooting("", "@m"), undefined);
  });
});
