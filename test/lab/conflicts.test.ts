/** Resources of one stack that claim the same thing: the second one that is checked is refused, and names the first. */
import assert from "node:assert/strict";
import { type Kinds, openRun, useLab } from "./stack";

/** A resource: its kind, its name, its arguments. */
type Resource = {
  [Kind in keyof Kinds]: readonly [kind: Kind, name: string, args: Partial<Kinds[Kind]["args"]>];
}[keyof Kinds];

const web = (name: string, args: object): Resource => [
  "MacvlanInterface",
  name,
  { parent: "eth0", netns: name, name: "mac0", ...args },
];
const ONE = web("one", { addresses: ["192.0.2.9/24"], macAddress: "02:00:00:00:00:01" });
const BRIDGE: Resource = ["HairpinBridge", "br0", { ports: ["eth1"] }];

/** What is refused of which second resource, and how the failure names the first. */
const CONFLICTS: readonly (readonly [what: string, first: Resource, second: Resource, says: RegExp])[] = [
  [
    "an address",
    ONE,
    web("two", { addresses: ["192.0.2.8/24", "192.0.2.9/32"] }),
    /^addresses\[1\]: .*192\.0\.2\.9 is also used by MacvlanInterface "one"/,
  ],
  [
    "a MAC address",
    ONE,
    web("two", { macAddress: "02:00:00:00:00:01" }),
    /^macAddress: .*is also used by MacvlanInterface "one"/,
  ],
  [
    "one MAC address more than the parent may carry",
    ONE,
    ["HostShim", "shim", { parent: "eth0", maxMacs: 2 }],
    /^maxMacs: .*eth0 would carry 3 MAC addresses/,
  ],
  [
    "a link",
    ["MacvlanInterface", "x", { parent: "eth0" }],
    ["HostShim", "x", { parent: "eth0" }],
    /^name: .*MacvlanInterface "x" of this stack already has this link/,
  ],
  [
    "a port",
    BRIDGE,
    ["HairpinBridge", "br1", { ports: ["eth1"] }],
    /^ports\[0\]\.name: .*eth1 is also a port of HairpinBridge "br0" of this stack/,
  ],
  [
    "a parent that is a port",
    BRIDGE,
    ["MacvlanInterface", "mac0", { parent: "eth1" }],
    /^parent: .*make br0 (its|the) parent instead/,
  ],
  [
    "a parent that another one has for itself",
    ["MacvlanInterface", "mac0", { parent: "eth1", mode: "passthru" }],
    ["HostShim", "shim0", { parent: "eth1" }],
    /^(mode|parent): .*(passthru needs eth1 for itself|excludes all other children)/,
  ],
];

describe("in one run, a second resource is refused:", () => {
  const on = useLab(1);

  for (const [what, first, second, says] of CONFLICTS)
    it(what, async () => {
      const run = openRun(on.lab);
      try {
        const failures: string[][] = [];
        for (const [kind, name, args] of [first, second]) {
          const inputs = { host: "node1", ...args, __owner: "lab/test", __resource: name };
          const checked = await run.operations(kind).check({}, inputs);
          failures.push((checked.failures ?? []).map(({ property, reason }) => `${property}: ${reason}`));
        }
        assert.deepEqual(failures[0], []);
        assert.equal(failures[1]?.length, 1, String(failures[1]));
        assert.match(failures[1][0] ?? "", says);
      } finally {
        await run.close();
      }
    });
});
