/** What a preview refuses because of the host: on the property, with a code, and with nothing touched. */
import assert from "node:assert/strict";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { type OnLab, type Preview, useLab } from "./stack";

/** What a host has, a link that is desired on it, and the property and the code that the preview fails with. */
interface Refused {
  readonly what: string;
  readonly prepare?: (lab: OnLab["lab"]) => Promise<unknown>;
  readonly preview: (stack: OnLab["stack"]) => Promise<Preview>;
  /** `parent: not-on-host` */
  readonly failure: string;
}

const macvlan = (args: object): Refused["preview"] => {
  const all: MacvlanArgs = { host: "node1", parent: "eth0", ...args };
  return (stack) => stack.preview("MacvlanInterface", "web", all);
};
const sh =
  (script: string): NonNullable<Refused["prepare"]> =>
  (lab) =>
    lab.sh("node1", script);

const REFUSED: readonly Refused[] = [
  {
    what: "a parent that does not exist",
    preview: macvlan({ parent: "eth7" }),
    failure: "parent: not-on-host",
  },
  {
    what: "a name that the kernel does not accept",
    preview: macvlan({ name: "a-name-that-is-too-long" }),
    failure: "name: invalid-input",
  },
  {
    what: "a name that a foreign link has",
    prepare: sh("ip link add web link eth0 type macvlan"),
    preview: macvlan({}),
    failure: "name: name-taken",
  },
  {
    what: "a second child of a passthru parent",
    prepare: sh("ip link add pass link eth1 type macvlan mode passthru"),
    preview: macvlan({ parent: "eth1" }),
    failure: "parent: taken-on-host",
  },
  {
    what: "a bridge port that has macvlans",
    prepare: sh("ip link add child link eth1 type macvlan mode bridge"),
    preview: (stack) => stack.preview("HairpinBridge", "br0", { host: "node1", ports: ["eth1"] }),
    failure: "ports[0].name: unsuitable-link",
  },
  {
    what: "a parent that is a bridge's port",
    prepare: sh("ip link add brx type bridge; ip link set eth1 master brx"),
    preview: macvlan({ parent: "eth1" }),
    failure: "parent: unsuitable-link",
  },
  {
    what: "a MAC address that the parent has",
    prepare: sh("ip link set eth1 address 02:00:5e:00:53:44"),
    preview: macvlan({ parent: "eth1", macAddress: "02:00:5e:00:53:44" }),
    failure: "macAddress: taken-on-host",
  },
  {
    what: "an MTU above the parent's",
    preview: macvlan({ mtu: 9000 }),
    failure: "mtu: unsuitable-link",
  },
  {
    what: "VLAN filtering on a kernel without it",
    preview: (stack) =>
      stack.preview("HairpinBridge", "br0", { host: "node1", ports: [], vlanFiltering: true }),
    failure: "vlanFiltering: host-unsupported",
  },
  {
    what: "persistence if nothing on the host would create the link at boot",
    preview: macvlan({ persist: true }),
    failure: "persist: host-unsupported",
  },
  {
    what: "a host without iproute2",
    prepare: (lab) => lab.hide("node1", ["ip"]),
    preview: macvlan({}),
    failure: "host: host-unsupported",
  },
];

describe("a preview refuses", () => {
  const on = useLab(1);

  for (const { what, prepare, preview, failure } of REFUSED)
    it(what, async () => {
      await prepare?.(on.lab);
      // without ip, which a host may lack
      const script = "cd /sys/class/net; grep . */mtu */address; ls -d */master; ls /run/pulumi-macvlan";
      const host = (): Promise<string> => on.lab.sh("node1", `{ ${script}; } 2>&1; true`);
      const before = await host();
      const { failures } = await preview(on.stack);
      assert.deepEqual(
        failures.map((text) => text.replace(/^(\S+): [^]*\[([a-z0-9-]+)\]$/, "$1: $2")),
        [failure],
      );
      assert.deepEqual(await host(), before);
    });
});
