// As many resources, with the same inputs, whose provider does nothing: what the engine itself takes.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const pulumi = require("@pulumi/pulumi");

const provider = require.resolve("./nothing-provider.cjs");
class Nothing extends pulumi.CustomResource {
  constructor(name, args) {
    super("pulumi-nodejs:dynamic/bench:Nothing", name, {
      ...args,
      name: args.name,
      __provider: `exports.handler = () => require(${JSON.stringify(provider)});`,
    });
  }
}

for (const { name: host, job } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"))) {
  new Nothing(`web-${host}`, { host, ...job.web });
  new Nothing(`bridge-${host}`, { host, ...job.bridge });
  new Nothing(`shim-${host}`, { host, ...job.shim });
}
