import { desiredWithBoot } from "../../../provider/engine/persist";
import { type AnyKind, KINDS, kernelOf } from "../../../provider/kinds";
import type { CommonInputs, PlanContext } from "../../../provider/kinds/kind";
import type { HostState, Desired } from "../../../provider/model/host";
import type { Init, Observation } from "../../../provider/model/observation";
import { outcome, plan } from "../../../provider/plan/plan";
import { BARE } from "../plan/states";

export const OWNER = "fleet/test";
export const KERNEL = kernelOf("6.2.0");

/** The second NIC has addresses and routes, which a bridge can take over. */
export const HOST: HostState = {
  ...BARE,
  links: BARE.links.map((l) =>
    l.name === "eth1"
      ? {
          ...l,
          addresses: [{ cidr: "203.0.113.9/24", broadcast: "203.0.113.255" }, { cidr: "2001:db8:9::9/64" }],
          routes: [{ to: "0.0.0.0/0", via: "203.0.113.1", protocol: "static" }],
        }
      : l,
  ),
  netns: [],
};

/** What can make links again on a host. */
export interface Booting {
  readonly init: Init;
  readonly udev: boolean;
}

const SYSTEMD: Booting = { init: "systemd", udev: true };

export function kindOf(type: string): AnyKind {
  const kind = KINDS[type];
  if (!kind) throw new Error(`there is no kind ${type}`);
  return kind;
}

export function viewOn(state: HostState, booting: Booting = SYSTEMD): PlanContext {
  const facts = {
    ...booting,
    kernel: "6.1.0",
    portTool: "bridge",
    tools: ["ip", "bridge", "sha256sum"],
    wireless: [],
    root: true,
    lacks: [],
    iproute2: "6.1.0",
    ipVersionText: "",
  };
  const observation = { state, facts } as unknown as Observation;
  return { owner: OWNER, resource: "it", observation, isExpected: () => false };
}

/** The desired state of a persistent resource. */
export function desiredOn(
  kind: AnyKind,
  inputs: CommonInputs,
  state: HostState,
  booting: Booting = SYSTEMD,
): Desired {
  return desiredWithBoot(kind, { ...inputs, persist: true }, viewOn(state, booting));
}

/** The host after an up. */
export function upOn(kind: AnyKind, inputs: CommonInputs, state: HostState): HostState {
  return outcome(state, plan(state, desiredOn(kind, inputs, state), KERNEL));
}

/** The host after a reboot, before anything of ours has run: what is in files is there, and what the NICs are given. */
export function reboot(state: HostState, fresh: HostState = HOST): HostState {
  return { ...fresh, bootFiles: state.bootFiles };
}
