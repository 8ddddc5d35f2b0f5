// A resource whose provider, nothing-provider.cjs, does nothing.
const pulumi = require("@pulumi/pulumi");

const provider = require.resolve("./nothing-provider.cjs");

exports.Nothing = class extends pulumi.CustomResource {
  constructor(name, args) {
    super("pulumi-nodejs:dynamic/bench:Nothing", name, {
      ...args,
      __provider: `exports.handler = () => require(${JSON.stringify(provider)});`,
    });
  }
};
