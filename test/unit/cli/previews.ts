/** Stacks for the tests of commands, as the engine prints them, cut down to what counts. */

/** URN of a resource of ours in the stack fleet/dev. */
export function urn(resource: string, type = "MacvlanInterface"): string {
  return `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/macvlan:${type}::${resource}`;
}

/** Inputs as the provider's check leaves them. */
export function inputsOf(resource: string, given: object): Record<string, unknown> {
  return {
    __derived: [],
    __owner: "fleet/dev",
    __resource: resource,
    host: { address: "node1" },
    name: resource,
    mode: "bridge",
    up: true,
    label: `${resource}@eth0`,
    parent: "eth0",
    macAddress: "02:00:5e:00:53:10",
    ...given,
  };
}

/** A step of `pulumi preview --json`. */
export function step(
  op: string,
  resource: string,
  { before, after, type = "MacvlanInterface" }: { before?: object; after?: object; type?: string },
): object {
  const state = (inputs: object): object => ({
    urn: urn(resource, type),
    type: `pulumi-nodejs:dynamic/macvlan:${type}`,
    inputs,
    outputs: inputs,
  });
  return {
    op,
    urn: urn(resource, type),
    ...(before === undefined ? {} : { oldState: state(before) }),
    ...(after === undefined ? {} : { newState: state(after) }),
    detailedDiff: null,
  };
}
