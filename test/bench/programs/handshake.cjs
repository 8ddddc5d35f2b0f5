// Handshakes by ssh2 alone, eight at a time, each with one command: BENCH_SSH2 is its folder, BENCH_ALGORITHMS its
// option of that name.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { Client } = require(process.env.BENCH_SSH2);

const privateKey = readFileSync(process.env.BENCH_KEY);
const algorithms = JSON.parse(process.env.BENCH_ALGORITHMS);

function once({ port }) {
  return new Promise((done, reject) => {
    const client = new Client();
    client.on("error", reject);
    client.on("close", done);
    client.on("ready", () =>
      client.exec("true", (error, channel) => {
        if (error) return reject(error);
        channel.on("close", () => client.end());
        channel.resume();
      }),
    );
    client.connect({ host: "127.0.0.1", port, username: "root", privateKey, algorithms });
  });
}

async function main() {
  const hosts = JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"));
  const worker = async () => {
    for (let host = hosts.shift(); host !== undefined; host = hosts.shift()) await once(host);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
