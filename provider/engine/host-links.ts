/**
 * `HostLinks`: all links of a host as one resource. Its inputs are a map from keys to links, each with its kind and the
 * properties that a resource of that kind has; from there on each is a member like any other. Pure.
 *
 * The state has, beside `host` and `links`, what it has of a single link in the hidden properties `__derived`, `__managed`,
 * `__making` and `__secretNames`, by key.
 */
import { type AnyKind, KINDS_BY_WORD } from "../kinds";
import { checkInputs, isHidden, schemaIssues, visibleInputs } from "../kinds/check-inputs";
import { inDependencyOrder } from "../kinds/dependencies";
import type { Json } from "../kinds/kind";
import { type Issue, issue, uniqueIssues } from "../model/error";
import { keptPer } from "../model/lists";
import { didYouMean, nearestWord } from "../model/nearest";
import { forLog } from "../model/outside-text";
import { parsePath, pathOf } from "../model/property-path";
import { UNKNOWN, isUnknown } from "../model/unknown";
import { hostSchema } from "../ssh/address";
import { type Member, type ResourceType, type CheckedResource, matchMembers } from "./resource-type";

/** Properties that may stand beside `links`, for all that have none of their own. */
export const SHARED = [
  ...["mtu", "up", "txQueueLength", "persist", "adopt", "duplicateAddressDetection", "checks"],
  "expectCarrier",
] as const;

const PROPERTIES: readonly string[] = ["host", "links", ...SHARED];

/** Hidden properties of each link, which the resource has by key. */
const BY_KEY = ["__derived", "__managed", "__making", "__secretNames"] as const;

/** Hidden properties that all of its links have. */
const COMMON = ["__owner", "__stack", "__resource", "__preview", "__imported"] as const;

export const hostLinks: ResourceType = {
  type: "HostLinks",
  check,
  statedAt,
  // asked for several times in each operation
  members: keptPer(members),
  join,
  isPending: ({ links }, key) => links === UNKNOWN || isPending(ownOf(objectOf(links), key)),
  replaces: () => [],
};

function members(props: Json): readonly Member[] {
  const links = objectOf(props["links"]);
  const all = Object.keys(links).flatMap((key): Member[] => {
    const { kind: word, ...own } = objectOf(links[key]);
    const kind = kindOf(word);
    if (!kind) return [];
    const hidden = Object.fromEntries(
      [
        ...COMMON.map((name) => [name, props[name]] as const),
        ...BY_KEY.map((name) => [name, ownOf(objectOf(props[name]), key)] as const),
        ["__ignored", ignoredOf(props["__ignored"], key)] as const,
      ].filter(([, value]) => value !== undefined),
    );
    return [
      { key, path: `${pathOf(["links", key])}.`, kind, props: { ...own, host: props["host"], ...hidden } },
    ];
  });
  return ordered(all).order;
}

function ordered(all: readonly Member[]): ReturnType<typeof inDependencyOrder<Member>> {
  return inDependencyOrder(all, ({ props }) => {
    const list = (value: unknown): Json[] =>
      Array.isArray(value) ? value.filter((v): v is Json => typeof v === "object" && v !== null) : [];
    const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
    const texts = (value: unknown): string[] =>
      Array.isArray(value) ? value.flatMap((v: unknown) => text(v) ?? []) : [];
    return {
      name: text(props["name"]) ?? "",
      netns: text(props["netns"]),
      parent: text(props["parent"]),
      ports: list(props["ports"]).map((port) => ({ name: String(port["name"]) })),
      addresses: texts(props["addresses"]),
      routes: list(props["routes"]).map((route) => ({ source: text(route["source"]) })),
    };
  });
}

function join(base: Json, all: readonly Member[]): Json {
  const hidden = Object.entries(base).filter(
    ([key]) => isHidden(key) && !BY_KEY.some((name) => name === key),
  );
  const byKey = BY_KEY.map((name) => [
    name,
    Object.fromEntries(
      all.flatMap(({ key, props }) => (props[name] === undefined ? [] : [[key, props[name]]])),
    ),
  ]);
  const links = all.map(({ key, kind, props }) => {
    const { host: _, ...own } = visibleInputs(props);
    return [key, { kind: wordOf(kind), ...own }];
  });
  return {
    host: base["host"],
    links: Object.fromEntries(links) as Json,
    ...Object.fromEntries(hidden),
    ...(Object.fromEntries(byKey.filter(([, values]) => Object.keys(values as object).length > 0)) as Json),
  };
}

function check(given: Json, before: Json | undefined): CheckedResource {
  const issues: Issue[] = Object.keys(given)
    .filter((key) => !isHidden(key) && key !== "drift" && given[key] != null)
    .filter((key) => !PROPERTIES.includes(key))
    .map((property) => {
      const hint = didYouMean(property, PROPERTIES, `its properties are ${PROPERTIES.join(", ")}`);
      return invalid(property, `is not a property of HostLinks; ${hint}`);
    });
  const marked = Array.isArray(given["__secrets"]) ? given["__secrets"].map(String) : [];
  for (const name of SHARED.filter((one) => marked.includes(one))) {
    // the engine hides a value where the program has it, and not in each link; the path would lead it to the value
    const reason = `${name} cannot be a secret beside links; give it to each link that is to have it`;
    issues.push(issue("invalid-input", "", reason));
  }
  issues.push(...besideInOptions(given));
  const host = checkHost(given["host"], issues);
  const { links } = given;
  if (links == null) issues.push(invalid("links", "is required"));
  else if (links !== UNKNOWN && !isObject(links)) {
    issues.push(invalid("links", "must be an object with a link under each key"));
  }
  const givenLinks = Object.entries(objectOf(links));
  const asGiven = new Map(
    givenLinks.flatMap(([key, link]): [string, Member][] => {
      const { kind: word, ...own } = objectOf(link);
      const kind = kindOf(word);
      return kind ? [[key, { key, path: "", kind, props: { ...own, name: own["name"] ?? key } }]] : [];
    }),
  );
  const { previousOf } = matchMembers(before === undefined ? [] : members(before), [...asGiven.values()]);
  const checked = givenLinks.flatMap(([key, link]): (Member | { key: string; unknown: true })[] => {
    if (link == null) return [];
    if (isPending(link)) return [{ key, unknown: true }];
    const path = pathOf(["links", key]);
    const one = isObject(link) ? asGiven.get(key) : undefined;
    if (!isObject(link) || !one) {
      issues.push(
        isObject(link)
          ? invalid(`${path}.kind`, whyNoKind(link["kind"]))
          : invalid(path, "must be an object with the properties of a link"),
      );
      return [];
    }
    const result = checkLink(given, host, one, link, previousOf(one));
    issues.push(...result.issues);
    return [result.member];
  });
  const known = checked.filter((one): one is Member => "kind" in one);
  const { order, circular } = ordered(known);
  if (circular && issues.length === 0) {
    issues.push(invalid(circular.path.slice(0, -1), "is on a link that is on it: none of them can be first"));
  }
  const hidden = Object.fromEntries(
    ["__resource", "__ignored", "__replaceOnChanges"]
      .map((key) => [key, given[key]] as const)
      .concat(["__owner", "__stack"].map((key) => [key, before?.[key] ?? given[key]] as const))
      .filter(([, value]) => value !== undefined),
  );
  const joined = join({ host, ...hidden }, order);
  const unknown = checked.flatMap((one) => ("unknown" in one ? [[one.key, UNKNOWN] as const] : []));
  const inputs =
    links === UNKNOWN
      ? { ...joined, links: UNKNOWN }
      : unknown.length === 0
        ? joined
        : { ...joined, links: { ...objectOf(joined["links"]), ...Object.fromEntries(unknown) } };
  return {
    inputs,
    issues: uniqueIssues(issues.map((one) => ({ ...one, property: statedAt(given, one.property) }))),
  };
}

/**
 * Options that name what stands beside `links`. The state has it in each link, so that the engine would find no value of the
 * last run for `ignoreChanges`, and drop the program's.
 */
function besideInOptions(given: Json): Issue[] {
  return (["__ignored", "__replaceOnChanges"] as const).flatMap((option) => {
    const paths = Array.isArray(given[option]) ? given[option].map(String) : [];
    return paths.flatMap((path) => {
      const [first, ...rest] = parsePath(path) ?? [];
      if (!SHARED.some((name) => name === first)) return [];
      const there = `links[*].${String(first)}${pathOf(["", ...rest])}`;
      const word = option === "__ignored" ? "ignoreChanges" : "replaceOnChanges";
      const reason = `${word} names ${path}, which stands beside links and is handed on to them; name it in the links: ${there}`;
      return [issue("invalid-input", "", forLog(reason))];
    });
  });
}

/** All links have the host's property and those beside `links`, which a program gives once. */
function statedAt(given: Json, property: string): string {
  const [first, key, name, ...rest] = parsePath(property) ?? [];
  if (first !== "links" || key === undefined || name === undefined) return property;
  const own = objectOf(ownOf(objectOf(given["links"]), String(key)));
  const isBeside = name === "host" || SHARED.some((one) => one === name && given[one] != null);
  return isBeside && own[String(name)] == null ? pathOf([name, ...rest]) : property;
}

/** The paths have keys in them, and a program may have got these from anywhere. */
function invalid(property: string, reason: string): Issue {
  return issue("invalid-input", forLog(property), reason);
}

/** The canonical host; as it was given if it is none, or not known yet. */
function checkHost(given: unknown, issues: Issue[]): unknown {
  if (given == null) issues.push(invalid("host", "is required"));
  if (given == null || isUnknown(given)) return given;
  const parsed = hostSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  issues.push(...schemaIssues(parsed.error, "host"));
  return given;
}

/**
 * What a link's own kind makes of its entry, with what stands beside `links`.
 *
 * @param before the link of the last run that it is
 */
function checkLink(
  given: Json,
  host: unknown,
  { key, kind }: Member,
  link: Json,
  before: Json | undefined,
): { readonly member: Member; readonly issues: readonly Issue[] } {
  const { kind: _, host: elsewhere, ...own } = link;
  const handedOn = SHARED.filter((name) => given[name] != null && own[name] == null && name in kind.schema);
  const hidden = Object.entries(given).filter(([name]) => isHidden(name) && !BY_KEY.some((n) => n === name));
  const props = {
    ...Object.fromEntries(handedOn.map((name) => [name, given[name]])),
    ...own,
    name: own["name"] ?? key,
    host,
    ...Object.fromEntries(hidden),
    __secrets: secretsWithin(given["__secrets"], key, handedOn),
  };
  const checked = checkInputs(kind, props, before);
  const path = `${pathOf(["links", key])}.`;
  const misplaced =
    elsewhere == null
      ? []
      : [invalid(`${path}host`, "is not a property of a link of HostLinks: it stands beside links")];
  const issues = checked.issues.map((one) =>
    one.property === "name" && own["name"] == null
      ? { ...one, property: pathOf(["links", key]), reason: whyNotName(one.reason) }
      : { ...one, property: path + one.property },
  );
  return { member: { key, path, kind, props: checked.inputs }, issues: [...misplaced, ...issues] };
}

/** The key is the name of a link that has no other one. */
function whyNotName(reason: string): string {
  return `is the link's name by its key, and ${reason}; give a name with the property name`;
}

/** The properties of a link that the program marked as secret, itself or beside `links`. */
function secretsWithin(marked: unknown, key: string, handedOn: readonly string[]): string[] {
  if (!Array.isArray(marked)) return [];
  return marked.flatMap((path: unknown): string[] => {
    const [first, second, third] = parsePath(String(path)) ?? [];
    if (first !== "links") return handedOn.filter((name) => name === first);
    return second === key && third !== undefined ? [String(third)] : [];
  });
}

/** Of the paths that the program ignores, those within a link, as the link itself has them. */
function ignoredOf(ignored: unknown, key: string): string[] | undefined {
  if (!Array.isArray(ignored)) return undefined;
  return ignored.flatMap((path: unknown) => {
    const [first, second, ...rest] = parsePath(String(path)) ?? [];
    const isMeant =
      first === "*" || (first === "links" && [undefined, "*", key].includes(second as string | undefined));
    if (!isMeant) return [];
    return [rest.length === 0 ? "*" : pathOf(rest)];
  });
}

/** Whether it is not known yet what kind of link there is to be, if any. */
function isPending(link: unknown): boolean {
  return link === UNKNOWN || (isObject(link) && isUnknown(link["kind"]));
}

function kindOf(word: unknown): AnyKind | undefined {
  return typeof word === "string" && Object.hasOwn(KINDS_BY_WORD, word) ? KINDS_BY_WORD[word] : undefined;
}

/** @param given what stands in the place of a kind's word, maybe the name of its resource class */
function whyNoKind(given: unknown): string {
  const words = Object.keys(KINDS_BY_WORD);
  const must = `must be one of ${words.map((word) => `"${word}"`).join(", ")}`;
  if (typeof given !== "string") return must;
  const meant = Object.entries(KINDS_BY_WORD).find(([, { type }]) => type === given)?.[0];
  const near = meant ?? nearestWord(given, words);
  return near === undefined ? must : `${must}; did you mean "${near}"?`;
}

function wordOf(kind: AnyKind): string {
  return Object.entries(KINDS_BY_WORD).find(([, one]) => one === kind)?.[0] ?? "";
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is under a key; a link can be called `constructor`, which every object has. */
function ownOf(values: Json, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}
