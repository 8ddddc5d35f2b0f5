/** Taking guests' links away between tests: a fresh boot of each would take longer than most tests. */
import type { OnLab } from "../lab/stack";

/** Deletes the stack's resources, then all links and namespaces that a guest did not boot with, and what NICs were given. */
export async function clean(on: OnLab, guests: readonly string[]): Promise<void> {
  await on.stack.down();
  for (const guest of guests) {
    await on.lab.switch.hairpin(guest, false);
    await on.lab.sh(guest, SCRIPT);
  }
}

const SCRIPT = `
for netns in $(ip netns list | cut -d' ' -f1); do ip netns del "$netns"; done
for path in /sys/class/net/*; do
  case \${path##*/} in lo | eth0 | eth1 | mgmt0 | bonding_masters) ;; *) ip link del dev "\${path##*/}" 2>/dev/null ;; esac
done
for nic in eth0 eth1; do ip link set dev $nic nomaster up; done
networkctl reconfigure eth0 eth1`;
