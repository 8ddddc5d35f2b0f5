import { inventories, stackFiles } from "./files";
import { inputs, linksOfHost } from "./inputs";
import { iproute2 } from "./iproute2";
import { certificates, knownHosts, messages, sshConfig } from "./ssh";
import { bridgeVlans } from "./vlans";
import type { FuzzTarget } from "./target";

/** All that `npm run fuzz` and the unit tests run. A new one is a line here and a file beside `iproute2.ts`. */
export const TARGETS: readonly FuzzTarget[] = [
  iproute2(),
  bridgeVlans(),
  sshConfig(),
  knownHosts(),
  certificates(),
  messages(),
  inputs(),
  linksOfHost(),
  inventories(),
  stackFiles(),
];
