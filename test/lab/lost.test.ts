/** Connections that are lost: what is safe is done again on a new one, and nothing else is. */
import assert from "node:assert/strict";
import { hostSchema } from "../../provider/ssh/address";
import { type Run, openRun, useLab } from "./stack";

/** Ends the SSH connection that a script comes by, `times` times, and then answers for `readlink`. */
const CUTTER = (times: number): string => `#!/bin/sh
n=0; [ -e /run/cut ] && read -r n </run/cut
if [ "$n" -lt ${times} ]; then
  echo $((n + 1)) >/run/cut
  kill -9 $(ps -eo pid=,args= | sed -n 's/^ *\\([0-9]*\\) sshd: root@notty.*/\\1/p')
  sleep 5
fi
echo 'net:[1]'
`;

describe("a connection that is lost", () => {
  const on = useLab(1);
  const host = hostSchema.parse("node1");

  let run: Run;
  beforeEach(() => (run = openRun(on.lab)));
  afterEach(async () => {
    await run.close();
    await on.lab.unhide("node1");
    await on.lab.exec("node1", ["rm", "-f", "/run/cut"]);
  });

  it("while the host is read is reopened, and the host is read", async () => {
    await on.lab.replace("node1", "readlink", { script: CUTTER(2) });
    const before = await on.lab.connections("node1");
    const { state } = await run.context.fleet.managedHost(host).observe();
    assert.ok(state.links.some((l) => l.name === "eth0"));
    assert.equal((await on.lab.connections("node1")) - before, 3);
  });

  it("again and again ends in an error that says so", async () => {
    await on.lab.replace("node1", "readlink", { script: CUTTER(9) });
    await assert.rejects(
      run.context.fleet.managedHost(host).observe(),
      /connection was lost during "read the host"/,
    );
  });

  it("while idle is reopened by the next command", async () => {
    const managedHost = run.context.fleet.managedHost(host);
    await managedHost.observe();
    await on.lab.sh(
      "node1",
      `kill -9 $(ps -eo pid=,args= | sed -n 's/^ *\\([0-9]*\\) sshd: root@notty.*/\\1/p')`,
    );
    const args = { host: "node1", parent: "eth0" };
    // the same process and fleet: what a long run meets when sshd or a firewall drops idle connections
    const provider = run.operations("MacvlanInterface");
    const checked = await provider.check({}, { ...args, __owner: "lab/test", __resource: "web" });
    await provider.create(checked.inputs);
    assert.match(await on.lab.sh("node1", "ip link show web"), /web@eth0/);
  });
});
