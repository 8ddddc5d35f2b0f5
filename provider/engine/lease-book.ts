/**
 * The lease book of a network: not a link on a host, but the record of which child has which address. It is a resource
 * because only the state holds what earlier runs leased. The leases are inputs that `check` adds, so that a preview
 * shows them.
 */
import type { dynamic } from "@pulumi/pulumi";
import { schemaIssues, visibleInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { type Leases, leaseAddresses, poolSchema } from "../leases/lease";
import { type Issue, issue } from "../model/error";
import { UNKNOWN, isUnknown } from "../model/unknown";
import { asFailures } from "./border";
import { digest } from "./inputs";
import { secretsOf } from "./secrets";

/**
 * The books of a run. One that the engine replaces is checked a second time, as if it were new: it keeps its leases.
 */
export function openLeaseBooks(): dynamic.ResourceProvider {
  const noted = new Map<string, Leases>();
  return {
    ...unchecked,
    check(olds: Json, news: Json) {
      const key = digest(givenOf(news));
      const leases = leasesIn(olds);
      if (leases) noted.set(key, leases);
      return Promise.resolve(check(leases ?? noted.get(key), news));
    },
  };
}

const unchecked: dynamic.ResourceProvider = {
  diff: (_id: string, olds: Json, news: Json) =>
    Promise.resolve({ changes: isUnknown(news["leases"]) || digest(ownOf(olds)) !== digest(ownOf(news)) }),
  create: (inputs: Json) => Promise.resolve({ id: "addresses", outs: inputs }),
  update: (_id: string, _olds: Json, news: Json) => Promise.resolve({ outs: news }),
  read: (id: string, props?: Json) =>
    Promise.resolve({ id, props: { ...props }, inputs: ownOf(props ?? {}) }),
  delete: () => Promise.resolve(),
};

function check(before: Leases | undefined, news: Json): dynamic.CheckResult {
  const given = givenOf(news);
  if (isUnknown(given)) return { inputs: { ...given, leases: UNKNOWN } };
  const failed = (issues: readonly Issue[]): dynamic.CheckResult => ({
    inputs: given,
    failures: asFailures(withoutSecrets(issues, secretsOf(news).marked)),
  });
  const parsed = poolSchema.safeParse(given);
  if (!parsed.success) return failed(schemaIssues(parsed.error));
  const { leases, problems } = leaseAddresses(parsed.data, before ?? {});
  return problems.length > 0 ? failed(problems) : { inputs: { ...given, leases } };
}

/** A reason names values of several arguments, and what follows from them: if one is a secret, none is shown. */
function withoutSecrets(issues: readonly Issue[], marked: readonly string[]): readonly Issue[] {
  if (marked.length === 0) return issues;
  const why = `the reason is not shown, because it would contain secret values (${marked.join(", ")})`;
  return issues.map(({ code, property }) => issue(code, "", `${property} is not possible; ${why}`));
}

/** What a book is asked for. */
function givenOf(news: Json): Json {
  return Object.fromEntries(
    Object.entries(ownOf(news)).filter(([key, value]) => key !== "leases" && value != null),
  );
}

function leasesIn({ leases }: Json): Leases | undefined {
  return isUnknown(leases) ? undefined : (leases as Leases | undefined);
}

/** Without the engine's own properties. */
function ownOf(props: Json): Record<string, unknown> {
  return { ...visibleInputs(props) };
}
