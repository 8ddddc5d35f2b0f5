/** What to do about the state of a host that cannot be reached, and may never be again. Pure. */
import type { ErrorCode } from "../model/error";
import { SshError } from "../ssh/error";

/** No host has answered at all. */
const NO_ANSWER: readonly ErrorCode[] = ["host-unreachable", "connection-refused", "connection-timeout"];

const WAY_OUT =
  'If the host is gone for good, "pulumi state delete URN" makes Pulumi forget this resource ("pulumi stack --show-urns" lists ' +
  'the URNs), and "--exclude URN" leaves it out of one run. With retainOnDelete: true, deleting it does not need the host.';

/** The error of an operation on a resource that the state has, with the way out if the host has not answered. */
export function withWayOut(error: unknown): unknown {
  if (!(error instanceof SshError) || !NO_ANSWER.includes(error.code)) return error;
  // others of the host fail with the same error, some of them without a state
  return new SshError(error.kind, error.host ?? "", `${error.text} ${WAY_OUT}`, { cause: error.cause });
}
