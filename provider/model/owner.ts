/** Ownership on a host: the marks of links, network namespaces and boot files, and the stack that reads them. Pure. */

/** The mark of an owner on the host. */
export interface OwnerMark {
  /** `project/stack`, the stack's name when the resource was new. It stays when the stack is renamed. */
  readonly owner: string;
  /** The stack's unique identity; absent in marks of stacks that had none. */
  readonly stack?: string;
  /** The making of the link: each create has a new one. */
  readonly making?: string;
  /** `organization/project/stack`, the stack's name at the last change, if it is not `owner`. */
  readonly stackName?: string;
}

/** A stack, with what identifies its own marks. */
export interface Owner {
  /** `project/stack`, the stack's name when the resource was new. */
  readonly owner: string;
  readonly stack?: OwnStack;
}

/** What is known of the stack beside the name in the resource's state. */
export interface OwnStack {
  /**
   * The identities of its marks; the first one is written to new marks. Empty: it gets its first one in this run.
   * Absent: it has none, and its marks are recognised by name.
   */
  readonly identities?: readonly string[];
  /** Its present name, `project/stack`. */
  readonly name?: string;
  /** Its present full name: `organization/project/stack`. */
  readonly fullName?: string;
  /** The name of a stack whose state was lost, and whose links belong to this one. */
  readonly reclaims?: string;
  /** The making for new marks. Absent if marks are only compared. */
  readonly making?: string;
  /** In a removal: the making to remove. Links with the mark of another making stay. */
  readonly removes?: { readonly making?: string };
}

/** Whether a mark belongs to this stack and, in a removal, to the making that is removed. */
export function isOwn(mark: OwnerMark, { owner, stack = {} }: Owner): boolean {
  const { identities, name, reclaims, removes } = stack;
  if (removes && mark.making !== undefined && mark.making !== removes.making) return false;
  if (reclaims !== undefined && (mark.owner === reclaims || mark.stackName === reclaims)) return true;
  if (mark.stack !== undefined && identities !== undefined) return identities.includes(mark.stack);
  return mark.owner === owner || mark.owner === name;
}

/** The owner of all makings, also while one of them is removed. */
export function ofAnyMaking({ owner, stack }: Owner): Owner {
  if (!stack) return { owner };
  const { removes: _, ...rest } = stack;
  return { owner, stack: rest };
}

/**
 * The desired mark. Without a change it is the present one, even if the stack has been renamed: neither a rename nor a
 * mark of an earlier version is drift. A change updates it.
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

/** The mark alone. The order of its keys is that of the text on the host. */
export function markOf({ owner, stack, making, stackName }: OwnerMark): OwnerMark {
  return {
    owner,
    ...(stack === undefined ? {} : { stack }),
    ...(making === undefined ? {} : { making }),
    ...(stackName === undefined ? {} : { stackName }),
  };
}

/** Parses a mark from a host; undefined if it is not one. */
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

/** The name of a stack in messages. */
export function describeOwner({ owner, stackName }: OwnerMark): string {
  return stackName ?? owner;
}

/** Whether the mark of another stack has this stack's name, so that only their identities differ. */
export function isNamesake(mark: OwnerMark, { owner, stack = {} }: Owner): boolean {
  const { name = owner, fullName = name } = stack;
  return describeOwner(mark) === fullName || mark.owner === name;
}
