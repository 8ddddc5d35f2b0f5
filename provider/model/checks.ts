/** Checks that prove a link works: what they do, and what came of them. Pure data. */

/** What a check does; the property that says it has the target. */
export const PROBES = ["ping", "arp", "tcp", "http", "dns", "command"] as const;
export type Probe = (typeof PROBES)[number];

/** The target that stands for the link's own addresses, for checks that do not start at the link. */
export const OWN_ADDRESSES = "link";

/** Seconds within which a check must pass if the program says nothing. */
export const DEFAULT_WITHIN = 10;

/** Seconds for which a check is tried before a change, to see whether it failed then as well. */
export const BEFORE_SECONDS = 2;

/** Where a check starts on its host. */
export interface Start {
  /** The namespace; `""`: the host's own. */
  readonly netns: string;
  /** The link out of which it goes; `""`: by the routes of the namespace. */
  readonly link: string;
}

/** A check as it is run on one host. */
export interface HostCheck extends Start {
  /** Its path among the properties: `checks[0]`. */
  readonly path: string;
  /** For people, without anything secret: `ping 192.0.2.1`, `tcp 192.0.2.10:443 from node2`. */
  readonly label: string;
  /** The link that it is a check of: `web on root@node1:22`. */
  readonly of: string;
  readonly probe: Probe;
  /** `192.0.2.1`, `192.0.2.1:443`, `http://192.0.2.1/`, `name@192.0.2.53`, or the text of the command. */
  readonly target: string;
  /** Seconds. */
  readonly within: number;
  /** It blocks a change even if it failed before. */
  readonly required: boolean;
  /** Where it can be tried before the change; undefined if there was no such link, or it did not have the address. */
  readonly before?: Start;
  /** Neither its target nor its answer is shown. */
  readonly isSecret: boolean;
  /** What to look for if it fails. */
  readonly advice?: string;
}

/** What came of a check. */
export interface CheckOutcome {
  readonly check: HostCheck;
  readonly passed: boolean;
  readonly tries: number;
  /** Milliseconds that the successful try took; undefined if there was none, or it was not measured. */
  readonly ms?: number;
  /** The last answer, as the host printed it, cut off; like any text from a host it must be escaped before it is shown. */
  readonly answer: string;
  /** It failed before the change too. */
  readonly failedBefore: boolean;
}

/** Whether a change with this outcome is undone: what failed before as well is not blamed on the change. */
export function blocks({ passed, failedBefore, check }: CheckOutcome): boolean {
  return !passed && (check.required || !failedBefore);
}

/** The programs of a host by which checks can be run: `ping`, `arping`, `nc -z`, `busybox nslookup`. */
export type CheckPrograms = readonly string[];
