/** The planner's model of the kernel, held against a host: what a plan is to do there, and what it does. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { openFleet, type Fleet, type ManagedHost } from "../../provider/host/managed-host";
import { kernelOf } from "../../provider/kinds";
import { desiredRemoval } from "../../provider/kinds/ownership";
import type { CommonInputs, Kind, PlanContext } from "../../provider/kinds/kind";
import type { HostState, LinkState, Desired } from "../../provider/model/host";
import type { Observation } from "../../provider/model/observation";
import { outcome, plan, type DesiredPlan } from "../../provider/plan/plan";
import { hostSchema } from "../../provider/ssh/address";
import { readSettings } from "../../provider/ssh/settings";
import { openSshClient } from "../../provider/ssh/connection";
import type { OnLab } from "./stack";

/** Enough to meet most pairs of modes, and soon over. */
const PAIRS = 30;
const SEED = 77;

/** The NICs of the arbitrary states as links of the host that lead nowhere: two bridged NICs of one LAN are a loop. */
export const LINKS: Readonly<Record<string, string>> = { eth0: "p0", eth1: "p1" };

export interface Announced {
  /** That links of these inputs, and each changed to another, are on the host as in the model, and are removed again. */
  assertLives: <I extends CommonInputs>(
    kind: Kind<I>,
    inputs: fc.Arbitrary<I>,
    pairs?: number,
  ) => Promise<void>;
}

/** The comparison, for the tests of a describe block, each with the namespace `blue` and the `LINKS` on the host. */
export function useAnnounced(on: OnLab, host: string): Announced {
  let fleet: Fleet;
  let managedHost: ManagedHost;

  beforeEach(async () => {
    await on.lab.sh(
      host,
      "ip netns add blue; ip -n blue link set lo up;" +
        "for n in 0 1; do ip link add p$n type veth peer name q$n; ip link set p$n up; ip link set q$n up; done",
    );
    const settings = readSettings(
      { ...process.env, MACVLAN_SSH_CONFIG_PATH: on.lab.sshConfig },
      () => undefined,
    );
    fleet = openFleet(openSshClient(settings, { trace: () => undefined, warn: () => undefined }));
    managedHost = fleet.managedHost(hostSchema.parse(host));
  });
  afterEach(() => fleet.close());

  /** Applies a desired state on the host and in the model, and compares the two. */
  async function assertSame(desiredOn: (now: Observation) => Desired): Promise<void> {
    let predicted: HostState | undefined;
    const after = await managedHost.change("the test", (now): DesiredPlan => {
      const desired = desiredOn(now);
      const planned = plan(now.state, desired, kernelOf(now.facts.kernel, now.facts));
      predicted ??= outcome(now.state, planned);
      return { ...planned, desired: [desired] };
    });
    assert.ok(predicted);
    assert.deepEqual(comparable(after.state, predicted), comparable(predicted, predicted));
  }

  async function assertLife<I extends CommonInputs>(kind: Kind<I>, first: I, second: I): Promise<boolean> {
    const bare = (await managedHost.observe()).state;
    const viewOn = (observation: Observation, before?: I): PlanContext => ({
      owner: "lab/model",
      resource: "it",
      observation,
      ...(before ? { previous: { name: before.name, netns: before.netns ?? "" } } : {}),
      isExpected: () => false,
    });
    const made = async (inputs: I, before?: I): Promise<boolean> => {
      const context = viewOn(await managedHost.observe(), before);
      if (kind.rules(inputs).length > 0 || kind.problems(inputs, context).length > 0) return false;
      await assertSame((now) => kind.desired(inputs, viewOn(now, before)));
      return true;
    };
    const both = (await made(first)) && (await made(second, first));
    const last = both ? second : first;
    await assertSame((now) => desiredRemoval(last, viewOn(now)));
    const now = (await managedHost.observe()).state;
    assert.deepEqual(comparable(now, bare), comparable(bare, bare));
    return both;
  }

  async function assertLives<I extends CommonInputs>(
    kind: Kind<I>,
    inputs: fc.Arbitrary<I>,
    pairs = PAIRS,
  ): Promise<void> {
    let changed = 0;
    for (const [first, second] of fc.sample(fc.tuple(inputs, inputs), { numRuns: pairs, seed: SEED })) {
      try {
        if (await assertLife(kind, first, second)) changed++;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`${JSON.stringify(first)}\n→ ${JSON.stringify(second)}\n${why}`, { cause: error });
      }
    }
    console.log(`      ${changed} of ${pairs} pairs were valid on the host`);
    assert.ok(changed > pairs / 2);
  }

  return { assertLives };
}

/**
 * What the model predicts: not the MAC address or MTU that the kernel chooses, nor what a bridge gets from its ports.
 */
function comparable(state: HostState, model: HostState): unknown {
  const links = model.links.filter((l) => l.name !== "lo");
  const seen = (known: LinkState): unknown => {
    const link = state.links.find((l) => l.name === known.name && l.netns === known.netns);
    if (!link) return `no ${known.name}`;
    const isKnown = (key: string, value = ""): boolean =>
      known.kind === "bridge"
        ? !["link.mtu", "link.address"].includes(key)
        : !["link.address", "link.mtu"].includes(key) || value !== "";
    const settings = Object.entries(known.settings).filter(([key, value]) => isKnown(key, value));
    return {
      name: `${link.netns}:${link.name}`,
      kind: link.kind,
      parent: link.parent,
      up: link.up,
      addresses: link.addresses.map((a) => a.cidr).toSorted(),
      routes: link.routes.map(({ protocol, ...r }) => JSON.stringify(r)).toSorted(),
      settings: Object.fromEntries(
        settings.map(([key]) => [key, (link.settings as Record<string, string>)[key]]),
      ),
    };
  };
  return {
    links: links.map(seen),
    count: state.links.filter((l) => l.name !== "lo").length,
    netns: state.netns.map((n) => n.name).toSorted(),
    records: state.records.map(({ ifIndex, ...r }) => JSON.stringify(r)).toSorted(),
  };
}
