/** `pulumi import` and the option `import`: takes over a link of a host by its ID, `HOST/LINK` or `HOST/NETNS/LINK`. */
import { asHostLinks, describeAs, describeHost } from "../cli/adopt/describe";
import type { ProviderContext } from "../engine/context";
import { hostLinks } from "../engine/host-links";
import { clean, outputsOf, resourceId, resourceOutputs } from "../engine/outputs";
import { knownInputs, planContextOf } from "../engine/planning";
import type { AnyKind } from "../kinds";
import { checkInputs } from "../kinds/check-inputs";
import type { Json } from "../kinds/kind";
import { describeForeign } from "../kinds/ownership";
import { MacvlanError } from "../model/error";
import { findLink, recordOf } from "../model/host";
import { isOwn } from "../model/owner";
import { hostSchema } from "../ssh/address";

/** An imported resource. Its inputs are as a program would give them, with the hidden ones. */
export interface Imported {
  readonly id: string;
  readonly inputs: Json;
  readonly state: Json;
}

/**
 * Reads a link for its import. Nothing is written to the host: the first change of the link does that.
 *
 * @param id `node1/web`, `ops@node1.example:2222/blue/web`
 * @param given inputs that the program states, if it is one that imports
 * @param hidden the inputs that name the stack and the resource
 * @returns undefined if the host has no such link
 * @throws MacvlanError that says what is wrong with the ID, or why the link cannot be imported
 */
export async function importLink(
  context: ProviderContext,
  kind: AnyKind,
  id: string,
  given: Json,
  hidden: Json,
): Promise<Imported | undefined> {
  const { host: hostText, netns, name } = parseId(id);
  const host = hostSchema.safeParse(given["host"] ?? hostText);
  if (!host.success) throw wrongId(id, host.error.issues[0]?.message ?? "");
  const now = await context.fleet.managedHost(host.data).observe();
  const link = findLink(now.state, { name, netns });
  if (!link) return undefined;
  const refuse = (reason: string): MacvlanError =>
    new MacvlanError("cannot-adopt", `${id} cannot be imported as ${kind.type}: ${reason}`);
  if (link.kind !== kind.link.word)
    throw refuse(`it is a link of the kind ${link.kind === "" ? "physical" : link.kind}`);
  if (link.isOutOfReach === true) throw refuse("it is in a namespace without a name");
  const record = recordOf(now.state, link);
  const inputs = { ...hidden, host: host.data, name };
  const planContext = planContextOf(context, inputs, knownInputs(inputs, []), now, undefined);
  const isOurs = record !== undefined && isOwn(record, planContext);
  if (record && !isOurs) throw refuse(describeForeign(name, record, planContext));
  const described = describeAs(kind, hostText, link, now, true, hidden);
  if (typeof described === "string") throw refuse(described);
  // the link of another host form, such as an object with a jump, is written as the program has it
  const { adopt, ...args } = described.args;
  const program = {
    host: given["host"] ?? hostText,
    ...args,
    ...(record?.made === true ? {} : { adopt }),
  };
  const checked = checkInputs(kind, { ...program, ...hidden }, undefined);
  const making = isOurs && record.making !== undefined ? { __making: record.making } : {};
  const known = knownInputs(checked.inputs, []);
  return {
    id: resourceId(checked.inputs),
    inputs: clean({ ...program, ...hidden, ...(isOurs ? {} : { __imported: true }) }),
    state: clean(outputsOf(kind, { ...checked.inputs, ...making }, known, now)),
  };
}

/**
 * Reads all links of a host that `adopt --as host` would take, for their import as one `HostLinks`. Its ID is the host.
 *
 * @throws MacvlanError if there is none
 */
export async function importHost(
  context: ProviderContext,
  id: string,
  given: Json,
  hidden: Json,
): Promise<Imported> {
  const host = hostSchema.safeParse(given["host"] ?? id);
  if (!host.success) throw wrongId(id, host.error.issues[0]?.message ?? "");
  const now = await context.fleet.managedHost(host.data).observe();
  const { resources } = describeHost(id, now, { all: false, names: new Set(), prefix: "" });
  if (resources.length === 0)
    throw new MacvlanError("cannot-adopt", `${id} cannot be imported as HostLinks: it has no link to adopt`);
  const links = Object.fromEntries(asHostLinks(resources).map(({ key, properties }) => [key, properties]));
  const program = { host: given["host"] ?? id, adopt: true, links };
  const { inputs } = hostLinks.check({ ...program, ...hidden }, undefined);
  const observed = hostLinks.members(inputs).map((member) => {
    const known = knownInputs(member.props, []);
    return { ...member, props: outputsOf(member.kind, member.props, known, now) };
  });
  return {
    id: resourceId(inputs),
    inputs: clean({ ...program, ...hidden, __imported: true }),
    state: clean(resourceOutputs(hostLinks, inputs, observed)),
  };
}

function parseId(id: string): { readonly host: string; readonly netns: string; readonly name: string } {
  const parts = id.split("/");
  const [host = "", name = ""] = [parts[0], parts.at(-1)];
  if (parts.length < 2 || parts.length > 3 || parts.includes("")) throw wrongId(id);
  return { host, name, netns: parts.length === 3 ? (parts[1] ?? "") : "" };
}

function wrongId(id: string, reason = "it must be HOST/LINK or HOST/NETNS/LINK"): MacvlanError {
  return new MacvlanError("invalid-input", `the ID ${JSON.stringify(id)} is not that of a link: ${reason}`);
}
