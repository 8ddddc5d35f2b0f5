/** A host that means harm, or is broken, beside two good ones: these end as desired, and how much later than otherwise. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { join } from "node:path";
import type { MacvlanArgs } from "../../provider/kinds/args";
import { systemClock } from "../../provider/host/clock";
import { MacvlanError } from "../../provider/model/error";
import { forLog } from "../../provider/model/outside-text";
import { linkOf } from "../lab/seen";
import { openRun, openStack, useLab } from "../lab/stack";
import { tableRow, writePart } from "../setup/written-part";
import { isWhole } from "./table";

const BAD = "node2";
const GOOD = ["node1", "node3"] as const;
const TYPE = "MacvlanInterface";
const PROGRAM = { parent: "eth0", name: "web", mtu: 1400 } satisfies Omit<MacvlanArgs, "host">;

type Host = MacvlanArgs["host"];

/** A way to mean harm. */
interface Kind {
  readonly name: string;
  /** Makes a host of that kind, of which the address is returned with how to make it good again. */
  readonly turn: () => Promise<{ host: Host; back: () => Promise<void> }>;
}

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly error: string;
}

describe("a hostile host beside two good ones:", () => {
  const on = useLab(3);
  const rows: Row[] = [];
  let usual = 0;

  /** Replaces a program of the bad host, which finds the real one under /tmp/real. */
  const program = (name: string, script: string): Kind["turn"] => {
    return async () => {
      await on.lab.sh(BAD, `mkdir -p /tmp/real; cp -p "$(command -v ${name})" /tmp/real/`);
      await on.lab.replace(BAD, name, { script: `#!/bin/sh\n${script}\n` });
      return { host: BAD, back: () => on.lab.unhide(BAD) };
    };
  };
  /** What its `ip` does if it is asked for JSON. */
  const answer = (script: string): Kind["turn"] =>
    program("ip", `case "$*" in *-j*) ${script};; *) exec /tmp/real/ip "$@";; esac`);
  /** A server that greets like no sshd. */
  const server = (greet: (socket: Socket) => void): Kind["turn"] => {
    return async () => {
      const listening: Server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined);
        greet(socket);
      });
      const sockets = new Set<Socket>();
      listening.listen(0, "127.0.0.1");
      await once(listening, "listening");
      const { port } = listening.address() as AddressInfo;
      const back = async (): Promise<void> => {
        for (const socket of sockets) socket.destroy();
        listening.close();
        await once(listening, "close");
      };
      return { host: { address: "127.0.0.1", port, user: "root" }, back };
    };
  };
  const every = (ms: number, socket: Socket, act: () => void): void => {
    const timer = setInterval(act, ms).unref();
    socket.on("close", () => clearInterval(timer));
  };

  const KINDS: readonly Kind[] = [
    { name: "accepts the connection and says nothing", turn: server(() => undefined) },
    {
      name: "sends its greeting a byte at a time",
      turn: server((socket) => every(50, socket, () => socket.write("S"))),
    },
    {
      name: "greets for ever",
      turn: server((socket) => {
        const lines = `${"x".repeat(4000)}\r\n`.repeat(10);
        every(5, socket, () => socket.writableLength < 100_000 && socket.write(lines));
      }),
    },
    {
      name: "ends the login with commands for terminals and CI systems",
      turn: server((socket) => socket.end("\u001b[2J\r\n::error::planted\r\n##[error]planted\r\n")),
    },
    { name: "prints without end in place of sudo's prompt", turn: program("sudo", "exec yes >&2") },
    {
      name: "prints 8 MB on stderr before each script",
      turn: program("sudo", `head -c 8000000 /dev/zero | tr '\\0' x >&2; exec /tmp/real/sudo "$@"`),
    },
    { name: "hangs when it is read", turn: answer("sleep 100") },
    { name: "prints without end when it is read", turn: answer("exec yes '[{'") },
    {
      name: "has a link with 120,000 blanks in its alias",
      turn: answer(
        `printf '[{"ifindex":2,"ifname":"eth0","ifalias":"x%120000sx","address":"02:00:5e:00:00:01"}]' ''`,
      ),
    },
    {
      name: "has 75,000 links, each on the next",
      turn: answer(
        `awk 'BEGIN { printf "["; for (i = 1; i <= 75000; i++) printf "%s{\\"ifindex\\":%d,\\"ifname\\":\\"m%d\\",\\"link\\":\\"m%d\\"}", i > 1 ? "," : "", i, i, i + 1; print "]" }'`,
      ),
    },
    {
      name: "answers with values of the wrong type and names such as `__proto__`",
      turn: answer(
        `printf '[{"ifindex":"2","ifname":{},"address":5},{"ifindex":3,"ifname":"__proto__","ifalias":{}},{"ifname":"\\357\\277\\276","constructor":1}]'`,
      ),
    },
    {
      name: "claims to be the same machine as a good one",
      turn: async () => {
        const ns = (await on.lab.sh("node1", "readlink /proc/self/ns/net")).trim();
        return program("readlink", `echo '${ns}'`)();
      },
    },
  ];

  /** All three are brought up by one run, the bad one first, as the engine does it. @returns seconds, and the error */
  async function runWith(bad: Host): Promise<{ seconds: number; error: string; said: readonly string[] }> {
    const run = openRun(on.lab);
    const { check, create } = run.operations(TYPE);
    const began = systemClock.now();
    try {
      const inputs: Record<string, unknown>[] = [];
      for (const host of [bad, ...GOOD]) {
        const given = { ...PROGRAM, host, __owner: "lab/test", __resource: JSON.stringify(host) };
        const checked = await check({}, given);
        // that of the bad one may fail here or later
        if (host !== bad) assert.deepEqual(checked.failures ?? [], []);
        inputs.push(checked.inputs as Record<string, unknown>);
      }
      const [first = {}, ...good] = inputs;
      const error = create(first).then(
        () => "",
        (reason: unknown) => (reason instanceof MacvlanError ? reason.code : String(reason)),
      );
      await Promise.all(good.map((one) => create(one)));
      const seconds = (systemClock.now() - began) / 1000;
      return { seconds, error: await error, said: run.said };
    } finally {
      await run.close();
    }
  }

  /** The good hosts have what is desired; then it is taken away. */
  async function endGood(): Promise<void> {
    for (const host of GOOD) assert.equal((await linkOf(on.lab, host, "web")).mtu, 1400, host);
    for (const host of on.lab.hosts) await on.lab.sh(host.name, "ip link delete web 2>/dev/null; true");
  }

  before(async function () {
    this.timeout(60_000);
    const times: number[] = [];
    for (let n = 0; n < 3; n++) {
      times.push((await runWith(BAD)).seconds);
      await endGood();
    }
    usual = times.toSorted((a, b) => a - b)[1] ?? 0;
  });

  for (const { name, turn } of isWhole ? KINDS : KINDS.slice(-2)) {
    it(name, async function () {
      this.timeout(120_000);
      const { host, back } = await turn();
      try {
        const { seconds, error, said } = await runWith(host);
        rows.push({ name, seconds, error });
        for (const line of said) assert.equal(line, forLog(line));
      } finally {
        await back();
      }
      await endGood();
      // the run goes on with what is there, and nothing of it is in the way of the next one
      const stack = openStack(on.lab, "lab/after");
      for (const good of GOOD) await stack.up(TYPE, good, { ...PROGRAM, host: good });
      await stack.down();
    });
  }

  after(() => {
    const text = [
      tableRow(["The host", "Its own error", "Seconds more for the good ones"]),
      tableRow(["---", "---", "---:"]),
      ...rows.map(({ name, seconds, error }) =>
        tableRow([name, error === "" ? "none" : `\`${error}\``, Math.max(0, seconds - usual).toFixed(1)]),
      ),
    ].join("\n");
    process.stdout.write(`\n${text}\n(${usual.toFixed(1)} s without it)\n`);
    if (isWhole && rows.length === KINDS.length)
      writePart(join(__dirname, "../../docs/reliability.md"), "npm run test:faults", text, "hostile hosts");
  });
});
