// @pulumi/command: one remote command a link, with the script that makes it and the one that deletes it.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { remote } = require("@pulumi/command");

const privateKey = readFileSync(process.env.BENCH_KEY, "utf8");
for (const { name, port, hostKey, job, commands } of JSON.parse(
  readFileSync(process.env.BENCH_HOSTS, "utf8"),
)) {
  const connection = { host: "127.0.0.1", port, user: "root", privateKey, hostKey };
  for (const [kind, link] of [
    ["web", job.web.name],
    ["bridge", job.bridge.name],
    ["shim", job.shim.name],
  ]) {
    const create = commands[kind].join(" && ");
    const remove = `ip link del ${link}`;
    // it never looks at what a host has: to repair something, its inputs have to change, and then it runs the script
    const update = `${remove} && ${create} # run ${process.env.BENCH_RUN}`;
    new remote.Command(`${kind}-${name}`, { connection, create, update, delete: remove });
  }
}
