/**
 * The wire format of `pulumi.dynamic.Resource`, with fixed text instead of a serialised provider: one `require`, the
 * same for all resources of a kind, independent of the package's code, the compiler and the version of Node.js.
 */
export function providerCode(type: string): string {
  return `exports.handler = () => require("pulumi-macvlan/provider").providers[${JSON.stringify(type)}];`;
}
