/** A switch port that takes frames of some MAC addresses only, as one with port security does that has learnt its share. */
import type { Lab } from "./fleet";

/** Frames that the port of a host's eth0 takes from now on: those of these senders (bridge(8), `locked`; Linux 5.18). */
export async function lockPort(lab: Lab, host: string, senders: readonly string[]): Promise<void> {
  const port = portOf(lab, host);
  await onSwitch(lab, `ip link set dev ${port} type bridge_slave fdb_flush`);
  for (const mac of senders) await onSwitch(lab, `bridge fdb replace ${mac} dev ${port} master static`);
  await onSwitch(lab, `bridge link set dev ${port} locked on`);
}

export async function unlockPort(lab: Lab, host: string): Promise<void> {
  const port = portOf(lab, host);
  await onSwitch(lab, `bridge link set dev ${port} locked off`);
  const shown = await onSwitch(lab, `bridge -j fdb show brport ${port}`);
  const entries = JSON.parse(shown) as { mac: string; state?: string; master?: string }[];
  for (const { mac } of entries.filter((e) => e.state === "static" && e.master !== undefined))
    await onSwitch(lab, `bridge fdb del ${mac} dev ${port} master static`);
}

function portOf(lab: Lab, host: string): string {
  const found = [...lab.hosts, ...lab.guests].find(({ name }) => name === host);
  if (!found) throw new Error(`the lab has no host ${host}`);
  return found.switchPort;
}

async function onSwitch(lab: Lab, command: string): Promise<string> {
  const { code, stdout, stderr } = await lab.switch.exec(command.split(" "));
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}
