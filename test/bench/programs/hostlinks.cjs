// The program of this package: one resource a host.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { HostLinks } = require("pulumi-macvlan");

for (const { name: host, job } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"))) {
  new HostLinks(`links-${host}`, {
    host,
    links: {
      web: { kind: "macvlan", ...job.web },
      bridge: { kind: "bridge", ...job.bridge },
      shim: { kind: "shim", ...job.shim },
    },
  });
}
