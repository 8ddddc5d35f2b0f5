/** Names and texts that a shell or `ip -batch` would take for more than text. */
import assert from "node:assert/strict";
import { useLab } from "./stack";

const NAMES = ["$(id)", "`id`", "a;id", "a&id", "a'b", 'a"b', "a\\b", "#a", "*", "-h", "dev", "a|id>x"];

describe("hostile texts", () => {
  const on = useLab(1);

  for (const name of NAMES) {
    it(`are taken as they are: ${name}`, async () => {
      const alias = `$(id) \`id\` 'x' "y" ; # & ${name}`;
      const args = { host: "node1", parent: "eth0", name, alias, addresses: ["192.0.2.10/24"] };
      await on.stack.up("MacvlanInterface", "web", args);
      const links = await on.lab.ipJson<{ ifname: string; ifalias?: string }[]>("node1", [
        "link",
        "show",
        "type",
        "macvlan",
      ]);
      assert.deepEqual(
        links.map(({ ifname, ifalias }) => [ifname, ifalias]),
        [[name, alias]],
      );
      const preview = await on.stack.preview("MacvlanInterface", "web", args);
      assert.deepEqual([preview.changes, preview.drift, preview.failures], [false, {}, []]);
      await on.stack.down();
      assert.equal((await on.lab.sh("node1", "ip -o link show type macvlan")).trim(), "");
    });
  }
});
