import { commandsOf, recordFile, shellWords } from "../iproute2/commands";
import { isIPv6Cidr } from "../model/addresses";
import type { LinkId } from "../model/host";
import type { PortTool } from "../model/observation";
import { describeOwner } from "../model/owner";
import type { Step } from "../model/steps";
import { prelude, shellText } from "../shell/library";
import { commandLine, quote } from "../shell/quote";
import { type BootMark, markLine } from "./read";

/** The data for the script of a link. */
export interface BootScript {
  readonly mark: BootMark;
  /** `mac0@eth0`, for the reader. */
  readonly label: string;
  /** `bootSteps`: from a host without the link. */
  readonly steps: readonly Step[];
  /** Links that must exist first: the parent, or the link itself if another program makes it. */
  readonly needs: readonly string[];
  /** The ports of a bridge or bond: the steps for a missing one are skipped. */
  readonly ports: readonly string[];
  readonly portTool: PortTool;
}

/** POSIX sh: readable, without secrets, and safe to run at any time and any number of times. */
export function renderBootScript({ mark, label, steps, needs, ports, portTool }: BootScript): string {
  const takes = steps.some((s) => s.do === "deleteAddress");
  const functions = shellText(
    "holder",
    "lock",
    "boot-run",
    ...(steps.some((s) => s.do === "addLink") ? (["boot-make"] as const) : []),
    ...(ports.length === 0 ? [] : (["boot-ports"] as const)),
    ...(takes ? (["boot-take"] as const) : []),
  );
  const waiting = [
    ...needs.map(
      (n) => `await ${quote(n)} || { [ "$mode" = hotplug ] && exit; fail ${quote(`${n} is not there`)}; }`,
    ),
    ...ports.map((p) => `await ${quote(p)} || missing="$missing "${quote(p)}`),
  ];
  const body = steps.flatMap((step) => renderStep(step, { mark, ports, portTool, takes }));
  const isWhole = '[ -z "$missing" ] || [ "$mode" = hotplug ] || fail "not there:$missing"';
  return `#!/bin/sh
${markLine(mark)}
# Makes the link ${label} at boot. "pulumi up" writes and removes this file: change the program instead.
# Repairs a link that exists already. A link of that name that another owner has made is left alone.
mode=$1
${prelude()}${functions}
${[...waiting, ...LOCK, ...body, ...(ports.length === 0 ? [] : [isWhole])].join("\n")}
`;
}

/** Seconds that a boot script waits for a change in progress. A unit has 120 in all. */
const LOCK_SECONDS = 60;

/** Takes the lock of changes, so as not to interfere with "pulumi up". */
const LOCK = [
  'u=$(pm_folder 2>&1) || fail "$u"',
  `pm_lock ${LOCK_SECONDS} || fail "a change of links holds the lock"`,
  "trap ended EXIT",
];

type Rest = Pick<BootScript, "mark" | "ports" | "portTool"> & {
  /** Addresses are taken over from ports. */
  readonly takes: boolean;
};

function renderStep(step: Step, { mark, ports, portTool, takes }: Rest): string[] {
  const words = commandsOf(step, portTool).map(shellWords);
  const run = words.map((w) => `run ${w}`);
  switch (step.do) {
    case "addNetns": {
      const [add = "", record = "", ...more] = run;
      return [`[ -e ${quote(`/run/netns/${step.name}`)} ] || { ${add} && ${record}; }`, ...more];
    }
    case "addLink":
      return makeLink(step.link, mark, run, takes);
    case "addRoute":
      return step.replace ? run : addRoute(step, words);
    case "deleteAddress": {
      const [address = ""] = step.address.cidr.split("/");
      const exactly = `${address}/${isIPv6Cidr(address) ? 128 : 32}`;
      const shown = ipWords(step.link, "-o", "address", "show", "dev", step.link.name, "to", exactly);
      return run.map((r) => `settle ${shown}; ! has ${shown} || ${r}`);
    }
    case "deleteRoute":
      return run.map((r) => `! has ${showRoute(step)} || ${r}`);
    case "down": {
      if (!ports.includes(step.link.name)) return run;
      // a bond accepts no link that is up; a link that is already its port is left as it is
      return words.map(
        (w) =>
          `[ -e ${quote(`/sys/class/net/${step.link.name}/master`)} ] || port ${quote(step.link.name)} ${w}`,
      );
    }
    default: {
      const port = "link" in step && step.link.netns === "" && ports.includes(step.link.name);
      return port ? words.map((w) => `port ${quote(step.link.name)} ${w}`) : run;
    }
  }
}

function makeLink(link: LinkId, mark: BootMark, run: readonly string[], takes: boolean): string[] {
  const shown = ipWords(link, "-o", "link", "show", "dev", link.name);
  const [key, value] = mark.stack === undefined ? ["owner", mark.owner] : ["stack", mark.stack];
  const owner = quote(`"${key}":${JSON.stringify(value)}`);
  const taken = quote(`there is a link ${link.name} that is not of ${describeOwner(mark)}`);
  return [
    `if has ${shown}; then`,
    `  made_by ${owner} ${quote(recordFile(link))} ${shown} || fail ${taken}`,
    "else",
    ...run.map((r) => `  ${r}`),
    ...(takes ? ["  settling=10"] : []),
    "fi",
  ];
}

/** Repairs the link's own route, and never replaces another link's. */
function addRoute(step: Extract<Step, { do: "addRoute" }>, words: readonly string[]): string[] {
  return words.flatMap((w) => [
    `if has ${showRoute(step)}; then v=replace; else v=add; fi`,
    `run ${w.replace(" route add ", ' route "$v" ')}`,
  ]);
}

function showRoute({ link, route }: Extract<Step, { do: "addRoute" | "deleteRoute" }>): string {
  const family = isIPv6Cidr(route.to) ? "-6" : "-4";
  return ipWords(link, family, "route", "show", "exact", route.to, "dev", link.name);
}

function ipWords({ netns }: LinkId, ...words: string[]): string {
  return commandLine(["ip", ...(netns === "" ? [] : ["-n", netns]), ...words]);
}
