/** Virtual machines as far as a network sees them: a program that has a macvtap's frames. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./fleet";

const PROGRAM = readFileSync(join(__dirname, "tap-vm.pl"), "utf8");

/** Starts a machine with these addresses on a device of a host. It runs until the host is reset, or the link goes. */
export async function startVm(
  lab: Lab,
  host: string,
  { device, macAddress, address }: { device: string; macAddress: string; address: string },
): Promise<void> {
  const log = `/run/vm-${address}.log`;
  const start = `cat >/run/tap-vm.pl <<'PROGRAM'
${PROGRAM}PROGRAM
: >${log}
setsid perl /run/tap-vm.pl ${device} ${macAddress} ${address} >>${log} 2>&1 </dev/null &
n=0; until grep -q . ${log} || [ $n -ge 100 ]; do n=$((n + 1)); sleep 0.2; done; cat ${log}`;
  const said = (await lab.sh(host, start)).trim();
  if (said !== "runs") throw new Error(`the machine on ${device} of ${host}: ${said}`);
}

/**
 * A node for a link's device. The lab's hosts have one /dev together, in which /dev/tapN is the first link's with the
 * index N in any of their namespaces; the kernel makes no second node (drivers/base/devtmpfs.c).
 */
export async function nodeOf(lab: Lab, host: string, link: string): Promise<string> {
  const path = `/run/${link}.tap`;
  const script = `rm -f ${path}; mknod ${path} c $(tr : " " </sys/class/net/${link}/macvtap/tap$(cat /sys/class/net/${link}/ifindex)/dev)`;
  await lab.sh(host, script);
  return path;
}
