/**
 * The stack's identity: a random string that only this stack's state contains. The program registers it as a resource
 * before its first link and passes it to each link.
 */
import { randomBytes } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import type { Json } from "../kinds/kind";
import type { Owner, OwnStack } from "../model/owner";
import { isUnknown } from "../model/unknown";

/** What a run has learnt about its stack from the program and from the state. */
export interface StackMemory {
  /** Notes what the inputs or outputs of a resource, old or new, say about the stack. */
  note(props: Json): void;
  /** Notes that the resource of the identity takes part in the run. */
  noteTakesPart(): void;
  /** Whether the run leaves that resource out, as with `--target`, though the stack has it. */
  isLeftOut(): boolean;
  /** One of the stack's identities. */
  readonly identity: string | undefined;
  /** The stack that the resource with these inputs or outputs belongs to. */
  owner(props: Json, making?: Pick<OwnStack, "making" | "removes">): Owner;
  /** A new making of a link. It is written to the link's record, its boot files, and the outputs of its resource. */
  newMaking(): string;
  hasMade(making: string): boolean;
}

/** @param reclaims the name of a stack whose state is lost and whose links may be taken over */
export function openStackMemory(reclaims?: string): StackMemory {
  const identities = new Set<string>();
  const makings = new Set<string>();
  let takesPart = false;
  let name: string | undefined;
  let fullName: string | undefined;
  return {
    note({ __stack: stack, identity, __stackName: shown }) {
      for (const one of [stack, identity]) if (isIdentity(one)) identities.add(one);
      if (typeof shown !== "string") return;
      fullName = shown;
      name = shown.split("/").slice(-2).join("/");
    },
    noteTakesPart() {
      takesPart = true;
    },
    isLeftOut: () => !takesPart && identities.size > 0,
    get identity() {
      return [...identities].at(0);
    },
    newMaking() {
      const making = randomBytes(8).toString("hex");
      makings.add(making);
      return making;
    },
    hasMade: (making) => makings.has(making),
    owner(props, making = {}) {
      const { __stack: own } = props;
      const known = [...(isIdentity(own) ? [own] : []), ...[...identities].filter((one) => one !== own)];
      return {
        owner: String(props["__owner"]),
        stack: {
          ...(own === undefined && known.length === 0 ? {} : { identities: known }),
          ...(name === undefined ? {} : { name }),
          ...(fullName === undefined ? {} : { fullName }),
          ...(reclaims === undefined ? {} : { reclaims }),
          ...making,
        },
      };
    },
  };
}

function isIdentity(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !isUnknown(value);
}

/**
 * The identity is an output, made by the first `create`. If the resource is to be replaced, `create` gets nothing from
 * the old state. But the class has the old resource deleted first, and `delete` remembers its identity.
 */
export function stackIdentityProvider(memory: () => StackMemory): dynamic.ResourceProvider {
  return {
    check: () => {
      memory().noteTakesPart();
      return Promise.resolve({ inputs: {} });
    },
    diff: (_id: string, olds: Json) => {
      memory().note(olds);
      return Promise.resolve({ changes: false });
    },
    create: () => {
      const identity = memory().identity ?? randomBytes(16).toString("hex");
      return Promise.resolve({ id: "identity", outs: { identity } });
    },
    update: (_id: string, { identity }: Json) => Promise.resolve({ outs: { identity } }),
    read: (id: string, props: Json = {}) => Promise.resolve({ id, props: { ...props }, inputs: {} }),
    delete: (_id: string, props: Json) => {
      memory().note(props);
      return Promise.resolve();
    },
  };
}
