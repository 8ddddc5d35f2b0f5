// The program of this package: one resource a link. BENCH_PACKAGE is the package's name, or that of its native classes.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { HairpinBridge, HostShim, MacvlanInterface } = require(process.env.BENCH_PACKAGE);

for (const { name: host, job } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"))) {
  new MacvlanInterface(`web-${host}`, { host, ...job.web });
  new HairpinBridge(`bridge-${host}`, { host, ...job.bridge });
  new HostShim(`shim-${host}`, { host, ...job.shim });
}
