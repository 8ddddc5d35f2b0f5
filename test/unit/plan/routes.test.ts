import assert from "node:assert/strict";
import fc from "fast-check";
import { describeStep } from "../../../provider/iproute2/commands";
import { kernelOf } from "../../../provider/kinds";
import { MacvlanError } from "../../../provider/model/error";
import {
  type Desired,
  type HostState,
  type LinkState,
  type Route,
  findLink,
} from "../../../provider/model/host";
import { differences } from "../../../provider/plan/differences";
import { type Plan, outcome, plan } from "../../../provider/plan/plan";
import { simulate } from "../../../provider/plan/kernel/simulate";
import { BARE, nic } from "../../support/hosts";

const SHIM = { name: "eth1", netns: "" };
const KERNEL = kernelOf("6.2.0");
const OURS: Route = { to: "192.0.2.10/32", protocol: "static" };

function hostWith(routes: readonly Route[], opaqueRoutes: readonly Route[] = []): HostState {
  const shim: LinkState = { ...nic(SHIM.name, 3), routes };
  return { ...BARE, links: [nic("eth0", 2), opaqueRoutes.length === 0 ? shim : { ...shim, opaqueRoutes }] };
}

function desired(routes: readonly Route[]): Desired {
  return { links: [{ ...SHIM, exists: true, settings: [], routes }], netns: "", owner: "fleet/test" };
}

const commands = ({ steps }: Plan): string[] => steps.map(({ step }) => describeStep(step, "bridge"));

describe("routes of others beside ours", () => {
  it("differ in a tos, a tunnel or an option, and are removed by what distinguishes them from ours", () => {
    const foreign: Route[] = [
      { to: "192.0.2.10/32", selector: "tos 0x10", protocol: "boot" },
      { to: "192.0.2.200/32", foreign: "encap ip id 1 dst 192.0.2.10", protocol: "boot" },
      { to: "2001:db8:1::/48", selector: "from 2001:db8::/64", foreign: "mtu 1300", protocol: "boot" },
    ];
    const host = hostWith([...foreign, OURS]);
    const planned = plan(host, desired([OURS]), KERNEL);
    assert.deepEqual(planned.differences, [
      {
        property: "routes",
        wanted: "192.0.2.10/32",
        found:
          "192.0.2.10/32 tos 0x10, 192.0.2.200/32 encap ip id 1 dst 192.0.2.10, " +
          "2001:db8:1::/48 from 2001:db8::/64 mtu 1300, 192.0.2.10/32",
      },
    ]);
    assert.deepEqual(commands(planned), [
      "ip route delete 192.0.2.10/32 tos 0x10 dev eth1 proto boot",
      "ip route delete 192.0.2.200/32 dev eth1 proto boot",
      "ip route delete 2001:db8:1::/48 from 2001:db8::/64 dev eth1 proto boot",
    ]);
    assert.deepEqual(differences(outcome(host, planned), desired([OURS])), [], "an update heals it");
    const undo = planned.steps.flatMap((step) => step.undo);
    assert.deepEqual(
      undo.map((step) => describeStep(step, "bridge")),
      [
        "ip route add 192.0.2.10/32 tos 0x10 dev eth1 proto boot",
        "ip route add 192.0.2.200/32 dev eth1 proto boot encap ip id 1 dst 192.0.2.10",
        "ip route add 2001:db8:1::/48 from 2001:db8::/64 dev eth1 proto boot mtu 1300",
      ],
    );
  });

  it("that have the place of ours, with other attributes, are replaced by it", () => {
    for (const host of [
      hostWith([{ ...OURS, foreign: "mtu 1300" }]),
      hostWith([], [{ ...OURS, foreign: "nhid 7" }]),
    ]) {
      const planned = plan(host, desired([OURS]), KERNEL);
      assert.deepEqual(commands(planned), ["ip route replace 192.0.2.10/32 dev eth1 proto static"]);
      assert.deepEqual(differences(outcome(host, planned), desired([OURS])), []);
    }
  });

  it("stay, and are no difference, if they could not be put back", () => {
    const host = hostWith([OURS], [{ to: "192.0.2.77/32", foreign: "nhid 7", protocol: "boot" }]);
    assert.deepEqual(plan(host, desired([OURS]), KERNEL), { differences: [], steps: [] });
  });

  it("leave nothing to be done after one update, whatever they are, and come back when it is undone", () => {
    const route = fc
      .record(
        {
          to: fc.constantFrom("192.0.2.10/32", "192.0.2.11/32", "2001:db8:1::/48"),
          via: fc.constantFrom("192.0.2.1", "2001:db8::1"),
          metric: fc.constantFrom(5, 7),
          selector: fc.constantFrom("tos 0x10", "tos 0x08"),
          foreign: fc.constantFrom("onlink", "mtu 1300", "encap mpls 100"),
          protocol: fc.constantFrom("boot", "static"),
        },
        { requiredKeys: ["to", "protocol"] },
      )
      .map((r): Route => r);
    const key = ({ to, metric, selector }: Route): string => JSON.stringify([to, metric, selector]);
    const anyRoutes = fc.uniqueArray(route, { selector: key, maxLength: 5 });
    fc.assert(
      fc.property(anyRoutes, anyRoutes, (found, given) => {
        const host = hostWith(found);
        const wish = desired(
          given
            .map(({ selector, foreign, ...plain }) => plain)
            .filter((r, i, all) => i === all.findIndex((o) => key(o) === key(r))),
        );
        const planned = plan(host, wish, KERNEL);
        assert.deepEqual(differences(outcome(host, planned), wish), []);
        const back = planned.steps
          .toReversed()
          .flatMap(({ undo }) => undo)
          .reduce((state, step) => simulate(state, step), outcome(host, planned));
        const sorted = (state: HostState): string[] =>
          (findLink(state, SHIM)?.routes ?? [])
            .map((r) => JSON.stringify(Object.entries(r).toSorted()))
            .toSorted();
        assert.deepEqual(sorted(back), sorted(host));
      }),
    );
  });
});

describe("a plan", () => {
  it("is an error if something differs and no step changes it", () => {
    // nothing ever takes a link's kind from one to another if it was not said which link is to be made
    const wish: Desired = {
      ...desired([]),
      links: [
        {
          ...SHIM,
          exists: true,
          settings: [{ key: "type.id", value: "7", property: "vlanId", fixed: ["*"] }],
        },
      ],
    };
    assert.throws(
      () => plan(hostWith([]), wish, KERNEL),
      (error: unknown) => {
        assert.ok(error instanceof MacvlanError);
        assert.equal(error.code, "no-plan");
        assert.deepEqual(error.remaining, [{ property: "vlanId", wanted: "7", found: "none" }]);
        assert.equal(
          error.text,
          "vlanId: found none, wanted 7, but no command is known that changes this. Change it on the host, and please report it: this is a bug in pulumi-macvlan",
        );
        return true;
      },
    );
  });

  it("does not ask a link that is down for routes, which it cannot have", () => {
    const host = hostWith([]);
    const down = { ...host, links: host.links.map((l) => (l.name === SHIM.name ? { ...l, up: false } : l)) };
    assert.deepEqual(plan(down, desired([OURS]), KERNEL), { differences: [], steps: [] });
  });
});
