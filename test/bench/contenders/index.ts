import type { Contender } from "./contender";
import { OPENSSH } from "./openssh";
import { PULUMI } from "./pulumi";
import { PYTHON } from "./python";

/** The order of the tables, and of the first run. */
const ORDER = [
  ...["macvlan", "macvlan-32", "hostlinks", "native", "yaml", "engine", "engine-hosts"],
  ...["ssh", "ssh-default", "ssh-master"],
  ...["pyinfra-joined", "pyinfra", "command", "ansible-batched", "obvious", "ansible"],
];

export const CONTENDERS: readonly Contender[] = [...PULUMI, ...OPENSSH, ...PYTHON].sort(
  (one, other) => ORDER.indexOf(one.id) - ORDER.indexOf(other.id),
);
