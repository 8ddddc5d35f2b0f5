/** The files that make a link at boot, for the init system that is running. Pure. */
import { createHash } from "node:crypto";
import {
  IF_UP,
  INIT_SCRIPTS,
  PREFIX,
  RUNLEVELS,
  SCRIPTS,
  UNITS,
  bootName,
  deviceUnit,
  escapeUnit,
} from "../model/boot-names";
import type { BootFile, LinkId } from "../model/host";
import type { Init } from "../model/observation";
import { markOf } from "../model/owner";
import { quote } from "../shell/quote";
import { type BootMark, markLine } from "./read";

/** The data for boot files. */
export interface Boot {
  readonly link: LinkId;
  readonly mark: BootMark;
  readonly script: string;
  /**
   * Links of the host's own namespace that it depends on: the parent, or the ports; the link itself if it is adopted.
   */
  readonly below: readonly string[];
  /** It takes over addresses from its ports, which their own configuration sets first. */
  readonly takesAddresses: boolean;
  readonly init: Init;
  readonly udev: boolean;
}

/** In the order in which they are written: a file that runs another one comes after it. */
export function bootFiles(boot: Boot): BootFile[] {
  const name = bootName(boot.link);
  const script = file(boot, `${SCRIPTS}/${name}.sh`, "755", boot.script);
  switch (boot.init) {
    case "systemd":
      return [script, ...systemdFiles(boot, name)];
    case "openrc":
      return [
        script,
        file(boot, `${INIT_SCRIPTS}/${PREFIX}${name}`, "755", openrcScript(boot, name)),
        link(boot, `${RUNLEVELS}/default/${PREFIX}${name}`, `${INIT_SCRIPTS}/${PREFIX}${name}`),
      ];
    case "ifupdown":
      return [script, file(boot, `${IF_UP}/${PREFIX}${name}`, "755", ifUpScript(boot, name))];
  }
}

function file({ link: { name, netns }, mark }: Boot, path: string, mode: string, text: string): BootFile {
  const is = `${mode} ${createHash("sha256").update(text).digest("hex")}`;
  return { path, bootName: bootName({ name, netns }), mark: markOf(mark), is, content: { mode, text } };
}

function link(boot: Boot, path: string, target: string): BootFile {
  return { path, bootName: bootName(boot.link), is: `-> ${target}`, content: { target } };
}

/**
 * A template unit with one instance per device. The instance starts whenever the device appears, at boot and when it is
 * plugged in again. Without udev, as in many containers, systemd has no devices to wait for.
 */
function systemdFiles(boot: Boot, name: string): BootFile[] {
  const instances = boot.udev ? boot.below.map(escapeUnit) : [];
  const unit = `${PREFIX}${name}${instances.length === 0 ? "" : "@"}.service`;
  const text = instances.length === 0 ? plainUnit(boot, name) : deviceBoundUnit(boot, name);
  const wants =
    instances.length === 0
      ? [[`multi-user.target`, unit] as const]
      : instances.map((i) => [deviceUnit(i), `${PREFIX}${name}@${i}.service`] as const);
  return [
    file(boot, `${UNITS}/${unit}`, "644", text),
    ...wants.map(([wanting, desired]) =>
      link(boot, `${UNITS}/${wanting}.wants/${desired}`, `${UNITS}/${unit}`),
    ),
  ];
}

/** Its name contains only letters, digits, `-` and `_`, and systemd escapes the instance itself. */
function deviceBoundUnit(boot: Boot, name: string): string {
  const device = deviceUnit("%i");
  return unitText(boot, name, {
    description: `Link ${name} of pulumi-macvlan, on %i`,
    order: [`BindsTo=${device}`, `After=${device}`],
    hotplug: " hotplug",
    wantedBy: device,
  });
}

function plainUnit(boot: Boot, name: string): string {
  return unitText(boot, name, {
    description: `Link ${name} of pulumi-macvlan`,
    order: boot.below.map((below) => `After=${PREFIX}${bootName({ name: below, netns: "" })}.service`),
    hotplug: "",
    wantedBy: "multi-user.target",
  });
}

/**
 * Without RemainAfterExit, so that the next appearance of the device starts the unit again. The start limit is off,
 * because a device that comes and goes often must not fail with "start request repeated too quickly" (systemd.unit(5)).
 */
function unitText(
  { mark, takesAddresses }: Boot,
  name: string,
  unit: { description: string; order: readonly string[]; hotplug: string; wantedBy: string },
): string {
  const configured = "After=networking.service systemd-networkd.service NetworkManager.service";
  const order = [...unit.order, ...(takesAddresses ? [configured] : []), "Before=network-online.target"];
  return `${markLine(mark)}
${WRITTEN_BY}
[Unit]
Description=${unit.description}
${order.join("\n")}
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh ${SCRIPTS}/${name}.sh${unit.hotplug}
TimeoutStartSec=120

[Install]
WantedBy=${unit.wantedBy}
`;
}

const WRITTEN_BY = '# "pulumi up" writes and removes this file: change the program instead.';

function openrcScript({ mark, below }: Boot, name: string): string {
  const after = [
    "localmount",
    "net",
    "networking",
    ...below.map((b) => PREFIX + bootName({ name: b, netns: "" })),
  ];
  return `#!/sbin/openrc-run
${markLine(mark)}
${WRITTEN_BY}
description="Makes the link ${name} (pulumi-macvlan)"

depend() {
\tafter ${after.join(" ")}
}

start() {
\tebegin "Making the link ${name}"
\t/bin/sh ${SCRIPTS}/${name}.sh
\teend $?
}
`;
}

/** ifupdown runs it for each link that it has brought up, and once at the end of booting (interfaces(5)). */
function ifUpScript({ link: { name: self, netns }, mark, below }: Boot, name: string): string {
  const first = below.length === 0 ? ["lo"] : below;
  // ifupdown runs no hooks for a link that it has not made, so this script runs those of links on it
  const next = `[ -e ${quote(`/sys/class/net/${self}`)} ] || exit 0
for hook in ${IF_UP}/${PREFIX}*; do
  [ ! -x "$hook" ] || IFACE=${quote(self)} "$hook"
done
`;
  return `#!/bin/sh
${markLine(mark)}
${WRITTEN_BY}
case "$IFACE" in ${[...first.map(quote), "--all"].join("|")}) ;; *) exit 0;; esac
/bin/sh ${SCRIPTS}/${name}.sh hotplug || exit
${netns === "" && !below.includes(self) ? next : ""}`;
}
