/** The drawing in a real browser: what a reader sees of 3 hosts and of 50, measured and kept as screenshots. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type Page, chromium } from "playwright-core";
import { htmlDocument } from "../../../provider/cli/graph/html";
import { placeHost } from "../../../provider/cli/graph/layout";
import type { GraphHost, GraphNode, Line } from "../../../provider/cli/graph/model";
import { svgDocument } from "../../../provider/cli/graph/svg";
import { callTool } from "../../setup/tool";
import { say } from "../../setup/run";
import { programPath, requirePrograms } from "../fleet/requirements";
import { useLab } from "../stack";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Fifty hosts as a user may have them: bonds, VLANs, shims, drift, a host that is down, long names and texts. */
function manyHosts(): GraphHost[] {
  const line = (text: string, tone: Line["tone"] = "plain"): Line => ({ text, tone });
  return Array.from({ length: 50 }, (_, h): GraphHost => {
    const label = `ops@node${h + 1}.rack${h % 4}.example`;
    if (h === 17)
      return {
        label,
        error: `cannot connect to ${label}:22: connection refused (ECONNREFUSED).`,
        nodes: [],
        edges: [],
      };
    const below: GraphNode[] = ["bond0", "bond0.120"].map((name) => ({
      ...{
        id: name,
        kind: "nic",
        name,
        chip: name === "bond0" ? "bond" : "vlan 120",
        state: "up",
        hasDrift: false,
      },
      lines: [line("52:54:00:11:22:33", "dim")],
    }));
    const children = Array.from({ length: 1 + ((h * 7) % 9) }, (__, i): GraphNode => {
      const hasDrift = h % 11 === 3 && i === 1;
      return {
        ...{
          id: `c${i}`,
          kind: i === 0 ? "shim" : "macvlan",
          name: i === 0 ? "shim0" : `veryLongName_${i}`.slice(0, 15),
        },
        ...{
          chip: ["shim", "bridge", "passthru", "private"][i % 4] ?? "",
          state: i === 5 ? "down" : "up",
          hasDrift,
        },
        lines: [
          line(`netns tenant-${i}-with-a-long-name`, "dim"),
          line("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128"),
          ...(hasDrift
            ? [line("addresses: found none, wanted 192.0.2.10/24, 192.0.2.11/24, 192.0.2.12/24", "drift")]
            : []),
        ],
      };
    });
    const edges = [
      { from: "bond0", to: "bond0.120", label: "" },
      ...children.map(({ id }) => ({ from: "bond0.120", to: id, label: "" })),
    ];
    return { label, nodes: [...below, ...children], edges };
  });
}

/** What is wrong with how a page looks, measured by the browser: see in-browser.js. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: join(__dirname, "in-browser.js") });
  return page.evaluate<string[]>("faultsOfPage()");
}

function styleOf(page: Page, property: "color" | "backgroundColor"): Promise<string> {
  return page.evaluate<string>(`getComputedStyle(document.body).${property}`);
}

describe("the drawing in a browser", function () {
  this.timeout(300_000);
  const on = useLab(3);
  let folder = "";
  let browser: BrowserContext;
  let requests: string[] = [];
  // where CI keeps them; else they are deleted after the test
  const kept = process.env["MACVLAN_SCREENSHOTS"];

  before(async () => {
    await requirePrograms(say, { chromium: "chromium" });
    folder = mkdtempSync(join(tmpdir(), "pulumi-macvlan-drawing-"));
    browser = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath: programPath("chromium") ?? "chromium",
      args: FLAGS,
      viewport: { width: 1600, height: 1000 },
    });
    browser.on("request", (request) => requests.push(request.url()));
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (html: string): Promise<Page> => {
    const file = join(folder, "page.html");
    writeFileSync(file, html);
    requests = [];
    const page = await browser.newPage();
    await page.goto(`file://${file}`);
    return page;
  };
  const shoot = async (page: Page, name: string): Promise<void> => {
    const picture = await page.screenshot({ path: join(kept ?? folder, `${name}.png`) });
    assert.ok(picture.length > 10_000, "more than an empty page");
  };

  it("is legible with the lab's three hosts, in light, in dark and on paper", async () => {
    await on.lab.sh(
      "node1",
      `ip netns add blue; ip link add web0 link eth0 netns blue type macvlan mode bridge
       ip -n blue address add 192.0.2.10/24 dev web0; ip link add shim0 link eth0 type macvlan mode bridge; ip link set shim0 up
       ip route add 192.0.2.10/32 dev shim0; ip link add br0 type bridge; ip link add v0 type veth peer name v1
       ip link set v0 master br0 up; bridge link set dev v0 hairpin on`,
    );
    const file = join(folder, "fleet.html");
    const names = on.lab.hosts.map((h) => h.name);
    assert.equal((await callTool(["graph", ...names, "-o", file, "--ssh-config", on.lab.sshConfig])).code, 0);
    const page = await browser.newPage();
    await page.goto(`file://${file}`);
    const texts = await page.locator("section").first().innerText();
    for (const text of ["node1", "web0", "192.0.2.10/24", "netns blue", "→ 192.0.2.10/32", "hairpin"]) {
      assert.ok(texts.includes(text), text);
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await faultsOf(page), []);
      const [paper, ink] = [await styleOf(page, "backgroundColor"), await styleOf(page, "color")];
      assert.deepEqual(
        [paper, ink],
        colorScheme === "light"
          ? ["rgb(255, 255, 255)", "rgb(31, 35, 40)"]
          : ["rgb(15, 18, 22)", "rgb(228, 231, 235)"],
      );
      await shoot(page, `three-${colorScheme}`);
    }
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    assert.equal(await styleOf(page, "backgroundColor"), "rgb(255, 255, 255)");
    assert.equal(await page.locator("#search").isVisible(), false);
    await page.close();
  });

  it("is legible with fifty hosts, searches and zooms, and makes no requests", async () => {
    const placed = await Promise.all(manyHosts().map(placeHost));
    const page = await open(htmlDocument(placed, "fleet/prod"));
    assert.deepEqual(await faultsOf(page), []);
    assert.equal(await page.locator("#summary").innerText(), "50 hosts, 4 with drift");
    await shoot(page, "fifty");

    await page.fill("#search", "node18.");
    assert.equal(await page.locator("#summary").innerText(), "1 of 50 hosts, 4 with drift");
    assert.match(await page.locator("section:visible").innerText(), /refused \(ECONNREFUSED\)/);
    await page.fill("#search", "SHIM0");
    assert.equal(await page.locator(".node.hit:visible").count(), 49);
    await page.keyboard.press("Escape");
    await page.check("#drifted");
    assert.equal(await page.locator("section:visible").count(), 4);
    assert.deepEqual(await faultsOf(page), []);
    await shoot(page, "fifty-drifted");
    await page.uncheck("#drifted");

    const width = (): Promise<number> =>
      page.evaluate<number>(`document.querySelectorAll("section svg")[17].getBoundingClientRect().width`);
    const before = await width();
    for (let i = 0; i < 3; i++) await page.click("#smaller");
    assert.ok(Math.abs((await width()) - before / 1.25 ** 3) < 1);
    assert.deepEqual(await faultsOf(page), []);
    await shoot(page, "fifty-small");
    await page.click("#usual");
    assert.equal(await width(), before);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith("file://")),
      [],
    );
    await page.close();
  });

  it("is a picture that stands alone as SVG", async () => {
    const placed = await Promise.all(manyHosts().map(placeHost));
    const svg = svgDocument(placed, "fleet/prod");
    const data = Buffer.from(svg).toString("base64");
    const page = await open(`<img id="all" style="width:1500px" src="data:image/svg+xml;base64,${data}">`);
    const [width, height] = await page.evaluate<number[]>(
      `document.images[0].decode().then(() => [document.images[0].naturalWidth, document.images[0].naturalHeight])`,
    );
    assert.ok((width ?? 0) > 1000 && (width ?? 0) / (height ?? 1) > 0.8, `${width ?? 0} by ${height ?? 0}`);
    await shoot(page, "svg");
    await page.close();
  });
});
