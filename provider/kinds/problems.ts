/** Problems of links of any kind: privilege, tools, the kernel, and the owner of the name. Pure. */
import { bootName, whyNotBootName } from "../model/boot-names";
import { type ErrorCode, type Issue, issue } from "../model/error";
import { type LinkState, findLink, recordOf, sameLink } from "../model/host";
import { isOwn } from "../model/owner";
import { foreignOwnerOf } from "../plan/boot";
import { IPV6_MIN_MTU } from "../plan/kernel/sysctls";
import { type CommonInputs, type KernelType, type PlanContext, linkId } from "./kind";
import { checkRules } from "./checks";
import { isDisplaceable } from "./displaced";
import { adopts, describeForeign } from "./ownership";
import { whyNotLinkName } from "./schemas";

export function commonRules(inputs: Partial<CommonInputs>): Issue[] {
  const { mtu, addresses, name, adopt } = inputs;
  const tooLong = name === undefined || adopt === true ? undefined : whyNotLinkName(name);
  if (tooLong !== undefined) return [issue("invalid-input", "name", tooLong)];
  const six = firstIPv6(addresses);
  return [
    ...(mtu !== undefined && mtu < IPV6_MIN_MTU && six !== undefined
      ? [issue("invalid-input", six, `${NEEDS_MTU}, and mtu is ${mtu}`)]
      : []),
    ...checkRules(inputs),
  ];
}

/** Finds an IPv6 address on a link whose MTU is not stated, and is too small for it on the host. */
export function foundMtuProblems({ mtu, addresses }: Partial<CommonInputs>, found: number): Issue[] {
  const six = firstIPv6(addresses);
  return mtu === undefined && found < IPV6_MIN_MTU && six !== undefined
    ? [issue("unsuitable-link", six, `${NEEDS_MTU}, and the link's on the host is ${found}; state an mtu`)]
    : [];
}

// RFC 8200, 5: a link with a smaller MTU has no IPv6
const NEEDS_MTU = `needs an MTU of at least ${IPV6_MIN_MTU} (RFC 8200)`;

/** The path of the first IPv6 address. */
function firstIPv6(addresses: readonly string[] = []): string | undefined {
  const at = addresses.findIndex((a) => a.includes(":"));
  return at < 0 ? undefined : `addresses[${at}]`;
}

/**
 * Problems of every kind: privilege, tools, the kernel, and the owner of the name.
 *
 * @param makes false if the kind needs no iproute2, as no link is to be made
 */
export function linkProblems(
  inputs: CommonInputs,
  context: PlanContext,
  type: KernelType,
  makes = true,
): Issue[] {
  const { facts, state } = context.observation;
  if (!facts.root) {
    return [
      issue(
        "no-root",
        "host",
        "changing links needs root, but the login is an ordinary user; set become to sudo or doas, or log in as root",
      ),
    ];
  }
  if (facts.iproute2 === undefined && makes) {
    const has = facts.ipVersionText === "" ? "has no ip command" : `has "${facts.ipVersionText}"`;
    return [
      issue(
        "host-unsupported",
        "host",
        `the host ${has}; install iproute2 4.17 or newer, which makes ${type.links} and prints JSON`,
      ),
    ];
  }
  const kernel = kernelProblems(context, type);
  if (kernel.length > 0) return kernel;
  const current = findLink(state, linkId(inputs));
  return [
    ...(current ? nameProblems(inputs, context, current, type.word) : absentProblems(inputs, context)),
    ...netnsProblems(inputs, context),
    ...(inputs.persist === true ? persistProblems(inputs, context) : []),
  ];
}

/** Issues if the host's kernel is known to lack the module for a kind of link. */
function kernelProblems(
  { observation: { facts, state } }: PlanContext,
  { word, links, module = "" }: KernelType,
): Issue[] {
  if (!facts.lacks.includes(module) || state.links.some((l) => l.kind === word)) return [];
  return [
    issue(
      "host-unsupported",
      "host",
      `the host's kernel ${facts.kernel} has no module ${module}, without which there are no ${links}; install all of ` +
        "the kernel's modules (linux-modules-extra on Ubuntu), or another kernel",
    ),
  ];
}

/** Why a boot could not make the link again. */
function persistProblems(inputs: CommonInputs, context: PlanContext): Issue[] {
  const { facts, state } = context.observation;
  const refuse = (code: ErrorCode, reason: string): Issue[] => [issue(code, "persist", reason)];
  if (facts.init === undefined) {
    return refuse(
      "host-unsupported",
      "needs something on the host that runs a script at boot: it has neither systemd (/run/systemd/system) nor OpenRC " +
        "(/run/openrc) running, nor ifupdown (/etc/network/interfaces); leave persist out, and make the link at boot by other means",
    );
  }
  if (!facts.tools.includes("sha256sum")) {
    return refuse(
      "host-unsupported",
      "needs sha256sum on the host to check the boot files; install coreutils",
    );
  }
  const tooLong = whyNotBootName(linkId(inputs));
  if (tooLong !== undefined) return refuse("invalid-input", tooLong);
  const foreign = foreignOwnerOf(state, bootName(linkId(inputs)), context);
  if (!foreign) return [];
  const { path, mark } = foreign;
  return mark === undefined
    ? refuse(
        "name-taken",
        `would overwrite ${path}, which pulumi-macvlan did not write; remove it or rename the link`,
      )
    : refuse("foreign-owner", describeForeign(`${path}, for a link of that name,`, mark, context));
}

function absentProblems(inputs: CommonInputs, context: PlanContext): Issue[] {
  if (!adopts(inputs, context)) return [];
  return [
    issue(
      "cannot-adopt",
      "name",
      `there is no link ${inputs.name} on the host to adopt; leave adopt out, or set it to false for this link, to have it made`,
    ),
  ];
}

function netnsProblems({ netns }: CommonInputs, { observation }: PlanContext): Issue[] {
  if (netns === undefined || observation.state.netns.find((n) => n.name === netns)?.isStale !== true)
    return [];
  return [
    issue(
      "name-taken",
      "netns",
      `is not a network namespace on the host: the file /run/netns/${netns} exists without a namespace behind it (left by ` +
        `a crash, or a dangling symbolic link); remove it with "ip netns delete ${netns}", and run again to create the namespace`,
    ),
  ];
}

function nameProblems(inputs: CommonInputs, context: PlanContext, current: LinkState, word: string): Issue[] {
  const refuse = (code: ErrorCode, reason: string): Issue[] => [issue(code, "name", reason)];
  const what = current.kind === "" ? "a link" : `a link of the kind ${current.kind}`;
  const called = describeNames(current);
  const record = recordOf(context.observation.state, current);
  if (record && !isOwn(record, context))
    return refuse("foreign-owner", describeForeign(current.name, record, context));
  const wasElsewhere = context.previous !== undefined && !sameLink(context.previous, current);
  // another resource's link: it makes way if this resource's own one gets its name
  if (current.kind !== word && isDisplaceable(current, { ...linkId(inputs), kind: word }, context)) return [];
  const known = record !== undefined || (context.previous !== undefined && !wasElsewhere);
  if (current.kind === word && (known || inputs.adopt === true)) return [];
  if (current.kind === word) {
    return refuse(
      "name-taken",
      `the host has ${what} called ${called}, which this stack did not make; choose another name, delete it, ` +
        "or take it over with adopt: true",
    );
  }
  return refuse(
    "name-taken",
    `the host has ${what} called ${called}, but this resource is of the kind ${word}; choose another name or delete it`,
  );
}

/** `eth1 (altname enp3s0)` */
function describeNames({ name, altNames = [] }: LinkState): string {
  return altNames.length === 0 ? name : `${name} (altname ${altNames.join(", ")})`;
}
