/** The workflows that people copy: valid YAML, and their commands run on the lab with the real engine. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import { type CommandResult, run } from "../lab/fleet/run";
import { NATIVE, useNative } from "./doors";
import { useProject } from "./project";

const CI = resolve(__dirname, "../../examples/ci");

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly on: unknown;
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly Step[]; readonly env: Readonly<Record<string, string>> }>
  >;
}

interface Pipeline {
  readonly ".hosts": { readonly image: string; readonly variables: Readonly<Record<string, string>> };
  readonly preview: { readonly script: readonly string[]; readonly rules: readonly { if: string }[] };
  readonly drift: { readonly script: readonly string[]; readonly rules: readonly { if: string }[] };
}

const readYaml = (file: string): unknown =>
  parse(readFileSync(join(CI, file), "utf8"), { strict: true, uniqueKeys: true });

/** The comments of GitHub and GitLab, as far as `comment.mjs` uses them. */
interface Forge {
  readonly server: Server;
  readonly address: string;
  readonly comments: Map<number, string>;
  /** Who wrote them; the account of the CI's token is not named. */
  readonly authors: Map<number, string>;
  readonly calls: string[];
}

/** The first line of a report of the project's stack. */
const MARK = "<!-- pulumi-macvlan report fleet/dev -->";
const PERSONS = "a person's own comment";

async function openForge(): Promise<Forge> {
  const comments = new Map<number, string>();
  const authors = new Map<number, string>([[1, "person"]]);
  const calls: string[] = [];
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const path = request.url?.split("?")[0] ?? "";
    calls.push(`${request.method ?? ""} ${path}`);
    if (path === "/graphql") return { data: { viewer: { login: "github-actions[bot]" } } };
    if (path === "/user") return { username: "github-actions[bot]" };
    if (request.method === "GET")
      return [...comments].map(([id, body]) => {
        const login = authors.get(id) ?? "github-actions[bot]";
        return { id, body, user: { login }, author: { username: login } };
      });
    const { body } = JSON.parse(await text(request)) as { body: string };
    const id = request.method === "POST" ? comments.size + 1 : Number(path.split("/").at(-1));
    comments.set(id, body);
    return { id, body };
  };
  const server = createServer((request, response) => {
    void answer(request).then((value) => response.end(JSON.stringify(value)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    server,
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    comments,
    authors,
    calls,
  };
}

describe("the workflows for CI", function () {
  this.timeout(240_000);
  let forge: Forge;
  const on = useProject("ci", async ({ project }) => {
    project.program(
      `new MacvlanInterface("web", { host: "node1", parent: "eth0", name: "mac0", mtu: 1500 });`,
    );
    await project.up();
    for (const file of ["comment.mjs"]) copyFileSync(join(CI, file), join(project.folder, file));
    forge = await openForge();
  });
  beforeEach(() => {
    forge.comments.clear();
    forge.comments.set(1, PERSONS).set(2, `${MARK}\nan earlier report`);
    forge.calls.splice(0);
  });
  after(() => new Promise((done) => forge.server.close(done)));

  /** Runs a job's lines as the CI's shell does, in the project. */
  const shell = (script: string, env: Record<string, string>): Promise<CommandResult> => {
    const all = { ...on.project.environment, STACK: "dev", ...env };
    const folder = on.project.folder;
    return run(["bash", "-e", "-c", `cd ${folder}\n${script}`], { env: all, timeout: 120_000 });
  };
  const github = (name: string, job: string): string[] => {
    const { jobs } = readYaml(`github/${name}.yml`) as Workflow;
    return (jobs[job]?.steps ?? []).flatMap((s) =>
      s.run === undefined || s.run === "npm ci" ? [] : [s.run],
    );
  };
  const onGithub = (): Record<string, string> => ({
    GITHUB_ACTIONS: "true",
    GITHUB_API_URL: forge.address,
    GITHUB_REPOSITORY: "owner/repo",
    GITHUB_TOKEN: "token",
    GITHUB_STEP_SUMMARY: join(on.project.folder, "summary.md"),
    PULL_REQUEST: "7",
  });
  const onGitlab = (): Record<string, string> => ({
    CI_API_V4_URL: forge.address,
    CI_PROJECT_ID: "3",
    CI_MERGE_REQUEST_IID: "7",
    GITLAB_TOKEN: "token",
  });

  it("pin the major versions of actions, the engine's image and the host keys, and take secrets from the secret store", () => {
    for (const name of ["preview", "drift"]) {
      const { jobs } = readYaml(`github/${name}.yml`) as Workflow;
      const job = jobs[name];
      const uses = (job?.steps ?? []).flatMap((s) => s.uses ?? []);
      assert.deepEqual(uses, ["actions/checkout@v4", "actions/setup-node@v4", "pulumi/actions@v6"]);
      assert.equal(job?.env["MACVLAN_PRIVATE_KEY"], "${{ secrets.MACVLAN_PRIVATE_KEY }}");
      assert.equal(job.env["MACVLAN_KNOWN_HOSTS_PATH"], "${{ github.workspace }}/known_hosts");
    }
    const { ".hosts": hosts, preview, drift } = readYaml("gitlab/.gitlab-ci.yml") as Pipeline;
    assert.match(hosts.image, /^pulumi\/pulumi-nodejs:\d+\.\d+\.\d+$/);
    assert.equal(hosts.variables["MACVLAN_KNOWN_HOSTS_PATH"], "$CI_PROJECT_DIR/known_hosts");
    assert.match(preview.rules[0]?.if ?? "", /merge_request_event/);
    assert.match(drift.rules[0]?.if ?? "", /schedule/);
  });

  it("GitHub: a preview becomes a comment, which the next one replaces", async () => {
    on.project.program(
      `new MacvlanInterface("web", { host: "node1", parent: "eth0", name: "mac0", mtu: 1400 });`,
    );
    forge.comments.delete(2);
    const steps = github("preview", "preview");
    assert.equal(steps.length, 3);
    for (const step of steps) {
      const { code, stdout, stderr } = await shell(step, onGithub());
      assert.equal(code, 0, `${step}: ${stdout}${stderr}`);
    }
    assert.deepEqual(forge.calls.splice(0), [
      "POST /graphql",
      "GET /repos/owner/repo/issues/7/comments",
      "POST /repos/owner/repo/issues/7/comments",
    ]);
    const comment = forge.comments.get(2) ?? "";
    assert.ok(comment.startsWith(`${MARK}\n`), comment);
    assert.match(comment, /\| `mtu` \| `1400` \| `1500` \| program \|/);
    assert.equal((await shell(steps.at(-1) ?? "", onGithub())).code, 0);
    assert.equal(forge.calls.splice(0)[2], "PATCH /repos/owner/repo/issues/comments/2");
    assert.equal(forge.comments.get(1), PERSONS);
  });

  it("GitHub: another person's comment that begins with the report's mark is left alone", async () => {
    const quoted = `${MARK}\nquoted by a person`;
    forge.comments.set(1, quoted);
    writeFileSync(join(on.project.folder, "report.md"), `${MARK}\na new report`);
    assert.equal((await shell("node comment.mjs report.md", onGithub())).code, 0);
    assert.equal(forge.calls.splice(0)[2], "PATCH /repos/owner/repo/issues/comments/2");
    assert.deepEqual([forge.comments.get(1), forge.comments.get(2)], [quoted, `${MARK}\na new report`]);
  });

  it("write no comment if there is no report, and replace none", async () => {
    const before = [...forge.comments];
    for (const text of ["", "error: no stack\n"]) {
      writeFileSync(join(on.project.folder, "report.md"), text);
      const { code, stderr } = await shell("node comment.mjs report.md", onGithub());
      assert.notEqual(code, 0);
      assert.match(stderr, /this is no report of pulumi-macvlan/);
    }
    assert.deepEqual([...forge.comments], before);
    assert.deepEqual(forge.calls.splice(0), []);
  });

  it("GitLab: the same, as a note", async () => {
    const { preview } = readYaml("gitlab/.gitlab-ci.yml") as Pipeline;
    const { code, stdout, stderr } = await shell(preview.script.join("\n"), onGitlab());
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.deepEqual(forge.calls.splice(0), [
      "GET /user",
      "GET /projects/3/merge_requests/7/notes",
      "PUT /projects/3/merge_requests/7/notes/2",
    ]);
  });

  it("fail if the preview fails, and give the reason in the comment", async () => {
    on.project.program(`new MacvlanInterface("web", { host: "node1", parent: "nope0", name: "mac0" });`);
    const { preview } = readYaml("gitlab/.gitlab-ci.yml") as Pipeline;
    assert.equal((await shell(preview.script.join("\n"), onGitlab())).code, 1);
    assert.match(forge.comments.get(2) ?? "", /\*\*The preview failed:\*\*[^]*there is no link nope0/);
    const [look = "", report = ""] = github("preview", "preview");
    assert.deepEqual([(await shell(look, {})).code, (await shell(report, {})).code], [0, 1]);
  });

  it("pass at night if nothing has drifted, and otherwise fail with the drift", async () => {
    const { drift } = readYaml("gitlab/.gitlab-ci.yml") as Pipeline;
    const nightly = [
      (): Promise<CommandResult> => shell(github("drift", "drift").join("\n"), onGithub()),
      (): Promise<CommandResult> => shell(drift.script.join("\n"), onGitlab()),
    ];
    writeFileSync(onGithub()["GITHUB_STEP_SUMMARY"] ?? "", "");
    for (const night of nightly) assert.equal((await night()).code, 0);
    await on.lab.sh("node1", "ip link set mac0 mtu 1300");
    const results = await Promise.all(nightly.map((night) => night()));
    assert.deepEqual(
      results.map((r) => r.code),
      [2, 2],
    );
    assert.match(results[1]?.stdout ?? "", /mtu {2}found 1300 {2}wanted 1500 {2}drift/);
    const summary = readFileSync(onGithub()["GITHUB_STEP_SUMMARY"] ?? "", "utf8");
    assert.match(summary, /nothing to do[^]*drift on 1 link/);
  });

  it("serve a stack of the native provider, and tell drift from a change of its program", async () => {
    await useNative(on.project);
    const args = { host: "node1", parent: "eth0", name: "mac0", mtu: 1500 };
    NATIVE.write(on.project, { web: { type: "MacvlanInterface", args } });
    await on.project.up();
    await on.lab.sh("node1", "ip link set mac0 mtu 1300");
    NATIVE.write(on.project, {
      web: { type: "MacvlanInterface", args: { ...args, addresses: ["192.0.2.10/24"] } },
    });
    for (const step of github("preview", "preview")) {
      const { code, stdout, stderr } = await shell(step, onGithub());
      assert.equal(code, 0, `${step}: ${stdout}${stderr}`);
    }
    const comment = forge.comments.get(2) ?? "";
    assert.match(comment, /\| `mtu` \| `1500` \| `1300` \| drift \|/);
    assert.match(comment, /\| `addresses` \| `192\.0\.2\.10\/24` \| `none` \| program \|/);
    assert.match(comment, /ip link set dev mac0 mtu 1500/);
    const night = await shell(github("drift", "drift").join("\n"), onGithub());
    assert.equal(night.code, 2, night.stderr);
  });
});
