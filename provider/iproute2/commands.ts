/** Renders a plan's steps as commands of a host. Pure. */
import { isIPv6Cidr } from "../model/addresses";
import { UNITS } from "../model/boot-names";
import type { BootFile, LinkId, LinkRecord, SettingKey } from "../model/host";
import { type PortTool } from "../model/observation";
import { type OwnerMark, markOf } from "../model/owner";
import { SECRET } from "../model/redact";
import { concealed } from "../model/secret-parts";
import { type VlanRange, describeRange, vlanChanges } from "../model/vlans";
import type { PlannedStep, Step } from "../model/steps";
import { commandLine, quote } from "../shell/quote";
/** One command on the host. */
export type Command =
  /** `ip`, in a namespace (`""`: the host's own); its output is an error only if its exit code is. */
  | {
      readonly run: "ip";
      readonly netns: string;
      readonly words: readonly string[];
      /** An IPv6 address of that namespace that has to be past its duplicate detection. */
      readonly awaits?: string;
    }
  /** A program that may print an error and exit with 0 all the same. */
  | { readonly run: "program"; readonly netns: string; readonly words: readonly string[] }
  /** Sets a sysctl of a link, if the kernel has it for that link. */
  | { readonly run: "sysctl"; readonly netns: string; readonly path: string; readonly value: string }
  /** Writes to a file of /sys. */
  | { readonly run: "write"; readonly netns: string; readonly path: string; readonly value: string }
  | { readonly run: "recordLink"; readonly link: LinkId; readonly json: string }
  | { readonly run: "recordNetns"; readonly name: string; readonly json: string }
  | { readonly run: "forget"; readonly file: string }
  /** A function of `boot-files.sh` with its arguments. */
  | { readonly run: "bootFile"; readonly words: readonly string[]; readonly description: string };

/** Name of the file with a link's record. Neither name can contain `/`, and a link's name cannot contain `:`. */
export function recordFile(link: LinkId): string {
  return `links/${link.netns}:${link.name}`;
}

function recordNetns({ name, mark }: { readonly name: string; readonly mark: OwnerMark }): Command {
  return { run: "recordNetns", name, json: JSON.stringify({ name, ...markOf(mark) }) };
}

/** The commands of a step, in order. */
export function commandsOf(step: Step, portTool: PortTool): Command[] {
  switch (step.do) {
    case "addNetns":
      return [
        ip("", "netns", "add", step.name),
        recordNetns(step),
        ip(step.name, "link", "set", "dev", "lo", "up"),
      ];
    case "recordNetns":
      return [recordNetns(step)];
    case "deleteNetns":
      return [ip("", "netns", "delete", step.name), { run: "forget", file: `netns/${step.name}` }];
    case "addLink":
      return [addLink(step)];
    case "deleteLink":
      return [ip(step.link.netns, "link", "delete", "dev", step.link.name)];
    case "moveLink":
      return [moveLink(step.link, step.netns)];
    case "renameLink":
      return [ip(step.link.netns, "link", "set", "dev", step.link.name, "name", step.name)];
    case "set":
      return setCommands(step, portTool);
    case "up":
    case "down":
      return [ip(step.link.netns, "link", "set", "dev", step.link.name, step.do)];
    case "addAddress": {
      const { cidr, broadcast } = step.address;
      const brd = broadcast === undefined ? [] : ["broadcast", broadcast];
      // replace: the same as add, but no error if the kernel has kept the address
      return [ip(step.link.netns, "address", "replace", cidr, ...brd, "dev", step.link.name)];
    }
    case "deleteAddress":
      return [ip(step.link.netns, "address", "delete", step.address.cidr, "dev", step.link.name)];
    case "addRoute":
    case "deleteRoute":
      return [routeCommand(step)];
    case "announce":
      // setting the current address again makes the kernel notify the neighbours (NETDEV_CHANGEADDR with arp_notify and
      // ndisc_notify: net/ipv4/devinet.c, net/ipv6/ndisc.c)
      return [ip(step.link.netns, "link", "set", "dev", step.link.name, "address", step.macAddress)];
    case "record":
      return [{ run: "recordLink", link: step.record, json: recordJson(step.record) }];
    case "forget":
      return [{ run: "forget", file: recordFile(step.link) }];
    case "setBootFiles":
      return [
        ...step.remove.map(({ path }) => bootFile(`remove ${path}`, "pm_drop_file", path)),
        ...step.write.map(putBootFile),
        ...reloadFor([...step.remove, ...step.write].map(({ path }) => path)),
      ];
    case "restoreBootFiles":
      return [
        ...step.paths.toReversed().map((path) => bootFile(`restore ${path}`, "pm_back_file", path)),
        ...reloadFor(step.paths),
      ];
  }
}

function ip(netns: string, ...words: string[]): Extract<Command, { run: "ip" }> {
  return { run: "ip", netns, words };
}

/** Always the same text: an undo has the record as it was read, with its index. */
function recordJson({ name, netns, resource, made, restore, ...mark }: Omit<LinkRecord, "ifIndex">): string {
  return JSON.stringify({ name, netns, ...markOf(mark), resource, made, restore });
}

function bootFile(description: string, ...words: string[]): Command {
  return { run: "bootFile", words, description };
}

function putBootFile({ path, content }: BootFile): Command {
  if (!content) throw new TypeError(`${path} has no content to write`);
  return "target" in content
    ? bootFile(`link ${path} to ${content.target}`, "pm_put_link", path, content.target)
    : bootFile(`write ${path}`, "pm_put_file", path, content.mode, content.text);
}

/** systemd reads units at first use, and again only on daemon-reload. */
function reloadFor(paths: readonly string[]): Command[] {
  return paths.some((path) => path.startsWith(`${UNITS}/`))
    ? [bootFile("systemctl daemon-reload", "pm_reload_units")]
    : [];
}

function addLink(step: Extract<Step, { do: "addLink" }>): Command {
  const { link, kind, parent, settings } = step;
  const words = ["link", "add", "name", link.name];
  if (parent !== "") words.push("link", parent);
  const given = Object.entries(settings) as [SettingKey, string][];
  for (const [key, value] of given) {
    if (key.startsWith("link.") && !isLeftToKernel(key, value)) words.push(wordOf(key), value);
  }
  // made in its namespace directly: it never appears in the host's own namespace
  if (link.netns !== "") words.push("netns", link.netns);
  words.push("type", kind);
  for (const [key, value] of given) {
    if (key === "type.flags") words.push(...flagWords(value, ""));
    else if (isMap(key)) words.push(...mapWords(key, value, ""));
    else if (key === "type.flag") words.push(value);
    else if (key.startsWith("type.") && value !== "") words.push(wordOf(key), value);
  }
  return ip("", ...words);
}

/**
 * Stands for the script's own namespace, which is named by a process in it: `$$`, which the script expands. No input
 * can be this word.
 */
export const OWN_NETNS = "\0own";

function moveLink(link: LinkId, netns: string): Command {
  return ip(link.netns, "link", "set", "dev", link.name, "netns", netns === "" ? OWN_NETNS : netns);
}

/** What a plan does not know: a bond without ports has a random address, and a released port its previous MTU. */
function isLeftToKernel(key: SettingKey, value: string): boolean {
  return value === "" && (key === "link.address" || key === "link.mtu");
}

function setCommands(step: Extract<Step, { do: "set" }>, portTool: PortTool): Command[] {
  const { link, key, value } = step;
  const word = wordOf(key);
  const dev = ["link", "set", "dev", link.name];
  if (key === "link.master") {
    return [ip(link.netns, ...dev, ...(value === "" ? ["nomaster"] : ["master", value]))];
  }
  if (isLeftToKernel(key, value)) return [];
  if (key.startsWith("link.")) return [ip(link.netns, ...dev, word, value)];
  if (key === "type.macaddr") {
    const list = value === "" ? ["flush"] : ["set", ...value.split(" ")];
    return [ip(link.netns, ...dev, "type", step.kind, "macaddr", ...list)];
  }
  if (key === "type.flags") {
    const mode = step.mode === undefined ? [] : ["mode", step.mode];
    return [ip(link.netns, ...dev, "type", step.kind, ...mode, ...flagWords(value, "null"))];
  }
  if (isMap(key)) {
    const map = mapWords(key, value, step.was ?? "");
    return map.length === 0 ? [] : [ip(link.netns, ...dev, "type", step.kind, ...map)];
  }
  if (key === "type.primary" && value === "") {
    // iproute2 only accepts the name of a link (ip/iplink_bond.c)
    return [{ run: "write", netns: link.netns, path: `/sys/class/net/${link.name}/bonding/primary`, value }];
  }
  // ip-link(8), ipvlan: `bridge`, `private` and `vepa` stand for themselves
  if (key === "type.flag") return [ip(link.netns, ...dev, "type", step.kind, value)];
  if (key.startsWith("type.")) return [ip(link.netns, ...dev, "type", step.kind, word, value)];
  if (key.endsWith(".vlans")) return vlanCommands(step);
  if (key.startsWith("port.")) return [portCommand(step, word, portTool)];
  const [family = "", name = ""] = word.split(".");
  const path = `/proc/sys/net/${family}/conf/${link.name}/${name}`;
  return [{ run: "sysctl", netns: link.netns, path, value }];
}

/** `nopromisc nodst` → `flag nopromisc flag nodst` (ip-link(8), macvlan). */
function flagWords(value: string, none: "null" | ""): string[] {
  const flags = value === "" ? (none === "" ? [] : [none]) : value.split(" ");
  return flags.flatMap((flag) => ["flag", flag]);
}

function isMap(key: SettingKey): boolean {
  return key.endsWith("-qos-map");
}

/** The kernel only accepts entries, and forgets one that is mapped to 0 (net/8021q/vlan_dev.c). */
function mapWords(key: SettingKey, value: string, was: string): string[] {
  const entries = value.split(" ").filter(Boolean);
  const from = (entry: string): string => entry.split(":")[0] ?? "";
  const gone = was.split(" ").filter((old) => old !== "" && !entries.some((e) => from(e) === from(old)));
  const all = [...gone.map((old) => `${from(old)}:0`), ...entries];
  return all.length === 0 ? [] : [wordOf(key), ...all];
}

/** bridge(8), bridge vlan: `self` distinguishes a bridge itself from its ports. */
function vlanCommands({ link, key, value, was }: Extract<Step, { do: "set" }>): Command[] {
  const { add, remove } = vlanChanges(was, value);
  const self = key === "self.vlans" ? ["self"] : [];
  const command = (
    verb: "add" | "delete",
    range: Pick<VlanRange, "from" | "to">,
    ...flags: string[]
  ): Command => ({
    run: "program",
    netns: link.netns,
    words: ["bridge", "vlan", verb, "dev", link.name, "vid", describeRange(range), ...self, ...flags],
  });
  return [
    ...add.map((range) =>
      command("add", range, ...(range.pvid ? ["pvid"] : []), ...(range.untagged ? ["untagged"] : [])),
    ),
    ...remove.map((range) => command("delete", range)),
  ];
}

/** The options of a port that brctl(8) can set, with its words. */
const BRCTL_WORDS: Readonly<Record<string, string>> = {
  hairpin: "hairpin",
  cost: "setpathcost",
  priority: "setportprio",
};

/** The files of a port under /sys/class/net/PORT/brport (net/bridge/br_sysfs_if.c). */
const SYSFS_FILES: Readonly<Record<string, string>> = {
  hairpin: "hairpin_mode",
  isolated: "isolated",
  learning: "learning",
  flood: "unicast_flood",
  mcast_flood: "multicast_flood",
  cost: "path_cost",
  priority: "priority",
  guard: "bpdu_guard",
  root_block: "root_block",
};

/** Whether a tool can set an option of a port at all. */
export function portToolSets(tool: PortTool, word: string): boolean {
  return tool === "brctl" ? word in BRCTL_WORDS : tool === "sysfs" ? word in SYSFS_FILES : true;
}

function portCommand(step: Extract<Step, { do: "set" }>, word: string, tool: PortTool): Command {
  const { link, value } = step;
  const able = portToolSets(tool, word) ? tool : "sysfs";
  switch (able) {
    case "bridge":
      return {
        run: "program",
        netns: link.netns,
        words: ["bridge", "link", "set", "dev", link.name, word, value],
      };
    case "ip":
      return ip(link.netns, "link", "set", "dev", link.name, "type", "bridge_slave", word, value);
    case "brctl": {
      const words = ["brctl", BRCTL_WORDS[word] ?? word, step.bridge ?? "", link.name, value];
      return { run: "program", netns: link.netns, words };
    }
    case "sysfs": {
      const path = `/sys/class/net/${link.name}/brport/${SYSFS_FILES[word] ?? word}`;
      const bit = value === "on" ? "1" : value === "off" ? "0" : value;
      return { run: "write", netns: link.netns, path, value: bit };
    }
  }
}

function routeCommand(step: Extract<Step, { do: "addRoute" | "deleteRoute" }>): Command {
  const { route, link } = step;
  const verb = step.do === "deleteRoute" ? "delete" : step.replace ? "replace" : "add";
  const words = ["route", verb, route.to, ...wordsIn(route.selector)];
  if (route.via !== undefined) {
    const isOther = isIPv6Cidr(route.via) !== isIPv6Cidr(route.to);
    words.push("via", ...(isOther ? [isIPv6Cidr(route.via) ? "inet6" : "inet"] : []), route.via);
  }
  words.push("dev", link.name);
  if (route.source !== undefined) words.push("src", route.source);
  if (route.metric !== undefined) words.push("metric", String(route.metric));
  // the protocol distinguishes it from a route that was added beside it
  if (step.do === "addRoute") words.push("proto", route.protocol ?? "static", ...wordsIn(route.foreign));
  else if (route.protocol !== undefined) words.push("proto", route.protocol);
  const command = ip(link.netns, ...words);
  const awaits = step.do === "addRoute" && route.source !== undefined && isIPv6Cidr(route.source);
  return awaits ? { ...command, awaits: route.source } : command;
}

/** iproute2's words in a part of a route: `tos 0x10`. */
function wordsIn(text = ""): string[] {
  return text === "" ? [] : text.split(" ");
}

function wordOf(key: SettingKey): string {
  return key.slice(key.indexOf(".") + 1);
}

/** Whether a command only records the owner of a link or namespace in a file under /run. */
export function isNote(command: Command): boolean {
  return command.run === "recordLink" || command.run === "recordNetns" || command.run === "forget";
}

/** A command as it would be typed, for messages and reports: safe to paste into a shell. */
export function describeCommand(command: Command): string {
  switch (command.run) {
    case "ip": {
      const words = command.words.map((w) => (w === OWN_NETNS ? "$$" : quote(w)));
      return ["ip", ...(command.netns === "" ? [] : ["-n", quote(command.netns)]), ...words].join(" ");
    }
    case "program":
      return commandLine([...inNetns(command.netns), ...command.words]);
    case "sysctl":
    case "write": {
      const write = `echo ${quote(command.value)} > ${quote(command.path)}`;
      return command.netns === "" ? write : `${commandLine(inNetns(command.netns))} sh -c ${quote(write)}`;
    }
    case "recordLink":
    case "recordNetns":
      return `record the owner of ${command.run === "recordLink" ? command.link.name : command.name}`;
    case "forget":
      return `forget ${command.file}`;
    case "bootFile":
      return command.description;
  }
}

/** Words that run a program inside a namespace, with the namespace's /sys, which `ip -n` does not provide. */
export function inNetns(netns: string): string[] {
  return netns === "" ? [] : ["ip", "netns", "exec", netns];
}

/** A command's words for the shell. The prelude defines the shell functions that it may call. */
export function shellWords(command: Command): string {
  switch (command.run) {
    case "ip": {
      if (command.words[0] === "netns" && command.words[1] === "add")
        return commandLine(["pm_add_netns", ...command.words.slice(2)]);
      if (command.words[0] === "netns" && command.words[1] === "delete")
        return commandLine(["pm_delete_netns", ...command.words.slice(2)]);
      const words = command.words.map((w) => (w === OWN_NETNS ? "$$" : quote(w))).join(" ");
      return `ip ${command.netns === "" ? "" : `-n ${quote(command.netns)} `}${words}`;
    }
    case "program":
      return commandLine([...inNetns(command.netns), ...command.words]);
    case "sysctl":
      return command.netns === ""
        ? commandLine(["pm_sysctl", command.value, command.path])
        : commandLine([
            ...inNetns(command.netns),
            ...["sh", "-c", '[ ! -e "$2" ] || printf "%s\\n" "$1" > "$2"', "sh", command.value, command.path],
          ]);
    case "write":
      return command.netns === ""
        ? commandLine(["pm_write", command.value, command.path])
        : commandLine([
            ...inNetns(command.netns),
            ...["sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sh", command.value, command.path],
          ]);
    case "recordLink": {
      const { name, netns } = command.link;
      return `pm_record_link ${[recordFile(command.link), netns, name, command.json].map(quote).join(" ")}`;
    }
    case "recordNetns":
      return commandLine(["pm_record_netns", command.name, command.json]);
    case "forget":
      return forgetWords([command.file]);
    case "bootFile":
      return commandLine(command.words);
  }
}

/** Words for the shell that remove records. */
export function forgetWords(files: readonly string[]): string {
  return ["rm -f", ...files.map(recordPath)].join(" ");
}

/** The path of a record, for the shell. */
export function recordPath(file: string): string {
  return `"$D"/${quote(file)}`;
}

/** The commands of a step as people may see them: as many, without secret values. */
export function shownCommandsOf(step: Step, portTool: PortTool): Command[] {
  // how many commands a list of VLANs takes follows from the list
  if (step.do === "set" && step.key.endsWith(".vlans") && step.secret !== undefined) {
    return commandsOf(step, portTool).map((command) =>
      command.run === "program"
        ? { ...command, words: [...command.words.slice(0, command.words.indexOf("vid") + 1), SECRET] }
        : command,
    );
  }
  return commandsOf(concealed(step), portTool);
}

/** A step as it would be typed: `ip link set dev eth0 master br0`. */
export function describeStep(step: Step, portTool: PortTool): string {
  return shownCommandsOf(step, portTool).map(describeCommand).join("; ");
}

/** The commands of a plan as they would be typed, for logs and reports. */
export function describeSteps(steps: readonly PlannedStep[], portTool: PortTool): string[] {
  return steps.flatMap(({ step }) => describeStep(step, portTool) || []);
}
