import assert from "node:assert/strict";
import { judgeHost } from "../../../provider/cli/doctor/judge";
import { type Abilities, type Examined, parseAbilities } from "../../../provider/cli/doctor/probe";
import { diagnosisText } from "../../../provider/cli/doctor/table";
import { paintFor, plain } from "../../../provider/cli/paint";
import type { HostFacts, Unreadable } from "../../../provider/model/observation";
import { nic } from "../../support/hosts";
import { macvlan, observed } from "../../support/hosts";

const ABLE: Abilities = {
  system: "Debian GNU/Linux 12 (bookworm)",
  features: {
    macvlan: "yes",
    bridge: "module",
    "8021q": "yes",
    bonding: "yes",
    macvtap: "yes",
    ipvlan: "yes",
  },
  writable: ["/proc/sys/net/ipv4/conf/all/arp_filter", "/run"],
  managers: [],
  nics: [],
};

/** Versions that lack nothing. */
const NEW = { kernel: "6.12.0-18-amd64", iproute2: "6.15.0" };

function examined(
  facts: Partial<HostFacts> = {},
  abilities: Partial<Abilities> = {},
  more: Partial<Examined> = {},
): Examined {
  const observation = observed();
  return {
    user: "root",
    become: "none",
    observation: { ...observation, facts: { ...observation.facts, ...NEW, ...facts } },
    abilities: { ...ABLE, ...abilities },
    ...more,
  };
}

function withUnreadable(...unreadable: Unreadable[]): Examined {
  const host = examined();
  return { ...host, observation: { ...host.observation, unreadable } };
}

function withoutIPv6(): Examined {
  const host = examined();
  const links = [{ ...nic("eth0", 2), settings: { "link.mtu": "1500" } }];
  return {
    ...host,
    observation: { ...host.observation, state: { ...host.observation.state, links } },
  };
}

/** What is not as it should be: `status check: found`. */
const findings = (host: Examined): string[] =>
  judgeHost(host)
    .filter((c) => c.status !== "ok")
    .map((c) => `${c.status} ${c.check}: ${c.found}`);

const CASES: readonly (readonly [what: string, host: Examined, findings: string[]])[] = [
  ["nothing missing on a host that can do everything", examined(), []],
  [
    "a user without root rights",
    examined({ root: false }, {}, { user: "ops" }),
    ["missing login: ops, not root"],
  ],
  [
    "a sudo that refuses",
    examined({ root: false }, { writable: [] }, { user: "ops", notRoot: "sudo gave no root shell" }),
    ["missing login: ops, not root", "note sysctls: not checked as root", "note /run: not checked as root"],
  ],
  [
    "a host without the command ip",
    examined({ iproute2: undefined, ipVersionText: "" }),
    ["missing iproute2: no ip command"],
  ],
  [
    "a link that cannot be read",
    withUnreadable({ netns: "", what: "link", link: "odd", reason: "mtu is text", text: "{" }),
    ['note ip\'s output: what ip printed of the link odd cannot be read (mtu is text: "{"); it is ignored'],
  ],
  [
    "busybox",
    examined({ iproute2: undefined, ipVersionText: "BusyBox v1.36", portTool: "sysfs" }),
    [
      "missing iproute2: BusyBox v1.36",
      "note vlan filtering: in the kernel, no bridge command",
      "note hairpin: by sysfs",
    ],
  ],
  [
    "an old iproute2",
    examined({ iproute2: undefined, ipVersionText: "ip utility, iproute2-ss180129" }),
    ["missing iproute2: ip utility, iproute2-ss180129"],
  ],
  [
    "an iproute2 that lacks options",
    examined({ iproute2: "5.10.0" }),
    ["note iproute2: 5.10.0, prints JSON"],
  ],
  [
    "a kernel that ignores options",
    examined({ kernel: "5.10.0-33-amd64" }),
    ["note kernel: 5.10.0-33-amd64"],
  ],
  [
    "nothing if the kernel's version does not show what it has",
    examined({ kernel: "5.14.0-427.el9.x86_64" }),
    [],
  ],
  [
    "what the kernel lacks",
    examined(
      { vlanFiltering: false },
      { features: { ...ABLE.features, macvlan: "no", bonding: "no", ipvlan: "unknown" } },
    ),
    [
      "missing macvlan: not in 6.12.0-18-amd64",
      "note vlan filtering: not in the kernel",
      "note bonding: not in 6.12.0-18-amd64",
      "note ipvlan: unknown",
    ],
  ],
  [
    "a host without the command bridge",
    examined({ portTool: "ip" }),
    ["note vlan filtering: in the kernel, no bridge command"],
  ],
  [
    "a host with brctl alone",
    examined({ portTool: "brctl" }),
    ["note vlan filtering: in the kernel, no bridge command", "note hairpin: by brctl"],
  ],
  ["a host without flock", examined({ tools: ["ip", "sha256sum"] }), ["note locking: no flock"]],
  [
    "a read-only /proc and /run",
    examined({}, { writable: [] }),
    ["missing sysctls: read-only", "missing /run: read-only"],
  ],
  ["a kernel without IPv6", withoutIPv6(), ["note IPv6: not in the kernel"]],
  ["Wi-Fi", examined({ wireless: ["wlan0"] }), ["note Wi-Fi: wlan0"]],
  [
    "other managers",
    examined({}, { managers: ["systemd-networkd", "NetworkManager"] }),
    ["note managers: systemd-networkd", "note managers: NetworkManager"],
  ],
  [
    "a host where nothing would create links at boot",
    examined({ init: undefined }),
    ["note boot: no init system"],
  ],
  [
    "a host where boot files cannot be verified",
    examined({ tools: ["ip", "flock"] }),
    ["note boot: systemd, no sha256sum"],
  ],
];

describe("the doctor", () => {
  for (const [what, host, wanted] of CASES) {
    it(`reports ${what}`, () => {
      assert.deepEqual(findings(host), wanted);
      assert.ok(
        judgeHost(host).every((c) => c.status === "ok" || (c.advice ?? "") !== ""),
        "with what to do",
      );
    });
  }

  it("counts the MAC addresses of NICs whose limit is known", () => {
    const children = Array.from({ length: 16 }, (_, i) => macvlan(`m${i}`));
    const host: Examined = {
      ...examined(
        {},
        {
          nics: [
            { name: "eth0", driver: "e1000e" },
            { name: "eth1", driver: "mlx5_core" },
          ],
        },
      ),
      observation: { ...observed(children), facts: examined().observation.facts },
    };
    assert.deepEqual(findings(host), ["note MACs of eth0: 17 of about 15 (e1000e)"]);
  });

  it("knows no driver by the name of a property that every object has", () => {
    const nics = [{ name: "eth0", driver: "constructor" }];
    const observation = observed([macvlan("web")]);
    const found = judgeHost({ ...examined({}, { nics }), observation }).filter((c) =>
      c.check.startsWith("MACs"),
    );
    assert.deepEqual(found, [
      { check: "MACs of eth0", status: "ok", found: "2 (constructor: its limit is not known)" },
    ]);
  });

  it("reads what a host printed, and refuses it if truncated", () => {
    const printed = [
      ...[
        "Last login: today",
        "@m system",
        "Debian GNU/Linux 12",
        "@m features",
        "macvlan yes",
        "bridge module",
      ],
      ...["@m writable", "/run", "@m processes", "bash", "constructor", "__proto__", "systemd-network"],
      ...["@m nics", "eth0 virtio_net", "@m end", ""],
    ].join("\n");
    assert.deepEqual(parseAbilities(printed, "@m"), {
      system: "Debian GNU/Linux 12",
      features: { macvlan: "yes", bridge: "module" },
      writable: ["/run"],
      managers: ["systemd-networkd"],
      nics: [{ name: "eth0", driver: "virtio_net" }],
    });
    assert.throws(() => parseAbilities(printed.replace("@m end", ""), "@m"), /is incomplete/);
  });

  it("prints a table that is aligned, with the advice below", () => {
    const checks = [
      { check: "login", status: "ok", found: "root" },
      { check: "iproute2", status: "missing", found: "no ip\u001b[2J", advice: "Install it." },
    ] as const;
    const hosts = [
      { host: "node1", system: "Debian", kernel: "6.1", checks },
      { host: "node2", error: "refused" },
    ];
    assert.equal(
      diagnosisText(hosts, plain),
      `node1  Debian, Linux 6.1
  ok       login     root
  missing  iproute2  no ip\\u001b[2J
           Install it.

node2
  unreachable  refused
`,
    );
  });

  it("has colours on a terminal only, and never against NO_COLOR", () => {
    const [terminal, file] = [{ isTTY: true }, {}];
    assert.equal(paintFor(terminal, {})("red", "x"), "\u001b[31mx\u001b[0m");
    assert.equal(paintFor(file, {})("red", "x"), "x");
    assert.equal(paintFor(terminal, { NO_COLOR: "1" })("red", "x"), "x");
    assert.equal(paintFor(terminal, { NO_COLOR: "" })("red", "x"), "\u001b[31mx\u001b[0m");
    assert.equal(paintFor(terminal, { TERM: "dumb" })("red", "x"), "x");
  });
});
