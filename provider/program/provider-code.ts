/**
 * The wire format of `pulumi.dynamic.Resource`, with a provider that is written down instead of serialised: one
 * `require`, equal for all resources of a kind, whatever the package's code, the compiler and Node's version are.
 */
export function providerCode(type: string): string {
  return `exports.handler = () => require("pulumi-macvlan/provider").providers[${JSON.stringify(type)}];`;
}
