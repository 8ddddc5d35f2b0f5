/** SECURITY.md: each of its promises names tests that exist; and the promises that a look at the code can hold. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, readPage } from "./pages";

/** Parts of Node with which something could be sent, or another program be started that does. */
const SENDS =
  /(?:from|require\(|import\() ?"(?:node:)?(child_process|cluster|dgram|dns(?:\/promises)?|http|https|http2|net|tls|worker_threads)"/;

/** The modules that may, and what for. */
const MAY_SEND = {
  "ssh/transport/connect.ts": "to the hosts that the program names",
  "ssh/auth/agent.ts": "to the SSH agent, over its socket",
  "native/component-process.ts": "to a second process of the plugin, on this machine",
};

describe("SECURITY.md", () => {
  const text = readPage("SECURITY.md");
  const [promises = "", afterwards = ""] = text.split("\n## The tests of each promise\n");
  const [promised = ""] = promises.split("\n## What is not promised\n");
  const rows = [...afterwards.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].map(([, name = "", tests = ""]) => ({
    name,
    tests: [...tests.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, title = "", file = ""]) => ({
      title,
      file,
    })),
  }));

  it("names tests for each promise, and for nothing else", () => {
    const said = [...promised.matchAll(/^- \*\*(.+?)\.?\*\*/gm)].map(([, promise = ""]) => promise);
    const named = rows.filter(({ tests }) => tests.length > 0).map(({ name }) => name);
    assert.ok(said.length > 15, String(said.length));
    assert.deepEqual(named.toSorted(), said.toSorted());
  });

  it("links only to tests that exist, by their titles", () => {
    for (const { title, file } of rows.flatMap(({ tests }) => tests)) {
      const code = readFileSync(join(REPOSITORY, file), "utf8");
      const titles = [...code.matchAll(/(?:\b(?:describe|it)\(|name:)\s*(["`])(.*?)\1/g)].map(
        ([, , t = ""]) => t,
      );
      assert.ok(
        titles.some((one) => one.includes(title)),
        `${file} has no test "${title}"`,
      );
    }
  });
});

describe("the package", () => {
  it("opens sockets only to hosts and to the agent", () => {
    const modules = readdirSync(join(REPOSITORY, "provider"), { recursive: true, encoding: "utf8" });
    const opening = modules.filter((name) => {
      if (!name.endsWith(".ts")) return false;
      const code = readFileSync(join(REPOSITORY, "provider", name), "utf8");
      const onlyParses = /import \{ (?:isIP(?:v[46])?(?:, )?)+ \} from "node:net"/.test(code);
      return (SENDS.test(code) && !onlyParses) || /\b(?:fetch|WebSocket)\(/.test(code);
    });
    assert.deepEqual(opening.toSorted(), Object.keys(MAY_SEND).toSorted());
  });

  it("runs no scripts when it is installed", () => {
    const { scripts } = JSON.parse(readPage("package.json")) as { scripts: Record<string, string> };
    const atInstallation = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
    assert.deepEqual(
      atInstallation.filter((name) => name in scripts),
      [],
    );
  });
});
