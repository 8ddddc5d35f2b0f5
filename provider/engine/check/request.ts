/** What a check is asked for: the inputs, made canonical and validated as far as that needs no host. */
import { visibleInputs } from "../../kinds/check-inputs";
import { type CommonInputs, type Json, linkId, resourceName } from "../../kinds/kind";
import { type Issue, issue } from "../../model/error";
import { isUnknown } from "../../model/unknown";
import type { HostAddress } from "../../ssh/address";
import type { ProviderContext } from "../context";
import { sameHost } from "../inputs";
import { knownInputs } from "../planning";
import {
  type CheckedResource,
  type Member,
  type ResourceType,
  claimPath,
  matchMembers,
  placeOf,
} from "../resource-type";
import type { RunLinks } from "../run-links";
import { type InputSecrets, withNamingIssues } from "../secrets";

/** The validated request, as far as it can be judged without the host. */
export interface Request {
  /** `MacvlanInterface "web"` */
  readonly resource: string;
  readonly isPreview: boolean;
  /** Canonical. */
  readonly inputs: Json;
  readonly issues: readonly Issue[];
  /** The inputs of the last run. */
  readonly previous?: Json;
  /** Present if enough is valid and known to plan on the host. */
  readonly host?: HostAddress;
  /** The desired links, as far as enough of them is known. */
  readonly targets: readonly Target[];
  /** Links of the last run on this host that are not desired any more. */
  readonly leaving: readonly Member[];
}

/** A desired link. */
interface Target {
  readonly member: Member;
  readonly known: CommonInputs;
  /** Properties that are not known yet. */
  readonly unknown: readonly string[];
  /** The inputs of the last run, if the link was on the same host then. */
  readonly previous?: Json;
}

/** Checks and completes the inputs. Reads the run and changes nothing. */
export function validate(
  type: ResourceType,
  olds: Json,
  news: Json,
  links: RunLinks,
  secrets: InputSecrets,
): Request {
  const previous = Object.keys(olds).length === 0 ? {} : { previous: olds };
  const { inputs, issues: own } = checkAgain(type, news, previous.previous, links);
  const issues = withNamingIssues(own, secrets);
  const request: Request = {
    resource: resourceName(type.type, String(news["__resource"])),
    isPreview: news["__preview"] === true,
    inputs,
    issues,
    ...previous,
    targets: [],
    leaving: [],
  };
  if (issues.length > 0) return request;
  const members = type.members(inputs);
  const host = inputs["host"];
  const stays =
    previous.previous !== undefined && !isUnknown(host) && sameHost(previous.previous["host"], host);
  const { previousOf, leaving } = matchMembers(stays ? type.members(previous.previous) : [], members);
  const targets = members.flatMap((member): Target[] => {
    const { kind, props } = member;
    const unknown = Object.keys(visibleInputs(props)).filter((key) => isUnknown(props[key]));
    if (kind.identifying.some((property) => unknown.includes(property))) return [];
    const before = previousOf(member);
    return [{ member, known: knownInputs(props, unknown), unknown, ...(before ? { previous: before } : {}) }];
  });
  const gone = leaving.filter(({ key }) => !type.isPending(inputs, key));
  if (targets.length + gone.length === 0) return request;
  return { ...request, host: host as HostAddress, targets, leaving: gone };
}

/**
 * Of a resource that is to be replaced the engine asks for a second check, as if it were new. Whose its links are, and the
 * MAC addresses that were derived for them, stay as they are.
 */
function checkAgain(
  type: ResourceType,
  news: Json,
  previous: Json | undefined,
  links: RunLinks,
): CheckedResource {
  const checked = type.check(news, previous);
  const { inputs, issues } = checked;
  if (previous || issues.length > 0 || isUnknown(inputs["host"])) return checked;
  const noted = type.members(inputs).flatMap((member): Member[] => {
    const place = placeOf(member.props);
    const props = place && links.previousOf(inputs["host"] as HostAddress, place);
    return props ? [{ ...member, props }] : [];
  });
  const [first] = noted;
  return first ? type.check(news, type.join(first.props, noted)) : checked;
}

/**
 * Declares the links before the host is waited for. Of two resources with the same link the second then fails, and other
 * resources can rely on the first.
 */
export function declare({ links }: ProviderContext, request: Request): Request {
  const issues = request.targets.flatMap(({ member: { path }, known, unknown, previous }): Issue[] => {
    if (previous) links.notePrevious(known.host, linkId(known), previous);
    if (known.force === true) {
      // the deletion of a replaced link only knows the state
      for (const link of [known, ...(previous ? [knownInputs(previous, [])] : [])])
        links.markForced(link.host, linkId(link));
    }
    const other = links.declare(known, request.resource + claimPath(path), unknown);
    if (other === undefined) return [];
    const reason = `${other} of this stack already has this link on this host`;
    return [issue("program-conflict", `${path}name`, reason)];
  });
  if (issues.length === 0) return request;
  const { host: _, ...rest } = request;
  return { ...rest, issues, targets: [], leaving: [] };
}
