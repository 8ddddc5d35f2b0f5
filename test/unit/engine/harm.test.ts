import assert from "node:assert/strict";
import { describeHarm } from "../../../provider/engine/harm";
import { planLink, planRemoval } from "../../../provider/engine/planning";
import { asInputs, checkInputs, visibleInputs } from "../../../provider/kinds/check-inputs";
import type { CommonInputs, Json, PlanContext } from "../../../provider/kinds/kind";
import type { HostState, LinkState } from "../../../provider/model/host";
import { outcome } from "../../../provider/plan/plan";
import { HOST, nic } from "../../support/hosts";
import { kindOf, viewOn } from "../../support/plans";

/** For each kind what it needs beside host and name, and a change that needs another link. */
const CASES: readonly (readonly [type: string, args: Json, changed: Json])[] = [
  ["MacvlanInterface", { parent: "eth0" }, { parent: "eth1" }],
  ["MacvtapInterface", { parent: "eth0" }, { parent: "eth1" }],
  ["IpvlanInterface", { parent: "eth1" }, { parent: "eth0" }],
  ["HostShim", { parent: "eth0" }, { parent: "eth1" }],
  ["VlanInterface", { parent: "eth0", vlanId: 10 }, { vlanId: 11 }],
  ["HairpinBridge", { ports: ["eth1"], takeOverAddresses: true }, {}],
  ["Bond", { mode: "active-backup" }, {}],
];

const child = (name: string, parent: string, more: Partial<LinkState> = {}): LinkState => ({
  ...nic(name, 50 + name.length),
  ...{ kind: "macvlan", parent },
  ...more,
});
const port = (name: string, master: string): LinkState => {
  const link = nic(name, 70);
  return { ...link, kind: "tun", settings: { ...link.settings, "link.master": master } };
};

for (const [type, args, changed] of CASES) {
  describe(`links of others on a link of ${type}`, () => {
    const kind = kindOf(type);
    const inputsOf = (more: Json): CommonInputs => {
      const given = {
        host: "node1",
        name: "link0",
        __owner: "fleet/test",
        __resource: "it",
        ...args,
        ...more,
      };
      const { inputs, issues } = checkInputs(kind, given, undefined);
      assert.deepEqual(issues, []);
      return asInputs(visibleInputs(inputs));
    };
    const inputs = inputsOf({});
    const contextOn = (state: HostState): PlanContext => viewOn(state);
    const made = outcome(HOST, planLink(kind, inputs, contextOn(HOST)));
    const withLinks = (...links: LinkState[]): HostState => ({ ...made, links: [...made.links, ...links] });
    const harmOf = (state: HostState): string | undefined =>
      describeHarm(planRemoval(kind, inputs, contextOn(state)), contextOn(state).observation);

    it("are none if there are none", () => assert.equal(harmOf(made), undefined));

    it("are named with what is on them, in whatever namespace, if the link is deleted", () => {
      const links = [
        child("vlan0", "link0", { kind: "vlan" }),
        child("on-vlan0", "vlan0"),
        child("inside0", "link0", { netns: "blue" }),
        child("beside0", "eth0"),
      ];
      assert.equal(
        harmOf(withLinks(...links)),
        "the vlan vlan0 is deleted with link0, the macvlan on-vlan0 is deleted with link0, " +
          "the macvlan inside0 in namespace blue is deleted with link0",
      );
    });

    it("are named if they lose their master, unless the resource gives them back", () => {
      assert.equal(harmOf(withLinks(port("tap0", "link0"))), "the tun tap0 loses its master link0");
    });

    it("are named with their stack, and are none of the same stack, whatever making they are of", () => {
      const state = withLinks(child("own", "link0"), child("their", "link0"));
      const [own, their] = state.links.slice(-2);
      const record = { resource: "x", made: true, restore: [], netns: "" };
      const records = [
        ...state.records,
        { ...record, name: "own", ifIndex: own?.ifIndex ?? 0, owner: "fleet/test", making: "m7" },
        { ...record, name: "their", ifIndex: their?.ifIndex ?? 0, owner: "acme/prod" },
      ];
      const context = { ...contextOn({ ...state, records }), stack: { removes: { making: "m1" } } };
      const said = describeHarm(planRemoval(kind, inputs, context), context.observation);
      assert.equal(said, "the macvlan their of the stack acme/prod is deleted with link0");
    });

    if (Object.keys(changed).length > 0) {
      it("are named if the link is replaced", () => {
        const state = withLinks(child("vm1", "link0"));
        const said = describeHarm(
          planLink(kind, inputsOf(changed), contextOn(state)),
          contextOn(state).observation,
        );
        assert.equal(said, "the macvlan vm1 is deleted with link0");
      });
    }
  });
}
