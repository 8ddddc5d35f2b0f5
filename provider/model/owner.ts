/** Whose something on a host is: the marks of links, network namespaces and boot files, and the stack that reads them. Pure. */

/** Whose something is, as it is written on the host. */
export interface OwnerMark {
  /** `project/stack`, as the stack was called when the resource was new to it. It stays when the stack is renamed. */
  readonly owner: string;
  /** The stack's identity, which no other stack has; absent in marks of stacks that had none. */
  readonly stack?: string;
  /** Which making of the link this is: each create has another one. */
  readonly making?: string;
  /** `organization/project/stack`, as the stack was called at the last change, if that is not `owner`. */
  readonly stackName?: string;
}

/** A stack, with what it can know its own by. */
export interface Owner {
  /** `project/stack`, as the stack was called when the resource was new to it. */
  readonly owner: string;
  readonly stack?: OwnStack;
}

/** What is known of the stack that a plan is made for, beside the name in the state of the resource. */
export interface OwnStack {
  /**
   * The identities by which it knows its own, first the one that goes into new marks. Empty: it gets its first one in
   * this run. Absent: it has none, and knows its own by name.
   */
  readonly identities?: readonly string[];
  /** Its present name, `project/stack`. */
  readonly name?: string;
  /** Its present name as people know it: `organization/project/stack`. */
  readonly fullName?: string;
  /** The name of a stack whose state was lost: what it had is this one's. */
  readonly reclaims?: string;
  /** The making that the host is to remember. Absent while nothing is changed: marks are compared, not written. */
  readonly making?: string;
  /** In a removal: the making to remove. Whatever bears the mark of another one stays. */
  readonly removes?: { readonly making?: string };
}

/** Whether a mark is of this stack, and in a removal of the making that is removed. */
export function isOwn(mark: OwnerMark, { owner, stack = {} }: Owner): boolean {
  const { identities, name, reclaims, removes } = stack;
  if (removes && mark.making !== undefined && mark.making !== removes.making) return false;
  if (reclaims !== undefined && (mark.owner === reclaims || mark.stackName === reclaims)) return true;
  if (mark.stack !== undefined && identities !== undefined) return identities.includes(mark.stack);
  return mark.owner === owner || mark.owner === name;
}

/**
 * The mark that is to be there. While nothing is changed it is the present one, whatever the stack is called by now: a
 * rename, and a mark of an earlier version, are no drift. A change brings it up to date.
 */
export function markFor({ owner, stack = {} }: Owner, present: OwnerMark | undefined): OwnerMark {
  const { identities, fullName, making } = stack;
  if (present !== undefined && making === undefined) return markOf(present);
  const identity = identities?.[0] ?? present?.stack;
  const shown = fullName ?? present?.stackName;
  return {
    owner,
    ...(identity === undefined ? {} : { stack: identity }),
    ...(making === undefined ? {} : { making }),
    ...(shown === undefined || shown === owner ? {} : { stackName: shown }),
  };
}

/** The mark alone, of what bears one. The order of its keys is that of the text on the host. */
export function markOf({ owner, stack, making, stackName }: OwnerMark): OwnerMark {
  return {
    owner,
    ...(stack === undefined ? {} : { stack }),
    ...(making === undefined ? {} : { making }),
    ...(stackName === undefined ? {} : { stackName }),
  };
}

/** Reads a mark from what a host has written; undefined if it is none. */
export function parseMark(value: unknown): OwnerMark | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { owner, stack, making, stackName } = value as Readonly<Record<string, unknown>>;
  if (typeof owner !== "string") return undefined;
  return {
    owner,
    ...(typeof stack === "string" ? { stack } : {}),
    ...(typeof making === "string" ? { making } : {}),
    ...(typeof stackName === "string" ? { stackName } : {}),
  };
}

export function sameMark(a: OwnerMark, b: OwnerMark): boolean {
  return a.owner === b.owner && a.stack === b.stack && a.making === b.making && a.stackName === b.stackName;
}

/** A stack as messages name it. */
export function describeOwner({ owner, stackName }: OwnerMark): string {
  return stackName ?? owner;
}

/** Whether another stack's mark bears the name of this one: what tells them apart is their identities alone. */
export function isNamesake(mark: OwnerMark, { owner, stack = {} }: Owner): boolean {
  const { name = owner, fullName = name } = stack;
  return describeOwner(mark) === fullName || mark.owner === name;
}
