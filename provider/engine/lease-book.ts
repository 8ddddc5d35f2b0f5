/**
 * The lease book of a network: not a link on a host, but the record of which child has which address. It is a resource
 * because only the state holds what earlier runs leased. The leases are inputs that `check` adds, so that a preview
 * shows them.
 */
import type { dynamic } from "@pulumi/pulumi";
import { visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { type Leases, leaseAddresses, poolSchema } from "../leases/lease";
import { pathOf } from "../model/property-path";
import { UNKNOWN, isUnknown } from "../model/unknown";
import { digest } from "./inputs";

export const leaseBook: dynamic.ResourceProvider = {
  check: (olds: Json, news: Json) => Promise.resolve(check(olds, news)),
  diff: (_id: string, olds: Json, news: Json) =>
    Promise.resolve({ changes: isUnknown(news["leases"]) || digest(ownOf(olds)) !== digest(ownOf(news)) }),
  create: (inputs: Json) => Promise.resolve({ id: "addresses", outs: inputs }),
  update: (_id: string, _olds: Json, news: Json) => Promise.resolve({ outs: news }),
  read: (id: string, props?: Json) =>
    Promise.resolve({ id, props: { ...props }, inputs: ownOf(props ?? {}) }),
  delete: () => Promise.resolve(),
};

function check(olds: Json, news: Json): dynamic.CheckResult {
  const given = Object.fromEntries(
    Object.entries(ownOf(news)).filter(([key, value]) => key !== "leases" && value != null),
  );
  if (isUnknown(given)) return { inputs: { ...given, leases: UNKNOWN } };
  const parsed = poolSchema.safeParse(given);
  if (!parsed.success) {
    const failures = parsed.error.issues.map((issue) => ({
      property: pathOf(issue.path),
      reason: issue.message,
    }));
    return { inputs: given, failures };
  }
  const before = isUnknown(olds["leases"]) ? {} : (olds["leases"] as Leases | undefined);
  const { leases, problems } = leaseAddresses(parsed.data, before ?? {});
  if (problems.length > 0) return { inputs: given, failures: [...problems] };
  return { inputs: { ...given, leases } };
}

/** Without the engine's own properties. */
function ownOf(props: Json): Record<string, unknown> {
  return { ...visibleInputs(props) };
}
