/** Hosts and stacks for the tests of commands: as observed and as the engine prints them, cut down to what counts. */
import type { Observation } from "../../../provider/model/observation";
import type { HostState, LinkState, Settings } from "../../../provider/model/host";
import { BARE, nic } from "../plan/states";

/** A host that can do everything, with these links beside eth0 and eth1. */
export function observed(links: readonly LinkState[] = [], state: Partial<HostState> = {}): Observation {
  return {
    facts: {
      machine: "boot net",
      kernel: "6.1.0-18-amd64",
      iproute2: "6.1.0",
      ipVersionText: "ip utility, iproute2-6.1.0",
      root: true,
      tools: ["ip", "bridge", "flock", "sha256sum"],
      wireless: [],
      vlanFiltering: true,
      lacks: [],
      portTool: "bridge",
      init: "systemd",
      udev: true,
      managers: [],
    },
    state: { ...BARE, ...state, links: [...BARE.links, ...links] },
    unreadable: [],
    managementPath: { client: "", links: [], prefix: 0 },
    boots: "",
  };
}

/** A link of a kind, like a fresh one but for what is given. */
export function link(
  name: string,
  kind: string,
  { settings = {}, ...more }: Partial<Omit<LinkState, "settings">> & { settings?: Settings } = {},
): LinkState {
  const base = nic(name, 9);
  return { ...base, ifIndex: 20 + name.length, kind, ...more, settings: { ...base.settings, ...settings } };
}

/** A macvlan on eth0 in bridge mode. */
export function macvlan(
  name: string,
  { settings = {}, ...more }: Partial<Omit<LinkState, "settings">> & { settings?: Settings } = {},
): LinkState {
  const own: Settings = {
    "link.address": "02:00:5e:00:53:10",
    "type.mode": "bridge",
    "type.flags": "",
    "type.macaddr": "",
    "type.bcqueuelen": "1000",
  };
  return link(name, "macvlan", { parent: "eth0", ...more, settings: { ...own, ...settings } });
}

/** URN of a resource of ours in the stack fleet/dev. */
export function urn(resource: string, type = "MacvlanInterface"): string {
  return `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:${type}::${resource}`;
}

/** Inputs as the provider's check leaves them. */
export function inputsOf(resource: string, given: object): Record<string, unknown> {
  return {
    __derived: [],
    __owner: "fleet/dev",
    __resource: resource,
    host: { address: "node1" },
    name: resource,
    mode: "bridge",
    up: true,
    label: `${resource}@eth0`,
    parent: "eth0",
    macAddress: "02:00:5e:00:53:10",
    ...given,
  };
}

/** A step of `pulumi preview --json`. */
export function step(
  op: string,
  resource: string,
  { before, after, type = "MacvlanInterface" }: { before?: object; after?: object; type?: string },
): object {
  const state = (inputs: object): object => ({
    urn: urn(resource, type),
    type: `pulumi-nodejs:dynamic/macvlan:${type}`,
    inputs,
    outputs: inputs,
  });
  return {
    op,
    urn: urn(resource, type),
    ...(before === undefined ? {} : { oldState: state(before) }),
    ...(after === undefined ? {} : { newState: state(after) }),
    detailedDiff: null,
  };
}
