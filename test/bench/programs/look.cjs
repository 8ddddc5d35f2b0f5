// This package's own way to hosts, without an engine: looks at each host once, as a preview does.
const { readFileSync } = require("node:fs");
const process = require("node:process");

const dist = process.argv[2];
const { openFleet } = require(`${dist}/host/session.js`);
const { readSettings } = require(`${dist}/host/settings.js`);
const { hostSchema } = require(`${dist}/host/address.js`);

async function main() {
  const settings = readSettings(process.env, () => undefined);
  const fleet = openFleet(() => settings);
  const hosts = JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"));
  await Promise.all(hosts.map(({ name }) => fleet.session(hostSchema.parse(name)).look()));
  await fleet.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
