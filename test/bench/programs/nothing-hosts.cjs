// As many resources as hosts, with the inputs of all links of a host, whose provider does nothing.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { Nothing } = require("./nothing-class.cjs");

for (const { name: host, job } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8")))
  new Nothing(`links-${host}`, { host, name: "web", links: job });
