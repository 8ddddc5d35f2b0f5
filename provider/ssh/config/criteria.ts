import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import { matchesPatterns } from "./patterns";

/** What the criteria of a `Match` line are compared with. */
export interface MatchSubject {
  /** The name to connect to, as far as known. */
  readonly host: string;
  /** The name as given. */
  readonly originalHost: string;
  readonly user: string;
  readonly localUser: string;
  readonly tag: string;
  /** Whether the files are read for the second time. */
  readonly final: boolean;
}

/** Whether a `Match` line applies. */
export interface MatchOutcome {
  readonly matches: boolean;
  /** The line requires a second pass over the files. */
  readonly wantsFinal: boolean;
  /** A criterion that cannot be decided here although all others match, so that the line was ignored. */
  readonly undecided?: string;
}

/** Why a criterion is not decided. All others are unknown. */
const UNDECIDED: ReadonlyMap<string, string> = new Map([
  ["exec", "no program is run to decide it"],
  ["command", "the provider's own commands are run"],
  ["version", "this is not OpenSSH"],
]);

/**
 * The criteria of ssh_config(5), Match. `exec`, `command`, `version` and unknown criteria never match.
 *
 * @throws Error if a criterion has no value
 */
export function matchCriteria(words: readonly string[], subject: MatchSubject): MatchOutcome {
  let matches = true;
  let wantsFinal = false;
  let undecided: string | undefined;
  const rest = words.flatMap((word) => {
    const equals = /^!?[a-z]+=/i.exec(word)?.[0].length ?? 0;
    return equals === 0 ? [word] : [word.slice(0, equals - 1), word.slice(equals)];
  });
  while (rest.length > 0) {
    const word = rest.shift() ?? "";
    const negated = word.startsWith("!");
    const criterion = word.slice(negated ? 1 : 0).toLowerCase();
    let holds: boolean | undefined;
    if (criterion === "all") holds = true;
    else if (criterion === "canonical" || criterion === "final") {
      if (criterion === "final") wantsFinal = true;
      holds = subject.final;
    } else {
      const value = rest.shift();
      if (value === undefined) throw new Error(`Match ${word} has no value`);
      holds = decide(criterion, value, subject);
    }
    if (holds === undefined)
      undecided ??= UNDECIDED.get(criterion) ?? `the criterion ${criterion} is not known`;
    else if (holds === negated) matches = false;
  }
  return {
    matches: matches && undecided === undefined,
    wantsFinal,
    ...(matches && undecided !== undefined && { undecided }),
  };
}

function decide(criterion: string, value: string, subject: MatchSubject): boolean | undefined {
  const within = (text: string): boolean => matchesPatterns(value.split(","), text);
  switch (criterion) {
    case "host":
      return within(subject.host);
    case "originalhost":
      return within(subject.originalHost);
    case "user":
      return within(subject.user);
    case "localuser":
      return within(subject.localUser);
    case "tagged":
      return within(subject.tag);
    case "sessiontype":
      return within("exec");
    case "localnetwork":
      return hasLocalAddress(value.split(","));
    default:
      return undefined;
  }
}

/** Whether an interface of this machine that is up has an address in one of the networks. */
function hasLocalAddress(networks: readonly string[]): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return networks.some((network) => {
    if (!ipaddr.isValidCIDR(network)) throw new Error(`Match localnetwork: ${network} is not a network`);
    const [base, length] = ipaddr.parseCIDR(network);
    return addresses.some(({ address }) => {
      const own = ipaddr.parse(address.replace(/%.*/, ""));
      return own.kind() === base.kind() && own.match(base, length);
    });
  });
}
