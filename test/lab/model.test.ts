import { bridge } from "../../provider/kinds/bridge";
import { macvlan } from "../../provider/kinds/macvlan";
import { bridgeInputs, macvlanInputs } from "../support/inputs";
import { LINKS, useAnnounced } from "./announced";
import { useLab } from "./stack";

describe("the model of the kernel", function () {
  this.timeout(240_000);
  const { assertLives } = useAnnounced(useLab(1), "node1");

  it("predicts what changing any macvlan to any other does to the host, and what its deletion does", () =>
    assertLives(
      macvlan,
      // the lab's iproute2 is too old for the threshold (broadcast-threshold.test.ts has another one)
      macvlanInputs.map(({ broadcastQueueThreshold: _, ...inputs }) => ({
        ...inputs,
        parent: LINKS[inputs.parent] ?? inputs.parent,
      })),
    ));

  it("predicts the same for a bridge and its ports", () =>
    assertLives(
      bridge,
      // the kernel of a namespace may have no VLAN filtering (test/guests/bridge-vlans.test.ts has one that does)
      bridgeInputs.map(({ ports, vlanFiltering: _, vlanDefaultPvid: __, vlans: ___, ...inputs }) => ({
        ...inputs,
        ...(ports === undefined
          ? {}
          : { ports: ports.map(({ vlans: ____, ...p }) => ({ ...p, name: LINKS[p.name] ?? p.name })) }),
      })),
    ));
});
