// As many resources, with the same inputs, whose provider does nothing: what the engine itself takes.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { Nothing } = require("./nothing-class.cjs");

for (const { name: host, job } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"))) {
  new Nothing(`web-${host}`, { host, ...job.web });
  new Nothing(`bridge-${host}`, { host, ...job.bridge });
  new Nothing(`shim-${host}`, { host, ...job.shim });
}
