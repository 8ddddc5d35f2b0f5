import assert from "node:assert/strict";
import type { CheckedResult } from "../../../provider/cli/checks";
import { type Seen, seenKey } from "../../../provider/cli/look";
import { plain } from "../../../provider/cli/paint";
import { compareStack } from "../../../provider/cli/report/compare";
import { reportMarkdown } from "../../../provider/cli/report/markdown";
import { type Report, differs, hasFailed, isDisproved } from "../../../provider/cli/report/model";
import { reportText } from "../../../provider/cli/report/text";
import { readStack } from "../../../provider/cli/stack";
import type { Observation } from "../../../provider/model/observation";
import type { LinkState } from "../../../provider/model/host";
import { macvlan, observed } from "../../support/hosts";
import { inputsOf, step } from "./previews";

/** The host with a record that the stack has made these links, as an `up` leaves it. */
function owned(links: readonly LinkState[]): Observation {
  const records = links.map(({ name, netns, ifIndex }) => ({
    ...{ name, netns, ifIndex, owner: "fleet/dev", resource: name, made: true, restore: [] },
  }));
  return observed(links, { records });
}

function reportOn(steps: readonly object[], seen: Seen | Observation, more: object = {}): Report {
  const stack = readStack(JSON.stringify({ steps, ...more }), "it");
  const host: Seen = "facts" in seen ? { label: "node1", observation: seen } : seen;
  return compareStack(stack, new Map([[seenKey({ address: "node1" }), host]]));
}

const WEB = inputsOf("web", { mtu: 1500, addresses: ["192.0.2.10/24"] });
const DRIFTED = macvlan("web", {
  settings: { "link.mtu": "1400" },
  addresses: [{ cidr: "192.0.2.10/24", broadcast: "192.0.2.255" }],
});

const MARKDOWN = `<!-- pulumi-macvlan report fleet/dev -->

### pulumi-macvlan: \`fleet/dev\`

2 links on 1 host: 1 update, 1 create; drift on 1 link.

| host | links | to do | drift |
| :-- | :-- | :-- | :-- |
| \`node1\` | 2 | 1 update, 1 create | \`web@eth0\` |

#### \`node1\`

**update** \`web@eth0\` (MacvlanInterface \`web\`)

| property | wanted | found | cause |
| :-- | :-- | :-- | :-- |
| \`mtu\` | \`1500\` | \`1400\` | drift |

<details><summary>1 command on node1</summary>

\`\`\`sh
ip link set dev web mtu 1500
\`\`\`

</details>

**create** \`new@eth0\` (MacvlanInterface \`new\`)

| property | wanted | found | cause |
| :-- | :-- | :-- | :-- |
| \`name\` | \`new@eth0\` | \`none\` | program |

<details><summary>4 commands on node1</summary>

\`\`\`sh
ip link add name new link eth0 address 02:00:5e:00:53:11 type macvlan mode bridge
echo 1 > /proc/sys/net/ipv4/conf/new/arp_notify
echo 1 > /proc/sys/net/ipv6/conf/new/ndisc_notify
ip link set dev new up
\`\`\`

</details>

Resources of other providers: 1 create.
`;

const TEXT = `fleet/dev

node1
  update web@eth0  MacvlanInterface "web"
    mtu  found 1400  wanted 1500  drift
    $ ip link set dev web mtu 1500
  create new@eth0  MacvlanInterface "new"
    name  found none  wanted new@eth0
    $ ip link add name new link eth0 address 02:00:5e:00:53:11 type macvlan mode bridge
    $ echo 1 > /proc/sys/net/ipv4/conf/new/arp_notify
    $ echo 1 > /proc/sys/net/ipv6/conf/new/ndisc_notify
    $ ip link set dev new up

Resources of other providers: 1 create.
2 links on 1 host: 1 update, 1 create; drift on 1 link.
`;

describe("the report", () => {
  const created = inputsOf("new", { macAddress: "02:00:5e:00:53:11" });
  const steps = [
    step("update", "web", { before: WEB, after: WEB }),
    step("create", "new", { after: created }),
    { op: "create", urn: "urn:pulumi:dev::fleet::random:index:Id::x", newState: { type: "random:index:Id" } },
  ];

  it("is Markdown for a comment", () =>
    assert.equal(reportMarkdown(reportOn(steps, owned([DRIFTED]))), MARKDOWN));

  it("is text for a terminal", () =>
    assert.equal(reportText(reportOn(steps, owned([DRIFTED])), plain), TEXT));

  it("says that nothing is to be done, whatever the preview had found before", () => {
    const fine = { ...DRIFTED, settings: { ...DRIFTED.settings, "link.mtu": "1500" } } as LinkState;
    const after = { ...WEB, drift: { mtu: "found 1400, wanted 1500" } };
    const report = reportOn([step("update", "web", { before: WEB, after })], owned([fine]));
    assert.deepEqual([differs(report), hasFailed(report)], [false, false]);
    assert.match(reportMarkdown(report), /1 link on 1 host: nothing to do\./);
  });

  it("plans each link on the host as those before it leave it", () => {
    const bridge = inputsOf("br0", { ports: [{ name: "eth1", hairpin: true }], label: "br0" });
    const { mode: _m, parent: _p, macAddress: _a, ...lan } = bridge;
    const child = inputsOf("vm", { parent: "br0", label: "vm@br0" });
    const report = reportOn(
      [step("create", "br0", { after: lan, type: "HairpinBridge" }), step("create", "vm", { after: child })],
      observed(),
    );
    const [, vm] = report.hosts[0]?.links ?? [];
    assert.deepEqual(vm?.problems, []);
    assert.equal(
      vm.commands[0],
      "ip link add name vm link br0 address 02:00:5e:00:53:10 type macvlan mode bridge",
    );
  });

  it("deletes a link that is replaced and creates it again", () => {
    const after = { ...WEB, parent: "eth1", label: "web@eth1" };
    const report = reportOn([step("replace", "web", { before: WEB, after })], owned([DRIFTED]));
    const [link] = report.hosts[0]?.links ?? [];
    assert.deepEqual(link?.commands.slice(0, 2), [
      "ip link delete dev web",
      "ip link add name web link eth1 mtu 1500 address 02:00:5e:00:53:10 type macvlan mode bridge",
    ]);
  });

  it("shows what would fail, and counts as failed", () => {
    const after = inputsOf("web", { parent: "nope0" });
    const report = reportOn([step("create", "web", { after })], observed());
    assert.deepEqual(report.hosts[0]?.links[0]?.problems, [
      "parent: there is no link nope0 on the host; it has eth0, eth1",
    ]);
    assert.ok(hasFailed(report));
  });

  it("keeps an update whose only change is a secret", () => {
    const secret = { ...WEB, mtu: 1400, alias: "[secret]" };
    const report = reportOn([step("update", "web", { before: secret, after: secret })], owned([DRIFTED]));
    const [link] = report.hosts[0]?.links ?? [];
    assert.deepEqual(
      [link?.action, link?.commands, link?.notes],
      ["update", [], ["not compared because secret: alias"]],
    );
  });

  it("shows what came of checks, and of a secret one its path", () => {
    const stack = readStack(
      JSON.stringify({ steps: [step("same", "web", { before: WEB, after: WEB })] }),
      "it",
    );
    const seen = { label: "node1", observation: owned([DRIFTED]) };
    const results: readonly CheckedResult[] = [
      { check: "ping 192.0.2.1", property: "checks[0]", passed: true, ms: 3 },
      { check: "[secret]", property: "checks[1].http" },
    ];
    const checked = new Map(stack.links.map((link) => [link, results]));
    const report = compareStack(stack, new Map([[seenKey({ address: "node1" }), seen]]), checked);
    assert.match(reportText(report, plain), /^ {4}not run: checks\[1\]\.http \[secret\]$/m);
    assert.match(reportText(report, plain), /1 check passed, 1 secret and not run\.$/m);
    assert.match(reportMarkdown(report), /^\| `checks\[1\]\.http` `\[secret\]` \| not run \| – \|$/m);
    const [link] = report.hosts[0]?.links ?? [];
    assert.equal(link && isDisproved(link), false);
  });

  it("shows what the preview had found on a host that cannot be read", () => {
    const after = { ...WEB, drift: { mtu: "found 1400, wanted 1500", host: "found none that answers" } };
    const seen: Seen = { label: "node1", error: "cannot connect to node1: refused" };
    const report = reportOn([step("update", "web", { before: WEB, after })], seen);
    assert.ok(hasFailed(report));
    assert.deepEqual(report.hosts[0]?.links[0]?.differences, [
      { property: "mtu", found: "1400", wanted: "1500", cause: "drift" },
      { property: "host", found: "none that answers", wanted: "", cause: "drift" },
    ]);
    assert.match(reportMarkdown(report), /\| `node1` \| 1 \| \*\*could not be read\*\* \| `web@eth0` \|/);
  });

  it("lets no text of a host be more than text", () => {
    const evil = "a`b``c | <img src=x> @all [x](y) \n# z";
    const link = { ...DRIFTED, settings: { ...DRIFTED.settings, "link.alias": evil } } as LinkState;
    const before = { ...WEB, alias: "fine" };
    const report = reportOn([step("update", "web", { before, after: before })], owned([link]));
    assert.match(
      reportMarkdown(report),
      /\| ```a`b``c \\\| <img src=x> @all \[x\]\(y\) \\n# z``` \| drift \|/,
    );
    assert.ok(reportText(report, plain).includes("found a`b``c | <img src=x> @all [x](y) \\n# z"));
  });

  it("lets no name in a stack's file be more than text", () => {
    const evil = "a\u2028b\u001b[2J";
    const { hosts, ...rest } = reportOn(
      [step("update", "web", { before: WEB, after: WEB })],
      owned([DRIFTED]),
    );
    const report: Report = {
      ...rest,
      ...{ stack: evil, others: { [evil]: 1 } },
      hosts: hosts.map((one) => ({
        ...one,
        host: evil,
        links: one.links.map((link) => ({ ...link, resource: evil, type: evil })),
      })),
    };
    const shown = reportText(report, plain);
    assert.ok(!shown.includes("\u2028") && !shown.includes("\u001b"), shown);
    assert.equal(shown.split("a\\u2028b\\u001b[2J").length - 1, 5, shown);
  });

  it("stays as short as a comment has to be", () => {
    const many = Array.from({ length: 200 }, (_, i) => `node${i}`);
    const hosts = many.flatMap((host) =>
      reportOn([step("update", "web", { before: WEB, after: WEB })], owned([DRIFTED])).hosts.map((h) => ({
        ...h,
        host,
      })),
    );
    const report: Report = { stack: "fleet/dev", source: "preview", hosts, errors: [], others: {} };
    const text = reportMarkdown(report, 20_000);
    assert.ok(text.length <= 20_000, String(text.length));
    assert.match(text, /\| `node199` \| 1 \| 1 update \|/);
    assert.match(text, /The details of \d+ hosts are too long for a comment: see the job's log\./);
  });

  it("distinguishes hosts by how they are reached, and merges none by what they say of their machine", () => {
    const site = (jump: string, key?: string) => ({
      address: "node1",
      jump: { address: jump },
      ...(key && { hostKey: key }),
    });
    const key = `SHA256:${"A".repeat(43)}`;
    const hosts = [site("north"), site("south"), site("south", key)];
    const steps = hosts.map((host, at) => {
      const inputs = inputsOf(`web${at}`, { name: "web", mtu: 1500, host });
      return step("create", `web${at}`, { after: inputs });
    });
    const stack = readStack(JSON.stringify({ steps }), "it");
    const seen = new Map(
      hosts.map((host): [string, Seen] => [seenKey(host), { label: "node1", observation: owned([]) }]),
    );
    const { hosts: reported } = compareStack(stack, seen);
    assert.deepEqual(
      reported.map(({ host }) => host),
      ["node1 through north", "node1 through south", `node1 through south with the key ${key}`],
    );
    for (const { notes } of reported)
      assert.match(notes.join("\n"), /has the same machine ID as node1 through/);
    // each is planned on the host as it was seen there, not as the plans of the others leave it
    for (const { links } of reported)
      assert.deepEqual(
        links.map(({ action }) => action),
        ["create"],
      );
  });

  it("reports a link whose inputs in the file have lost their name as a problem of its own", () => {
    const damaged = step("update", "web", { before: WEB, after: { ...WEB, name: undefined } });
    const other = inputsOf("other", { macAddress: "02:00:5e:00:53:11" });
    const { hosts } = reportOn([damaged, step("create", "other", { after: other })], owned([DRIFTED]));
    assert.deepEqual(
      hosts.map(({ error, links }) => [error, links.map(({ problems }) => problems.length)]),
      [[undefined, [1, 0]]],
    );
  });

  it("leaves out a host whose answer it fails on, and reports the others", () => {
    const steps = ["node1", "node2"].map((address) => {
      const inputs = inputsOf(address, { host: { address } });
      return step("same", address, { before: inputs, after: inputs });
    });
    const stack = readStack(JSON.stringify({ steps }), "it");
    const broken = { ...observed(), state: undefined } as never;
    const seen = new Map<string, Seen>([
      [seenKey({ address: "node1" }), { label: "node1", observation: broken }],
      [seenKey({ address: "node2" }), { label: "node2", observation: observed() }],
    ]);
    const [first, second] = compareStack(stack, seen).hosts;
    assert.match(first?.error ?? "", /^its answer cannot be used: /);
    assert.equal(first?.links.length, 1);
    assert.equal(second?.error, undefined);
    assert.equal(second?.links[0]?.action, "update");
  });
});
