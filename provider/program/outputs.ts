/** Names of the outputs of each kind: the SDK has to know them before the engine returns their values. */
import type { LinkKinds } from "../kinds/args/index";

const LINK = {
  ...{ ifIndex: undefined, macAddress: undefined, mtu: undefined, operState: undefined },
  ...{ addresses: undefined, label: undefined, name: undefined, up: undefined },
  checks: undefined,
};

const MACVLAN = {
  ...LINK,
  ...{ parent: undefined, mode: undefined, parentMacAddress: undefined, parentPromiscuity: undefined },
  ...{ siblings: undefined, parentMacs: undefined },
};

/** By the kind's word in `HostLinks`; without the host, which is an argument of each resource. */
export const KIND_OUTPUTS = {
  macvlan: MACVLAN,
  macvtap: { ...MACVLAN, devicePath: undefined },
  ipvlan: { ...LINK, ...{ parent: undefined, mode: undefined, flag: undefined, siblings: undefined } },
  shim: {
    ...LINK,
    ...{ parent: undefined, mode: undefined, routes: undefined, arp: undefined },
    ...{ parentMacAddress: undefined, parentMacs: undefined },
  },
  vlan: {
    ...LINK,
    ...{ parent: undefined, vlanId: undefined, protocol: undefined, parentMacAddress: undefined },
  },
  bond: { ...LINK, ...{ mode: undefined, ports: undefined, activePort: undefined, aggregator: undefined } },
  bridge: { ...LINK, ...{ ports: undefined, bridgeId: undefined, portTool: undefined } },
} as const satisfies {
  readonly [K in keyof LinkKinds]: Readonly<
    Record<Exclude<keyof LinkKinds[K]["outputs"], "host">, undefined>
  >;
};
