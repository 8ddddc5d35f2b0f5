/** Libraries that a plain import cannot reach from here. */
import { createRequire } from "node:module";
import type * as Ssh2 from "ssh2";

const load = createRequire(__filename);

/**
 * The ssh2 that node-ssh itself uses, as it would not recognise an agent or a parsed key of another copy. It is a
 * dependency of node-ssh and not of this package, so it is resolved from there.
 */
export const ssh2 = createRequire(load.resolve("node-ssh"))("ssh2") as typeof Ssh2;
