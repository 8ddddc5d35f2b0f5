/** Statistics, figures, tables, plot and goals of the benchmark. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { byRun, cellsOf, difference, figure, mainHosts } from "../../bench/report/figures";
import { judgeForms, judgeGoals } from "../../bench/report/goals";
import { renderPlot, scale, spreadOut, ticks } from "../../bench/report/plot";
import { describeBytes, describeSpread, median, spreadOf, threeDigits } from "../../bench/report/statistics";
import { costTable, growthTable, markdownTable, wallTable } from "../../bench/report/tables";
import { renderDocument, renderDrawing, renderSummary } from "../../bench/report/document";
import { type Results, mergeResults } from "../../bench/results";
import { roleOf } from "../../scale/usage";
import { resultsOf, sampleOf } from "./results";

const CELL = { hosts: 50, rtt: 0 };

describe("the benchmark's statistics", () => {
  it("take the median, and the mean of the two in the middle", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([9, 1, 5, 7]), 6);
    assert.throws(() => median([]), /nothing/);
    assert.equal(spreadOf([]), undefined);
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3, count: 3 });
  });

  it("show numbers with three digits", () => {
    const said = [0.2149, 4.876, 9.996, 35.55, 99.96, 1234.5, -2.5].map(threeDigits);
    assert.deepEqual(said, ["0.21", "4.88", "10.0", "35.5", "100", "1235", "-2.50"]);
    assert.equal(describeSpread({ median: 2, least: 1.5, most: 12, count: 3 }), "2.00 (1.50–12.0)");
    assert.equal(describeSpread({ median: 2, least: 2, most: 2, count: 1 }), "2.00");
    assert.deepEqual([999, 1500, 2_340_000].map(describeBytes), ["999 B", "1.50 kB", "2.34 MB"]);
  });
});

describe("the benchmark's figures", () => {
  const results = resultsOf({
    macvlan: { apply: [10, 13, 11], preview: [5, 5, 5] },
    engine: { apply: [8, 10, 10], preview: [4, 4, 4] },
  });

  it("sum up the phases of a run, and leave out runs in which one failed", () => {
    assert.deepEqual(figure(results, CELL, "macvlan", "all")?.median, 11 + 5 + 3);
    const [first, ...rest] = results.samples;
    assert.ok(first);
    const failed: Results = { ...results, samples: [{ ...first, failure: "node1: web: MTU is 1" }, ...rest] };
    assert.deepEqual([...byRun(failed, CELL, "macvlan", "apply").keys()], [2, 3]);
    assert.equal(byRun(failed, CELL, "macvlan", "all").size, 2);
    assert.equal(byRun(failed, CELL, "macvlan", "preview").size, 3);
  });

  it("compare two contenders run by run", () => {
    assert.deepEqual(difference(results, CELL, "macvlan", "engine", "apply"), {
      median: 2,
      least: 1,
      most: 3,
      count: 3,
    });
    assert.equal(difference(results, CELL, "macvlan", "ssh", "apply"), undefined);
  });

  it("know the cells, and the one that the goals are about", () => {
    const more = [100, 9, 40].map((hosts) => sampleOf("ssh", "apply", 1, { hosts, rtt: 50 }));
    const all = { ...results, samples: [...more, ...results.samples] };
    assert.deepEqual(
      cellsOf(all).map(({ hosts, rtt }) => `${rtt}:${hosts}`),
      ["0:50", "50:9", "50:40", "50:100"],
    );
    assert.equal(mainHosts(all), 50);
    assert.equal(mainHosts({ ...results, samples: more }), 40);
  });
});

describe("results of several runs of the benchmark", () => {
  const one = resultsOf({ ssh: { apply: [2, 3], preview: [1, 1] } });

  it("are merged into those of one, with the runs of both", () => {
    const again = resultsOf({ ssh: { apply: [7], preview: [1] }, macvlan: { apply: [9], preview: [1] } });
    const more = resultsOf({ ssh: { apply: [4], preview: [2] } }, { hosts: 100 });
    const merged = mergeResults([one, again, more]);
    assert.deepEqual(figure(merged, CELL, "ssh", "apply"), { median: 3, least: 2, most: 7, count: 3 });
    assert.equal(figure(merged, { hosts: 100, rtt: 0 }, "ssh", "apply")?.median, 4);
    assert.deepEqual(
      merged.contenders.map(({ id }) => id),
      ["ssh", "macvlan"],
    );
    assert.throws(() => mergeResults([]), /no results/);
    assert.match(
      renderDocument(merged, "x.svg"),
      /the median of 3 runs; with 100 hosts, round trip 0 ms, of 1\./,
    );
  });
});

describe("the benchmark's goals", () => {
  const given = {
    macvlan: { apply: [12, 12], preview: [11, 11] },
    engine: { apply: [9, 9], preview: [9, 9] },
    ssh: { apply: [2, 2], preview: [2, 2] },
    obvious: { apply: [30, 30], preview: [30, 30] },
    "ansible-batched": { apply: [11, 11], preview: [11, 11] },
    pyinfra: { apply: [12.5, 12.5], preview: [3, 3] },
  };
  const verdicts = (results: Results): Record<string, boolean | undefined> =>
    Object.fromEntries(judgeGoals(results).map(({ goal, met }) => [goal.replace(/^.*(?:: |, )/, ""), met]));

  it("are judged by what was measured, and left open if it was not", () => {
    assert.deepEqual(verdicts(resultsOf(given)), {
      "at most 1.5 × plain OpenSSH": true,
      "at most half the time of the obvious dynamic provider": true,
      "faster than Ansible's batched task": false,
      "faster than pyinfra": true,
      "faster than pyinfra with its commands joined to one per host": undefined,
      "at most 0.65 × @pulumi/command": undefined,
      "one connection and one command per host": true,
      "at most 1.2 × plain OpenSSH with one reading per host": true,
    });
  });

  it("fail what is slightly too slow, and what asks a host twice", () => {
    const slower = resultsOf({ ...given, macvlan: { apply: [12.1, 12.1], preview: [11.5, 11.5] } });
    const twice = slower.samples.map((s) => (s.phase === "preview" ? { ...s, commands: 51 } : s));
    const found = verdicts({ ...slower, samples: twice });
    assert.equal(found["at most 1.5 × plain OpenSSH"], false);
    assert.equal(found["at most 1.2 × plain OpenSSH with one reading per host"], false);
    assert.equal(found["one connection and one command per host"], false);
  });

  it("are judged for more resources in progress at a time as well", () => {
    const both = resultsOf({
      ...given,
      macvlan: { apply: [13, 13], preview: [11, 11] },
      "macvlan-32": given.macvlan,
    });
    const row = renderDocument(both, "x.svg")
      .split("\n")
      .find((line) => line.startsWith("| First apply without"));
    assert.match(row ?? "", /4\.00 s, .*missed.*3\.00 s, .*\| met \|$/);
  });

  it("are counted on the page for users, which has a line per contender and leads to all figures", () => {
    const both = resultsOf({ ...given, "macvlan-32": { apply: [10, 10], preview: [9, 9] } });
    const page = renderSummary(both, "x.svg", "all.md");
    assert.match(page, /^\| the macvlan \| 12\.0 \| 11\.0 \|$/m);
    assert.match(page, /took 50 connections and 50 commands for 50 hosts/);
    const met = (verdicts: ReturnType<typeof judgeGoals>): number => verdicts.filter((v) => v.met).length;
    const [ours, parallel] = [met(judgeGoals(both)), met(judgeGoals(both, "macvlan-32"))];
    assert.notEqual(ours, parallel);
    assert.match(page, new RegExp(`a resource per link reaches ${ours}, and ${parallel} with`));
    assert.match(page, /\]\(all\.md\)/);
    assert.doesNotMatch(page, /NaN|undefined/);
  });

  it("require a third of the obvious provider's time with a long round trip", () => {
    const far = verdicts(resultsOf(given, { rtt: 50 }));
    assert.equal(far["at most a third of the time of the obvious dynamic provider"], false);
    assert.ok(!("at most half the time of the obvious dynamic provider" in far));
  });
});

describe("the goals of the forms of this package", () => {
  const phases = (
    apply: readonly number[],
    preview: readonly number[],
  ): { apply: number[]; preview: number[] } => ({
    apply: [...apply],
    preview: [...preview],
  });
  const given = {
    macvlan: phases([8, 12, 10], [4, 4, 4]),
    hostlinks: phases([6, 9, 7], [3.4, 3.5, 3.4]),
    yaml: phases([6.4, 9.6, 9], [4.1, 4.1, 3.9]),
    "engine-hosts": phases([2, 2, 2], [2, 2, 2]),
    ssh: phases([1, 1, 1], [1, 1, 1]),
    command: phases([8, 8, 12], [1, 1, 1]),
  };
  const found = (results: Results): Record<string, readonly [string, boolean | undefined]> =>
    Object.fromEntries(judgeForms(results).map(({ goal, found, met }) => [goal, [found, met] as const]));

  it("are judged by ratios within each run", () => {
    const verdicts = found(resultsOf(given));
    const of = (start: string): readonly [string, boolean | undefined] | undefined =>
      Object.entries(verdicts).find(([goal]) => goal.startsWith(start))?.[1];
    // 0.75, 0.75, 0.7
    assert.deepEqual(of("HostLinks, first apply: at most 0.75"), ["7.00 s: × 0.75 (0.70–0.75)", true]);
    assert.deepEqual(of("HostLinks, first apply: at most 0.8"), ["7.00 s: × 0.75 (0.58–1.13)", true]);
    assert.deepEqual(of("HostLinks, preview"), ["3.40 s: × 1.13 (1.13–1.17)", true]);
    assert.deepEqual(of("YAML, first apply: at most 0.85"), ["6.75 s: × 0.80 (0.80–0.90)", true]);
    assert.deepEqual(of("YAML, preview"), ["3.07 s: × 1.02 (0.97–1.02)", false]);
    assert.deepEqual(of("Native classes"), ["not measured", undefined]);
    assert.equal(of("YAML, first apply with a round trip"), undefined);
  });

  it("are a table of their own, without those that were not measured", () => {
    const page = renderDocument(resultsOf(given, { rtt: 50 }), "x.svg");
    const [, table = ""] = page.split("## HostLinks and the native provider");
    const [rows = ""] = table.split("\n## ");
    assert.match(
      rows,
      /\| YAML, first apply with a round trip of 50 ms[^|]*\|[^|]*\| 9\.00 s: × 0\.80[^|]*\| met \|/,
    );
    assert.doesNotMatch(rows, /pyinfra|Native classes/);
    assert.doesNotMatch(page, /NaN|undefined/);
    assert.doesNotMatch(renderDocument(resultsOf({ ssh: given.ssh }), "x.svg"), /## HostLinks/);
  });

  it("are counted on the page for users", () => {
    assert.match(
      renderSummary(resultsOf(given), "x.svg", "all.md"),
      /; of the 7 of HostLinks[^,]*, 6 are reached/,
    );
  });
});

describe("the CPU of an engine's parts", () => {
  it("is shown beside the client's, the engine's being the rest", () => {
    const samples = resultsOf({ macvlan: { apply: [8], preview: [4] }, ssh: { apply: [1], preview: [1] } });
    const parted = samples.samples.map((s) =>
      s.contender === "macvlan" ? { ...s, parts: { program: s.wall / 8, provider: s.wall / 4 } } : s,
    );
    const [, , ours = "", ssh = ""] = costTable({ ...samples, samples: parted }, CELL, "apply").split("\n");
    assert.match(ours, /\| 3\.00 \+ 1\.00 \+ 2\.00 \|/);
    assert.doesNotMatch(ssh, /\+/);
  });

  it("belongs to a process by its command line", () => {
    const roles = {
      "pulumi up --yes ": "engine",
      "/cache/bin/pulumi-language-nodejs 127.0.0.1:1 ": "engine",
      "node /x/node_modules/@pulumi/pulumi/cmd/run --tracing  index.cjs ": "program",
      "/cache/bin/pulumi-language-yaml -root=/x 127.0.0.1:1 ": "program",
      "node /x/node_modules/@pulumi/pulumi/cmd/dynamic-provider 127.0.0.1:1 ": "provider",
      "node /x/node_modules/.bin/pulumi-resource-macvlan 127.0.0.1:1 ": "provider",
      "/x/plugins/resource-command-v1.2.1/pulumi-resource-command 127.0.0.1:1 ": "provider",
      "/bin/sh -c exec pulumi up ": undefined,
      "ssh node1 pulumi ": undefined,
    };
    for (const [command, role] of Object.entries(roles)) assert.equal(roleOf(command), role, command);
  });
});

describe("the benchmark's tables", () => {
  const results = resultsOf({
    macvlan: { apply: [10, 12], preview: [5, 5] },
    ssh: { apply: [2, 2], preview: [1, 1] },
  });

  it("show seconds with their spread, and a dash if a contender has no such phase", () => {
    const [ours, ssh] = results.contenders;
    assert.ok(ours && ssh);
    const lacking = { ...results, contenders: [{ ...ours, lacks: { preview: "asks no host" } }, ssh] };
    const [, , first, second] = wallTable(lacking, CELL).split("\n");
    assert.equal(
      first,
      "| the macvlan | 11.0 (10.0–12.0) | 1.00 (1.00–1.00) | – (5.00) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) | 19.0 (18.0–20.0) |",
    );
    assert.match(second ?? "", /^\| the ssh \| 2\.00/);
    assert.match(renderDocument(lacking, "x.svg"), /It has no preview: asks no host\./);
  });

  it("show costs of one host, and as ratios", () => {
    const [, , ours = ""] = costTable(results, CELL, "apply").split("\n");
    const cells = ours.split("|").map((cell) => cell.trim());
    assert.deepEqual(cells.slice(3, 5), ["5.50", "1.00"]);
    assert.deepEqual(cells.slice(7, 10), ["", "1.38 (1.25–1.50)", "5.50"]);
    assert.deepEqual(cells.slice(-5, -1), ["1", "1", "1.00 kB", "2.00 kB"]);
  });

  it("show which cells were left out, and what failed", () => {
    const [ours, ssh] = results.contenders;
    assert.ok(ours && ssh);
    const far = sampleOf("ssh", "apply", 3, { hosts: 100 });
    const broken = sampleOf("ssh", "apply", 3, { hosts: 200, failure: "node7: web: up is undefined" });
    const all = {
      ...results,
      contenders: [{ ...ours, cap: 50 }, ssh],
      samples: [...results.samples, far, broken],
    };
    const [, , first, second] = growthTable(all, 0, "apply").split("\n");
    assert.equal(first, "| the macvlan | 11.0 (10.0–12.0) | not run | not run |");
    assert.equal(second, "| the ssh | 2.00 (2.00–2.00) | 3.00 | failed |");
    assert.match(renderDocument(all, "x.svg"), /## What failed\n\n- ssh, 200 hosts.*node7: web/);
  });

  it("name a contender that could not take part, with the reason", () => {
    const [ours] = results.contenders;
    assert.ok(ours);
    const absent = {
      ...ours,
      id: "ansible",
      title: "Ansible",
      unavailable: "cannot be installed here: no python3",
    };
    const page = renderDocument({ ...results, contenders: [ours, absent] }, "x.svg");
    assert.match(page, /- \*\*Ansible\*\*.*It did not take part\*\*: cannot be installed here: no python3\./);
  });

  it("keep a bar in a cell from ending it", () => {
    assert.equal(markdownTable(["a"], [["x | y"]]), "| a |\n| --- |\n| x \\| y |");
  });
});

describe("the benchmark's drawing", () => {
  it("has logarithmic scales with round ticks", () => {
    const x = scale([1, 100], [0, 200]);
    assert.deepEqual([1, 10, 100].map(x).map(Math.round), [0, 100, 200]);
    assert.equal(scale([5, 5], [0, 200])(5), 100);
    assert.deepEqual(ticks(0.15, 12), [0.2, 0.5, 1, 2, 5, 10]);
  });

  it("moves labels apart as far as needed, in their order", () => {
    assert.deepEqual(spreadOut([100, 0, 101], 10), [95.5, 0, 105.5]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 12 }), (places) => {
        const moved = spreadOut(places, 16);
        const order = places.map((_, i) => i).sort((a, b) => (moved[a] ?? 0) - (moved[b] ?? 0));
        for (const [k, i] of order.entries()) {
          const next = order[k + 1];
          if (next === undefined) continue;
          assert.ok((moved[next] ?? 0) - (moved[i] ?? 0) >= 16 - 1e-6);
          assert.ok((places[next] ?? 0) >= (places[i] ?? 0));
        }
      }),
    );
  });

  it("has one panel per round trip, with each contender's line and name, for light and dark", () => {
    const given = { macvlan: { apply: [10], preview: [5] }, "a<b": { apply: [2], preview: [1] } };
    const near = resultsOf(given);
    const far = resultsOf(given, { rtt: 50, hosts: 100 });
    const more = [near, far].flatMap(({ samples }) => samples.map((s) => ({ ...s, hosts: 2 * s.hosts })));
    const svg = renderDrawing({ ...near, samples: [...near.samples, ...far.samples, ...more] });
    assert.equal(svg.match(/class="line /g)?.length, 4);
    assert.match(svg, /round trip 0 ms.*round trip 50 ms/s);
    assert.match(svg, /the a&lt;b/);
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.doesNotMatch(svg, /NaN|Infinity/);
    assert.doesNotMatch(renderPlot("t", "d", [{ title: "one", lines: [] }]), /NaN/);
  });

  it("has bars instead if there is one number of hosts", () => {
    const svg = renderDrawing(
      resultsOf({ hostlinks: { apply: [5], preview: [5] }, ssh: { apply: [2], preview: [1] } }),
    );
    assert.doesNotMatch(svg, /class="line /);
    assert.match(svg, /<rect class="dot own"[^>]*width="628"/);
    assert.match(svg, /<rect class="dot floor"[^>]*width="251.2"[^]*the ssh: 2\.00 s/);
    assert.doesNotMatch(svg, /NaN|Infinity/);
  });
});
