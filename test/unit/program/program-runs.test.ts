/** Several programs in one process, as the Automation API runs them: they share no hosts and links. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import {
  removePrefetchHints,
  writePrefetchHint,
  readPrefetchHints,
} from "../../../provider/program/prefetch";
import { HairpinBridge, MacvlanInterface } from "../../../provider/program/resources";

interface Registered {
  readonly name: string;
  readonly dependencies: readonly string[];
}

/** What is asked of the monitor about a resource, as far as it is looked at here (resource.proto). */
interface Request {
  getName(): string;
  getDependenciesList(): string[];
}

/** Begins a run of a program under mocks. @returns what it then registers with the engine */
function beginRun(): Registered[] {
  const registered: Registered[] = [];
  const newResource = ({ name, inputs }: pulumi.runtime.MockResourceArgs) => ({
    id: name,
    state: inputs as object,
  });
  void pulumi.runtime.setMocks({ newResource, call: () => ({}) });
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: Request, ...more: unknown[]): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, ...more) => {
    registered.push({ name: request.getName(), dependencies: request.getDependenciesList() });
    return register(request, ...more);
  };
  return registered;
}

async function made(...resources: Pick<pulumi.Resource, "urn">[]): Promise<void> {
  await Promise.all(resources.map(({ urn }) => new Promise((done) => urn.apply(done))));
}

describe("programs of one process", () => {
  const host = "node1";
  const links = (): [HairpinBridge, MacvlanInterface] => [
    new HairpinBridge("br0", { host, ports: ["eth1"] }),
    new MacvlanInterface("web", { host, parent: "br0" }),
  ];

  it("have links that wait for those of the same run below them, and for no other run's", async () => {
    const first = beginRun();
    await made(...links());
    assert.match(first.find(({ name }) => name === "web")?.dependencies[0] ?? "", /::br0$/);
    const second = beginRun();
    await made(new MacvlanInterface("web", { host, parent: "br0" }));
    assert.deepEqual(second, [{ name: "web", dependencies: [] }]);
  });

  it("leave one handler at the exit of the process, however many engines they have", () => {
    const engines = Array.from({ length: 20 }, (_, i) => `192.0.2.1:${i + 1}`);
    const before = process.listenerCount("exit");
    try {
      for (const engine of engines) writePrefetchHint(engine, host, new Set());
      assert.ok(process.listenerCount("exit") <= before + 1);
      for (const engine of engines)
        assert.deepEqual(readPrefetchHints(engine), [{ host, free: [], links: [] }]);
    } finally {
      for (const engine of engines) removePrefetchHints(engine);
    }
  });

  it("do not use the hosts that a killed engine of the same address has left", () => {
    const engine = "192.0.2.1:1";
    try {
      const killed = new Set<string>();
      for (const name of ["old1", "old2"]) writePrefetchHint(engine, name, killed);
      const noted = new Set<string>();
      for (const name of ["new1", "new2"]) writePrefetchHint(engine, name, noted);
      const hosts = readPrefetchHints(engine).map(({ host: name }) => name);
      assert.deepEqual(hosts, ["new1", "new2"]);
    } finally {
      removePrefetchHints(engine);
    }
  });

  it("show which resources wait for no other, by their host", () => {
    const engine = "192.0.2.1:2";
    const noted = new Set<string>();
    try {
      writePrefetchHint(engine, "a", noted, { free: 'HostShim "one"', links: [{ name: "one", netns: "" }] });
      writePrefetchHint(engine, "b", noted);
      writePrefetchHint(engine, "a", noted, { free: 'HostShim "two"' });
      writePrefetchHint(engine, "a", noted);
      assert.deepEqual(readPrefetchHints(engine), [
        { host: "a", free: ['HostShim "one"', 'HostShim "two"'], links: [{ name: "one", netns: "" }] },
        { host: "b", free: [], links: [] },
      ]);
    } finally {
      removePrefetchHints(engine);
    }
  });

  it("write down no credential that was put among a host's own properties", () => {
    const engine = "192.0.2.1:3";
    const hosts = [
      { address: "a", hostKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk" },
      { address: "a", user: "root:hush" },
      { address: "a", password: "hush" },
      "root:hush@a",
    ];
    for (const wrong of hosts) writePrefetchHint(engine, wrong, new Set());
    assert.deepEqual(readPrefetchHints(engine), []);
  });

  it("remove what a run whose processes were all killed has left", () => {
    const [killed, engine] = ["192.0.2.1:4", "192.0.2.1:5"];
    try {
      const folder = join(tmpdir(), `pulumi-macvlan-${userInfo().uid}`);
      const others = existsSync(folder) ? readdirSync(folder) : [];
      writePrefetchHint(killed, host, new Set());
      const { pid } = spawnSync("true");
      for (const file of readdirSync(folder))
        if (!others.includes(file)) writeFileSync(join(folder, file), `${pid}\n["old",null]\n`);
      assert.deepEqual(readPrefetchHints(killed), [{ host: "old", free: [], links: [] }]);
      writePrefetchHint(engine, host, new Set());
      assert.deepEqual(readPrefetchHints(killed), []);
      assert.deepEqual(readPrefetchHints(engine), [{ host, free: [], links: [] }]);
    } finally {
      for (const address of [killed, engine]) removePrefetchHints(address);
    }
  });
});
