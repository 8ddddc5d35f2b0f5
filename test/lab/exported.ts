/** A stack of the tests as `pulumi stack export` prints one. */
import type { Stack } from "./stack";

interface Resource {
  readonly kind: string;
  readonly id: string;
  readonly inputs: object;
  readonly outputs: object;
}

export function exported(stack: Stack): string {
  const state = JSON.parse(stack.state()) as [name: string, resource: Resource][];
  const resources = state.map(([name, { kind, id, inputs, outputs }]) => {
    const type = `pulumi-nodejs:dynamic/macvlan:${kind}`;
    return { urn: `urn:pulumi:test::lab::${type}::${name}`, type, id, inputs, outputs };
  });
  return JSON.stringify({ version: 3, deployment: { resources } });
}
