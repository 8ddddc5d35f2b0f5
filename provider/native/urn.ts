/** The parts of a resource's URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
export interface UrnParts {
  readonly stack: string;
  readonly project: string;
  /** Name of the resource class: `MacvlanInterface` of `macvlan:index:MacvlanInterface`. */
  readonly type: string;
  readonly name: string;
}

/** @throws Error if the text is not a URN */
export function parseUrn(urn: string): UrnParts {
  const [head = "", project, types, ...name] = urn.split("::");
  const [, stack] = /^urn:pulumi:(.+)$/.exec(head) ?? [];
  if (stack === undefined || project === undefined || types === undefined || name.length === 0)
    throw new Error(`not a URN: ${JSON.stringify(urn)}`);
  const token = types.split("$").at(-1) ?? "";
  // a resource's name may contain the separator
  return { stack, project, type: token.split(":").at(-1) ?? "", name: name.join("::") };
}
