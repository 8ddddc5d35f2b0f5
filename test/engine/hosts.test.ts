/** The forms in which a program can give a host: one host has one connection and one reading per run, whatever they are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TraceEvent } from "../../provider/ssh/trace";
import { useProject } from "./project";

/** The forms of each host of the lab: odd ones log in as root, even ones as ops. The first one is what the others have. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  node1: [
    `"root@node1"`,
    `{ address: "node1", user: "root" }`,
    `{ user: "root", address: "node1" }`,
    `{ user: "root", commandTimeout: undefined, address: "node1" }`,
    `pulumi.output("root@node1")`,
    `pulumi.output({ user: "root", address: "node1" })`,
    `{ user: pulumi.output("root"), address: Promise.resolve("node1") }`,
    `links[0].host`,
    `links[0].host.apply(({ address, ...rest }) => ({ ...rest, address }))`,
  ],
  node2: [
    `{ address: "node2", user: "ops", become: "sudo" }`,
    `{ become: "sudo", user: "ops", address: "node2" }`,
    `links[0].host`,
  ],
  node3: [`"node3"`, `{ address: "node3" }`, `links[0].host`],
};

describe("hosts", () => {
  const on = useProject("hosts");

  /** The links of all forms. A change of `alias` changes all of them. */
  function program(alias: string): string {
    return Object.values(FORMS)
      .map((forms, host) => {
        const link = (form: string, n: number): string =>
          `links.push(new MacvlanInterface("m${host}${n}", { host: ${form}, parent: "eth0", name: "mac${n}", alias: "${alias}" }));`;
        return `{ const links = [];\n${forms.map(link).join("\n")} }`;
      })
      .join("\n");
  }

  /** Runs the CLI, and counts what it opens and reads of each host. */
  async function assertOneEach(phase: string, args: readonly string[]): Promise<void> {
    const trace = join(on.project.folder, `${phase}.jsonl`);
    on.project.environment["MACVLAN_TRACE"] = trace;
    const { code, output } = await on.project.cli(args);
    delete on.project.environment["MACVLAN_TRACE"];
    assert.equal(code, 0, output);
    const events = readFileSync(trace, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as TraceEvent);
    for (const host of Object.keys(FORMS)) {
      const of = events.filter((event) => event.host.includes(`@${host}:`));
      const count = (isMeant: (event: TraceEvent) => boolean): number => of.filter(isMeant).length;
      assert.deepEqual(
        {
          connections: count(({ event }) => event === "open"),
          readings: count(({ description }) => description === "read the host"),
        },
        { connections: 1, readings: 1 },
        `${host} in ${phase}`,
      );
    }
  }

  it("have one connection and are read once each, whatever form they are given in", async function () {
    this.timeout(240_000);
    on.project.program(program("first"));
    // create, update and delete use the host after check, or from the state, in another form
    await assertOneEach("creation", ["up", "--yes", "--skip-preview"]);
    on.project.program(program("second"));
    await assertOneEach("update", ["up", "--yes", "--skip-preview"]);
    await assertOneEach("deletion", ["destroy", "--yes", "--skip-preview"]);
  });
});
