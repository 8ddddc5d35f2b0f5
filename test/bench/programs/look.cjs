// This package's own way to hosts, without an engine: looks at each host once, as a preview does.
const { readFileSync } = require("node:fs");
const process = require("node:process");

const dist = process.argv[2];
const { openFleet } = require(`${dist}/host/managed-host.js`);
const { clientOf } = require(`${dist}/cli/ssh-client.js`);
const { readSettings } = require(`${dist}/ssh/settings.js`);
const { hostSchema } = require(`${dist}/ssh/address.js`);

async function main() {
  const settings = readSettings(process.env, () => undefined);
  const fleet = openFleet(clientOf(settings));
  const hosts = JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"));
  await Promise.all(hosts.map(({ name }) => fleet.managedHost(hostSchema.parse(name)).observe()));
  await fleet.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
