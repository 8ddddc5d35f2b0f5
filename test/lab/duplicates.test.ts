/** Addresses that another machine of the LAN has: a second host really has them. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { eventually } from "../support/eventually";
import { linkOf, seenLink, snapshot } from "./seen";
import { useLab } from "./stack";

const ARGS: MacvlanArgs = { host: "node1", parent: "eth0", netns: "web", addresses: ["192.0.2.9/24"] };

describe("an address that another machine has", () => {
  const on = useLab(2);
  const up = (args: MacvlanArgs) => on.stack.up("MacvlanInterface", "web", args);

  beforeEach(() =>
    on.lab.sh("node2", "ip addr add 192.0.2.9/24 dev eth0; ip addr add 2001:db8::9/64 dev eth0"),
  );

  it("is refused before anything is touched, for IPv4", async () => {
    const before = await snapshot(on.lab, "node1");
    const { mac, mac1 } = on.lab.host("node2"); // both NICs are on the LAN, and either answers
    await assert.rejects(
      up({ ...ARGS, addresses: ["192.0.2.8/24", "192.0.2.9/24"], duplicateAddressDetection: "error" }),
      (error: Error) =>
        [mac, mac1].some((m) => error.message.includes(`has 192.0.2.9 (${m})`)) &&
        error.message.includes("Nothing was touched"),
    );
    assert.equal(await snapshot(on.lab, "node1"), before);
    // an unused one
    await up({ ...ARGS, addresses: ["192.0.2.8/24"], duplicateAddressDetection: "error" });
  });

  it("is only a warning if set to warn, and not looked for if set to off", async () => {
    await up({ ...ARGS, duplicateAddressDetection: "warn" });
    assert.ok(await seenLink(on.lab, "node1", "web", "web"));
    await on.stack.down();
    await up({ ...ARGS, duplicateAddressDetection: "off" });
    const preview = await on.stack.preview("MacvlanInterface", "web", ARGS);
    assert.deepEqual(preview.drift, {});
  });

  it("does not stop a change if the host has no arping", async () => {
    await on.lab.hide("node1", ["arping"]);
    await up({ ...ARGS, duplicateAddressDetection: "error" });
  });

  it("is rolled back for IPv6, and so is a change to it", async () => {
    const six = { ...ARGS, addresses: ["2001:db8::9/64"], duplicateAddressDetection: "error" as const };
    const before = await snapshot(on.lab, "node1");
    await assert.rejects(
      up(six),
      /another machine on the LAN of eth0 already has 2001:db8::9\. The change was rolled back/,
    );
    assert.equal(await snapshot(on.lab, "node1"), before);
    await up({ ...six, addresses: ["2001:db8::8/64"] });
    await assert.rejects(up(six), /The change was rolled back/);
    const { addr_info } = await linkOf(on.lab, "node1", "web", "web");
    assert.deepEqual(
      addr_info.filter((a) => a.scope === "global").map((a) => a.local),
      ["2001:db8::8"],
    );
  });

  it("is drift for IPv6 once the kernel has detected it, and is retried by the next up", async () => {
    const six = { ...ARGS, addresses: ["2001:db8::9/64"] };
    const flags = (): Promise<string> => on.lab.sh("node1", "ip -n web -6 addr show dev web scope global");
    await up(six);
    await eventually("the kernel has found the duplicate", async () => (await flags()).includes("dadfailed"));
    const preview = await on.stack.preview("MacvlanInterface", "web", six);
    assert.match(preview.drift["addresses"] ?? "", /found 2001:db8::9\/64 \(not in use: another machine/);
    await on.lab.sh("node2", "ip addr del 2001:db8::9/64 dev eth0");
    await up(six);
    await eventually("no duplicate is looked for", async () => !(await flags()).includes("tentative"));
    assert.deepEqual((await on.stack.preview("MacvlanInterface", "web", six)).drift, {});
    const shown = await flags();
    assert.ok(shown.includes("2001:db8::9") && !shown.includes("dadfailed"), shown);
  });
});
