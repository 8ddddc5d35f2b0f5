/** The forms in which a program can give a host: one host has one connection and one reading per run, whatever they are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TraceEvent } from "../../provider/ssh/trace";
import { useProject } from "./project";

/** The forms of each host of the lab: odd ones log in as root, even ones as ops. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  node1: [
    `"root@node1"`,
    `{ address: "node1", user: "root" }`,
    `{ user: "root", address: "node1" }`,
    `{ user: "root", commandTimeout: undefined, address: "node1" }`,
  ],
  node2: [
    `{ address: "node2", user: "ops", become: "sudo" }`,
    `{ become: "sudo", user: "ops", address: "node2" }`,
  ],
  node3: [`"node3"`, `{ address: "node3" }`],
};

describe("hosts", () => {
  const on = useProject("hosts");

  it("have one connection and one reading, in whatever form they are given", async function () {
    this.timeout(240_000);
    const links = Object.values(FORMS).flatMap((forms, host) =>
      forms.map(
        (form, n) =>
          `new MacvlanInterface("m${host}${n}", { host: ${form}, parent: "eth0", name: "mac${n}" });`,
      ),
    );
    on.project.program(links.join("\n"));
    const trace = join(on.project.folder, "trace.jsonl");
    on.project.environment["MACVLAN_TRACE"] = trace;
    const { code, output } = await on.project.cli(["up", "--yes", "--skip-preview"]);
    assert.equal(code, 0, output);
    delete on.project.environment["MACVLAN_TRACE"];
    const events = readFileSync(trace, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as TraceEvent);
    for (const host of Object.keys(FORMS)) {
      const of = events.filter((event) => event.host.includes(`@${host}:`));
      const count = (isMeant: (event: TraceEvent) => boolean): number => of.filter(isMeant).length;
      assert.equal(
        count(({ event }) => event === "open"),
        1,
        `connections of ${host}`,
      );
      assert.equal(
        count(({ description }) => description === "read the host"),
        1,
        `readings of ${host}`,
      );
    }
    await on.project.destroy();
  });
});
