/** What all kinds of links have in common: identity, ownership, adoption, and what would stand in the way. Pure. */
import { bootName, whyNotBootName } from "../model/boot-names";
import type { Observation } from "../model/observation";
import { foreignOwnerOf } from "../plan/boot";
import {
  type LinkId,
  type LinkRecord,
  type LinkState,
  type Desired,
  type DesiredLink,
  findLink,
  recordOf,
  sameLink,
} from "../model/host";
import { type Binding, readBindings } from "./bindings";
import type { CommonInputs, Issue, Json, PlanContext } from "./kind";

export function linkId(inputs: Pick<CommonInputs, "name" | "netns">): LinkId {
  return { name: inputs.name, netns: inputs.netns ?? "" };
}

/** The link's former place, where it had another one. */
export function previousPlace(inputs: CommonInputs, context: PlanContext): Pick<DesiredLink, "previous"> {
  return context.previous && !sameLink(context.previous, linkId(inputs))
    ? { previous: context.previous }
    : {};
}

/** The record that this stack has of the resource's link, at its present or its former place. */
export function ownRecord(inputs: CommonInputs, context: PlanContext): LinkRecord | undefined {
  const { state } = context.observation;
  const places = [linkId(inputs), ...(context.previous ? [context.previous] : [])];
  for (const id of places) {
    const record = recordOf(state, id);
    if (record?.owner === context.owner) return record;
  }
  return undefined;
}

/** Whether the resource takes over a link of somebody else's, now or earlier. */
export function adopts(inputs: CommonInputs, context: PlanContext): boolean {
  const record = ownRecord(inputs, context);
  return record ? !record.made : inputs.adopt === true;
}

/** What the host is to remember: whose the link is, and what to take back on deletion. */
export function recordFor(
  inputs: CommonInputs,
  context: PlanContext,
  links: readonly DesiredLink[],
): NonNullable<Desired["record"]> {
  const kept = ownRecord(inputs, context)?.restore ?? [];
  const adopted = adopts(inputs, context);
  const touched = links.filter((l) => l.exists && (l.kind === undefined || adopted));
  const restore = touched.flatMap((link) => restorePoint(link, kept, context) ?? []);
  return {
    ...linkId(inputs),
    owner: context.owner,
    resource: context.resource,
    made: !adopted,
    restore,
  };
}

/**
 * How a link was before this resource touched it, as far as the resource manages it: what an earlier record says,
 * and for what is managed only since now, what the host has now.
 */
function restorePoint(
  link: DesiredLink,
  kept: readonly DesiredLink[],
  context: PlanContext,
): DesiredLink | undefined {
  const now = findLink(context.observation.state, link);
  const before = kept.find((k) => sameLink(k, link));
  if (!now) return before;
  const master = now.settings["link.master"] ?? "";
  const joins = link.settings.some((s) => s.key === "link.master" && s.value !== master);
  const settings = link.settings
    // what a port has is gone when it leaves its bridge: nothing to take back but its leaving
    .filter((s) => !(joins && s.key.startsWith("port.")))
    .map((s) => ({ key: s.key, value: now.settings[s.key] ?? "", property: s.key }));
  const added = settings.filter((s) => !before?.settings.some((b) => b.key === s.key));
  const leaves = before?.settings.some((s) => s.key === "link.master" && s.value === "") === true;
  const up = before?.up ?? (link.up === undefined ? undefined : now.up);
  const addresses = before?.addresses ?? (link.addresses && now.addresses);
  const routes = before?.routes ?? (link.routes && now.routes);
  return {
    name: link.name,
    netns: link.netns,
    exists: true,
    settings: [...(before?.settings ?? []), ...added.filter((s) => !(leaves && s.key.startsWith("port.")))],
    ...(up === undefined ? {} : { up }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(routes === undefined ? {} : { routes }),
  };
}

/** What deleting the resource wants of its host: nothing of what it made, and everything else as it was. */
export function desiredRemoval(inputs: CommonInputs, context: PlanContext): Desired {
  const record = ownRecord(inputs, context);
  const nothing: Desired = { links: [], netns: "", owner: context.owner };
  // without its record a link of that name is somebody else's: it stays
  if (!record) return nothing;
  const there = record.restore.filter((l) => findLink(context.observation.state, l));
  const self: DesiredLink = { ...linkId(record), exists: false, settings: [] };
  const own = record.made ? [self] : [];
  return { ...nothing, links: [...there, ...own], forgets: [linkId(record)] };
}

export function commonRules(inputs: Partial<CommonInputs>): Issue[] {
  const { mtu, addresses } = inputs;
  // RFC 8200, 5: IPv6 is switched off on a link below that
  const six = addresses?.findIndex((a) => a.includes(":")) ?? -1;
  return mtu !== undefined && mtu < 1280 && six >= 0
    ? [
        {
          property: `addresses[${six}]`,
          reason: `needs an MTU of 1280 at least, and mtu is ${mtu} (RFC 8200)`,
        },
      ]
    : [];
}

/** What a kind needs of the host. */
export interface LinkNeeds {
  /** iproute2's word for the kind. */
  readonly kind: string;
  /** What iproute2 is needed for; undefined where the kind gets along without a recent one. */
  readonly iproute2?: string;
}

/** What stands in the way of every kind: privilege, tools, the kernel, and whose the name is. */
export function linkProblems(inputs: CommonInputs, context: PlanContext, needs: LinkNeeds): Issue[] {
  const { facts, state } = context.observation;
  if (!facts.root) {
    return [
      {
        property: "host",
        reason:
          "changing links needs root, and the login is an ordinary user; set become to sudo or doas, or log in as root",
      },
    ];
  }
  if (facts.iproute2 === undefined && needs.iproute2 !== undefined) {
    const has = facts.ipVersionText === "" ? "has no ip command" : `has "${facts.ipVersionText}"`;
    return [
      {
        property: "host",
        reason: `the host ${has}; install iproute2 4.17 or newer, which ${needs.iproute2} and prints JSON`,
      },
    ];
  }
  const kernel = kernelProblems(context, needs.kind);
  if (kernel.length > 0) return kernel;
  const current = findLink(state, linkId(inputs));
  return [
    ...(current ? nameProblems(inputs, context, current, needs) : absentProblems(inputs, context)),
    ...(inputs.persist === true ? persistProblems(inputs, context) : []),
  ];
}

/** The kernel's module for each kind, by iproute2's word for it, and what people call its links. */
const MODULES: Readonly<Record<string, readonly [module: string, links: string]>> = {
  macvlan: ["macvlan", "macvlans"],
  macvtap: ["macvtap", "macvtaps"],
  ipvlan: ["ipvlan", "ipvlans"],
  bridge: ["bridge", "bridges"],
  vlan: ["8021q", "VLANs"],
  bond: ["bonding", "bonds"],
};

/** That the host's kernel cannot make links of a kind at all: it is known to lack the module, and there is none yet. */
function kernelProblems({ observation: { facts, state } }: PlanContext, kind: string): Issue[] {
  const [module = "", links] = MODULES[kind] ?? [];
  if (!facts.lacks.includes(module) || state.links.some((l) => l.kind === kind)) return [];
  return [
    {
      property: "host",
      reason:
        `the host's kernel ${facts.kernel} has no module ${module}, without which there are no ${links}; install all of ` +
        "the kernel's modules (linux-modules-extra on Ubuntu), or another kernel",
    },
  ];
}

/** Why no boot could make the link again. */
function persistProblems(inputs: CommonInputs, context: PlanContext): Issue[] {
  const { facts, state } = context.observation;
  const issue = (reason: string): Issue[] => [{ property: "persist", reason }];
  if (facts.init === undefined) {
    return issue(
      "needs something on the host that runs a script at boot: it has neither systemd (/run/systemd/system) nor OpenRC " +
        "(/run/openrc) running, nor ifupdown (/etc/network/interfaces); leave persist out, and see to it yourself",
    );
  }
  if (!facts.tools.includes("sha256sum")) {
    return issue(
      "needs sha256sum on the host, to see whether the boot files are as written; install coreutils",
    );
  }
  const tooLong = whyNotBootName(linkId(inputs));
  if (tooLong !== undefined) return issue(tooLong);
  const foreign = foreignOwnerOf(state, bootName(linkId(inputs)), context.owner);
  if (!foreign) return [];
  return issue(
    foreign.owner === undefined
      ? `would overwrite ${foreign.path}, which pulumi-macvlan has not written; remove it or rename the link`
      : `the stack ${foreign.owner} has ${foreign.path} for a link of that name; choose another name`,
  );
}

function absentProblems(inputs: CommonInputs, context: PlanContext): Issue[] {
  if (inputs.adopt !== true || context.isExpected(inputs.name) || ownRecord(inputs, context)?.made) return [];
  return [
    {
      property: "name",
      reason: `there is no link ${inputs.name} on the host to adopt; leave adopt out to have it made`,
    },
  ];
}

function nameProblems(
  inputs: CommonInputs,
  context: PlanContext,
  current: LinkState,
  needs: LinkNeeds,
): Issue[] {
  const issue = (reason: string): Issue[] => [{ property: "name", reason }];
  const what = current.kind === "" ? "a link" : `a link of the kind ${current.kind}`;
  const record = recordOf(context.observation.state, current);
  if (record && record.owner !== context.owner) {
    return issue(
      `${current.name} belongs to the stack ${record.owner} (resource ${record.resource}); choose another name`,
    );
  }
  const wasElsewhere = context.previous !== undefined && !sameLink(context.previous, current);
  const known = record !== undefined || (context.previous !== undefined && !wasElsewhere);
  if (current.kind === needs.kind && (known || inputs.adopt === true)) return [];
  if (current.kind === needs.kind) {
    return issue(
      `the host has ${what} called ${current.name}, which this stack did not make; choose another name, delete it, ` +
        "or take it over with adopt: true",
    );
  }
  return issue(
    `the host has ${what} called ${current.name}, where a ${needs.kind} is wanted; choose another name or delete it`,
  );
}

/** Outputs of every kind, as the host has them. */
export function commonOutputs(inputs: CommonInputs, observation: Observation): Json {
  const link = findLink(observation.state, linkId(inputs));
  if (!link) return {};
  return {
    name: link.name,
    ifIndex: link.ifIndex,
    macAddress: link.settings["link.address"] ?? "",
    mtu: Number(link.settings["link.mtu"]),
    operState: link.operState,
    up: link.up,
    addresses: addressesOf(link, inputs),
  };
}

/** The given inputs as the link has them: settings, common properties, and `more` of a kind's own; nothing where it is gone. */
export function readLinkInputs(
  inputs: CommonInputs,
  observation: Observation,
  bindings: readonly Binding[],
  more: (link: LinkState) => Json,
): Json {
  const link = findLink(observation.state, linkId(inputs));
  return link
    ? { ...readBindings(bindings, { ...inputs }, link), ...readCommonInputs(inputs, link), ...more(link) }
    : {};
}

/** The given ones of the common properties that are no settings, as the host has them. */
function readCommonInputs(inputs: CommonInputs, link: LinkState): Json {
  return {
    up: link.up,
    ...(inputs.addresses === undefined ? {} : { addresses: addressesOf(link, inputs) }),
  };
}

function addressesOf(link: LinkState, inputs: CommonInputs): string[] {
  return inGivenOrder(
    link.addresses.map((a) => a.cidr),
    inputs.addresses ?? [],
  );
}

/** Sets are shown in the order in which they were given, so that an order alone is never a change. */
export function inGivenOrder(found: readonly string[], given: readonly string[]): string[] {
  return [...given.filter((g) => found.includes(g)), ...found.filter((f) => !given.includes(f))];
}
