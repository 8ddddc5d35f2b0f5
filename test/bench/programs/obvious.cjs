// The dynamic provider that one writes first: a new connection for each operation, one exec for each command.
const { readFileSync } = require("node:fs");
const process = require("node:process");
const pulumi = require("@pulumi/pulumi");

async function withHost(host, work) {
  const { NodeSSH } = require("node-ssh");
  const ssh = new NodeSSH();
  await ssh.connect({
    host: "127.0.0.1",
    port: host.port,
    username: "root",
    privateKeyPath: host.privateKeyPath,
  });
  const sh = async (command) => {
    const { code, stdout, stderr } = await ssh.execCommand(command);
    if (code !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout;
  };
  try {
    return await work(sh);
  } finally {
    ssh.dispose();
  }
}

async function apply(inputs) {
  await withHost(inputs.host, async (sh) => {
    for (const command of inputs.commands) await sh(command);
  });
  return inputs;
}

const provider = {
  async create(inputs) {
    return { id: `${inputs.host.name}/${inputs.name}`, outs: await apply(inputs) };
  },
  // looks at the link, and compares what it takes least effort to compare
  async diff(id, olds, news) {
    const shown = await withHost(news.host, (sh) =>
      sh(`ip -j -d address show dev ${news.name} 2>/dev/null || true`),
    );
    const link = shown.trim() === "" ? undefined : JSON.parse(shown)[0];
    const same =
      link !== undefined &&
      (news.mtu === null || link.mtu === news.mtu) &&
      (news.mac === null || link.address === news.mac) &&
      news.addresses.every((a) => link.addr_info.some((i) => `${i.local}/${i.prefixlen}` === a));
    return { changes: !same || JSON.stringify(olds.commands) !== JSON.stringify(news.commands) };
  },
  async update(id, olds, news) {
    await withHost(news.host, async (sh) => {
      await sh(`ip link del ${news.name} 2>/dev/null || true`);
      for (const command of news.commands) await sh(command);
    });
    return { outs: news };
  },
  async delete(id, props) {
    await withHost(props.host, (sh) => sh(`ip link del ${props.name}`));
  },
};

class Link extends pulumi.dynamic.Resource {
  constructor(name, args) {
    super(provider, name, args);
  }
}

for (const { name, port, job, commands } of JSON.parse(readFileSync(process.env.BENCH_HOSTS, "utf8"))) {
  const host = { name, port, privateKeyPath: process.env.BENCH_KEY };
  const { web, bridge, shim } = job;
  const rest = { mtu: null, mac: null, addresses: [] };
  new Link(`web-${name}`, {
    ...{ host, name: web.name, mtu: web.mtu, mac: web.macAddress, addresses: web.addresses },
    commands: commands.web,
  });
  new Link(`bridge-${name}`, { ...rest, host, name: bridge.name, commands: commands.bridge });
  new Link(`shim-${name}`, {
    ...{ ...rest, host, name: shim.name, addresses: shim.addresses },
    commands: commands.shim,
  });
}
