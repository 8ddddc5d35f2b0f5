/** A new user with the README: does literally what "Your first host" says, on a host of the lab. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectEnvironment } from "../engine/project";
import { type Lab, labDown, labUp } from "../lab/fleet";
import { run } from "../lab/fleet/run";
import { type Block, blocksOf, readPage } from "../unit/docs/pages";
import { useUnpacked } from "./unpacked";

const LAB = `first-${process.pid}`;

/** The host that logs in as ops, with sudo, as the README's does. */
const HOST = "node2";

describe("a first host, as the README says", function () {
  this.timeout(400_000);
  const unpacked = useUnpacked();
  let folder = "";
  let lab: Lab;
  /** What the host had before. */
  let untouched = "";

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-first-"));
    lab = await labUp(2, { name: LAB });
    untouched = await links();
  });
  after(async () => {
    await labDown(LAB);
    rmSync(folder, { recursive: true, force: true });
  });

  const links = (): Promise<string> => lab.sh(HOST, "ip -br link; ip netns list; ip route");

  /** What a reader puts in: the host, addresses of its LAN, and the tarball while the package is on no registry. */
  const putIn = (text: string): string => {
    const { lan, lanPrefix } = lab.host(HOST);
    const free = lan.replace(/\d+\.\d+$/, "200.10");
    return text
      .replaceAll("ssh ops@node1.example", `ssh -F ${lab.sshConfig} ${HOST}`)
      .replaceAll("ops@node1.example", HOST)
      .replaceAll("192.0.2.10/24", `${free}/${lanPrefix}`)
      .replaceAll("192.0.2.10", free)
      .replaceAll("192.0.2.1", lan)
      .replaceAll(" pulumi-macvlan ", ` ${unpacked.tarball} `);
  };

  it("works from an empty folder to an empty host", async () => {
    const blocks = sectionBlocks("Your first host");
    for (const { language, text } of blocks) {
      const name = /^(?:#|\/\/) (\S+)$/m.exec(text.split("\n")[0] ?? "")?.[1];
      if (language !== "sh" && name !== undefined) writeFileSync(join(folder, name), `${putIn(text)}\n`);
    }
    const commands = blocks.filter((b) => b.language === "sh").map((b) => putIn(b.text));
    const script = [`cd ${folder}`, "set -eux", ...commands].join("\n");
    const {
      PULUMI_BACKEND_URL: _,
      PULUMI_CONFIG_PASSPHRASE: __,
      ...env
    } = await projectEnvironment(folder, lab);
    const { code, stdout, stderr } = await run(["bash", "-c", script], { env, timeout: 380_000 });
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /1 received/);
    assert.match(stdout, /addresses: "found none, wanted /);
    assert.match(stdout, /mac *: "[0-9a-f:]{17}"/);
    assert.equal(await links(), untouched, "the host is as it was");
  });
});

/** The blocks of a section of the README, in order. */
function sectionBlocks(title: string): Block[] {
  const lines = readPage("README.md").split("\n");
  const from = lines.indexOf(`## ${title}`) + 1;
  const to = lines.findIndex((line, i) => i >= from && line.startsWith("## "));
  assert.ok(from > 0, `README.md has a section ${title}`);
  return blocksOf("README.md").filter(({ place }) => {
    const line = Number(place.split(":")[1]);
    return line > from && line <= to;
  });
}
