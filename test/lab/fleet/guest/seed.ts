/** What makes the common disk one guest's: files that it takes over at its first boot, before systemd (init.sh). */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostsFile, makeKey, publicKeyOf, sshdConfig } from "../files";
import { guestAddressesOf, hostFolder, labFolder, type Addresses } from "../names";
import type { GuestNetwork, GuestState } from "../state";

/** Writes the seed of a guest that has none yet. Gives its public key line. */
export async function writeSeed(
  lab: string,
  slot: number,
  { index, network }: Pick<GuestState, "index" | "network">,
): Promise<string> {
  const name = `guest${index}`;
  const etc = `${hostFolder(lab, name)}/seed/etc`;
  const key = `${etc}/ssh/ssh_host_ed25519_key`;
  if (!existsSync(`${etc}/hostname`)) {
    const own: Record<string, string> = {
      "ssh/sshd_config": sshdConfig(),
      "ssh/authorized_keys": readFileSync(`${labFolder(lab)}/id_ed25519.pub`, "utf8"),
      hosts: hostsFile(name),
      "network/interfaces": "source /etc/network/interfaces.d/*\n",
      ...NETWORKS[network].files(guestAddressesOf(slot, index)),
    };
    rmSync(etc, { recursive: true, force: true });
    for (const [file, text] of Object.entries(own)) {
      mkdirSync(dirname(join(etc, file)), { recursive: true });
      writeFileSync(join(etc, file), text, { mode: file.startsWith("NetworkManager/") ? 0o600 : 0o644 });
    }
    for (const [link, unit] of Object.entries(NETWORKS[network].enabled)) {
      const path = join(etc, "systemd/system", link);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(`/lib/systemd/system/${unit}`, path);
    }
    await makeKey(key, name);
    chmodSync(dirname(etc), 0o755);
    writeFileSync(`${etc}/hostname`, `${name}\n`); // the last one: the seed is complete
  }
  return publicKeyOf(key);
}

interface Network {
  /** Text of files of /etc by their path in it. */
  readonly files: (addresses: Addresses) => Record<string, string>;
  /** Links of /etc/systemd/system, and the units that they are for: what `systemctl enable` makes. */
  readonly enabled: Readonly<Record<string, string>>;
}

/** A NIC and its addresses with their prefix lengths; eth1 has none, not even a link-local one. */
const nics = (a: Addresses): { nic: string; ipv4?: string; ipv6?: string }[] => [
  { nic: "eth0", ipv4: `${a.lan}/16`, ipv6: `${a.lan6}/64` },
  { nic: "eth1" },
  { nic: "mgmt0", ipv4: `${a.control}/16`, ipv6: `${a.control6}/64` },
];

const NETWORKS: Readonly<Record<GuestNetwork, Network>> = {
  networkd: {
    files: (addresses) => {
      const one = ({ nic, ipv4, ipv6 }: ReturnType<typeof nics>[number]): [string, string] => [
        `systemd/network/10-${nic}.network`,
        `[Match]\nName=${nic}\n\n[Network]\nIPv6AcceptRA=no\n` +
          (ipv4 === undefined || ipv6 === undefined
            ? "LinkLocalAddressing=no\n"
            : `IPv6DuplicateAddressDetection=0\nAddress=${ipv4}\nAddress=${ipv6}\n`),
      ];
      return Object.fromEntries(nics(addresses).map(one));
    },
    enabled: {
      "multi-user.target.wants/systemd-networkd.service": "systemd-networkd.service",
      "sockets.target.wants/systemd-networkd.socket": "systemd-networkd.socket",
      "dbus-org.freedesktop.network1.service": "systemd-networkd.service",
    },
  },
  ifupdown: {
    files: (addresses) => {
      const stanzas = nics(addresses).map(({ nic, ipv4, ipv6 }) =>
        ipv4 === undefined || ipv6 === undefined
          ? `auto ${nic}\niface ${nic} inet manual\n  pre-up echo 1 >/proc/sys/net/ipv6/conf/$IFACE/addr_gen_mode\n` +
            "  up ip link set dev $IFACE up\n  down ip link set dev $IFACE down\n"
          : `auto ${nic}\niface ${nic} inet static\n  address ${ipv4}\n` +
            `iface ${nic} inet6 static\n  address ${ipv6}\n  dad-attempts 0\n`,
      );
      return {
        "network/interfaces": `source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n${stanzas.join("\n")}`,
      };
    },
    enabled: {
      "multi-user.target.wants/networking.service": "networking.service",
      "network-online.target.wants/networking.service": "networking.service",
    },
  },
  NetworkManager: {
    files: (addresses) => {
      const family = (name: string, address: string | undefined): string =>
        `\n[${name}]\n${address === undefined ? "method=disabled\n" : `method=manual\naddress1=${address}\n`}`;
      const one = ({ nic, ipv4, ipv6 }: ReturnType<typeof nics>[number]): [string, string] => [
        `NetworkManager/system-connections/${nic}.nmconnection`,
        `[connection]\nid=${nic}\ntype=ethernet\ninterface-name=${nic}\n${family("ipv4", ipv4)}${family("ipv6", ipv6)}`,
      ];
      return Object.fromEntries(nics(addresses).map(one));
    },
    enabled: {
      "multi-user.target.wants/NetworkManager.service": "NetworkManager.service",
      "dbus-org.freedesktop.nm-dispatcher.service": "NetworkManager-dispatcher.service",
    },
  },
};
