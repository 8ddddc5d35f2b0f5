import { bond } from "./bond";
import { bridge } from "./bridge";
import { ipvlan } from "./ipvlan";
import type { CommonInputs, Kind } from "./kind";
import { macvlan } from "./macvlan";
import { macvtap } from "./macvtap";
import { shim } from "./shim";
import { vlan } from "./vlan";

/** A kind as the engine's side sees it: what its inputs are, its own schema has checked. */
export type AnyKind = Kind<CommonInputs>;

/** All kinds of links, by the name of their resource class. A new kind is one file and one line here. */
export const KINDS: Readonly<Record<string, AnyKind>> = Object.fromEntries(
  [bond, bridge, ipvlan, macvlan, macvtap, shim, vlan].map((kind) => [kind.type, kind as unknown as AnyKind]),
);
