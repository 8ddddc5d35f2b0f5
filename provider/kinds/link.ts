/** The properties that links of every kind have, and what is derived from them. */
import { hostSchema } from "../ssh/address";
import { number } from "./bindings";
import { checks } from "./checks";
import { type InputsOf, properties } from "./property";
import * as p from "./schemas";

export const LINK_PROPERTIES = properties({
  host: { schema: hostSchema, required: true, identifying: true },
  name: { schema: p.linkName, identifying: true },
  mtu: { schema: p.whole(68, 65_535, "bytes"), setting: "link.mtu", form: number },
  macAddress: { schema: p.macAddress, setting: "link.address" },
  addresses: { schema: p.addresses },
  up: { schema: p.flag, default: true },
  alias: { schema: p.alias, setting: "link.alias", kernelDefault: "" },
  txQueueLength: {
    schema: p.whole(0, 4_294_967_295, "packets"),
    setting: "link.txqueuelen",
    form: number,
    // include/linux/netdevice.h, DEFAULT_TX_QUEUE_LEN
    kernelDefault: "1000",
  },
  persist: { schema: p.flag },
  adopt: { schema: p.flag },
  force: { schema: p.flag },
  duplicateAddressDetection: { schema: p.oneOf("off", "warn", "error") },
  checks: { schema: checks },
  expectCarrier: { schema: p.flag },
});

/** The canonical inputs that all kinds have in common. */
export type CommonInputs = InputsOf<typeof LINK_PROPERTIES> & {
  /** The resource's name, if none was given. */
  readonly name: string;
  readonly netns?: string;
  readonly maxMacs?: number;
};
