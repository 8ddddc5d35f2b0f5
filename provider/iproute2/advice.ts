/**
 * Advice for errors of iproute2 and the kernel, matched on the command and its output: the kernel's extended
 * acknowledgements, or the C library's texts for errno.
 */
interface Remedy {
  readonly command: RegExp;
  readonly printed: RegExp;
  readonly says: string;
}

const REMEDIES: readonly Remedy[] = [
  {
    command: /^ip (?:-n \S+ )?link add .*type vlan/,
    printed: /VLAN device already exists|File exists/,
    says:
      "The parent already has that VLAN as another link, perhaps in a namespace without a name " +
      '("ip -d link show type vlan"), or a link of that name has been created meanwhile.',
  },
  {
    command: /^ip (?:-n \S+ )?link add .*type vlan/,
    printed: /VLANs not supported on device|Operation not supported/,
    says: "The parent's driver does not support VLANs (NETIF_F_VLAN_CHALLENGED); use another link.",
  },
  {
    command: /^ip (?:-n \S+ )?link add .*type vlan/,
    printed: /Unknown device type/,
    says:
      "The host's kernel does not support VLANs (module 8021q): install all of the kernel's modules (linux-modules-extra on " +
      "Ubuntu), or another kernel.",
  },
  {
    command: /^ip (?:-n \S+ )?link (?:add|set)/,
    printed: /Numerical result out of range/,
    says: "A VLAN's MTU cannot exceed its parent's, and some links have limits of their own (ip -d link: maxmtu).",
  },
  {
    command: /^ip (?:-n \S+ )?link set .* up$/,
    printed: /Network is down/,
    says: "A VLAN can only be up if its parent is: set the parent up, or give looseBinding: true.",
  },
  {
    command: /^ip (?:-n \S+ )?link (?:add|set) .*\bnetns /,
    printed: /Invalid argument|network namespace|Invalid "netns"/,
    says:
      'The network namespace cannot be used: the file under /run/netns may have no namespace behind it ("ip netns delete" ' +
      "removes it), or the parent accepts no such child, because it has a passthru child, or children that exclude passthru.",
  },
  {
    command: /^ip (?:-n \S+ )?link add .*type macv/,
    printed: /Invalid argument/,
    says:
      "The parent accepts no such child: it may have a passthru child, or children that exclude passthru, in a " +
      "namespace without a name.",
  },
  {
    command: /^ip (?:-n \S+ )?link add .*(?:type (?:macv|ipv))|master/,
    printed: /Device or resource busy|cannot be enslaved/,
    says: "The link is in use: as a port of a bridge or bond, or below macvlans or ipvlans.",
  },
  {
    // net/ethernet/eth.c, eth_prepare_mac_addr_change; a passthru child's address is its parent's (drivers/net/macvlan.c)
    command: /^ip (?:-n \S+ )?link set .* address /,
    printed: /Device or resource busy/,
    says:
      "The NIC accepts a new MAC address only while it is down. On the host, set it down (for passthru, the parent), run " +
      '"pulumi up" again, and set it up.',
  },
  {
    // drivers/net/ipvlan/ipvlan_main.c, ipvlan_addr4_validator_event
    command: /^ip (?:-n \S+ )?address /,
    printed: /already assigned to an ipvlan/,
    says:
      "Another ipvlan of the same parent has the address: remove it there first (with dependsOn that resource, or in an " +
      "update of its own).",
  },
  {
    command: /^ip (?:-n \S+ )?link (?:add|set)/,
    printed: /Address already in use/,
    says: "The parent or one of its children has that MAC address already; give another macAddress.",
  },
  {
    command: /./,
    printed: /Cannot assign requested address/,
    says: "A link cannot have this address.",
  },
  {
    command: /^ip (?:-n \S+ )?link add/,
    printed: /File exists/,
    says: 'A link of that name has been created meanwhile. Run "pulumi up" again: the message then says what it is.',
  },
  {
    command: /route/,
    printed: /File exists/,
    says:
      'The same route leads through another link ("ip route" shows it): delete it there, or give this one ' +
      "another metric.",
  },
  {
    command: /route/,
    printed: /Invalid prefsrc|invalid source/i,
    says:
      "The route's source is not an address of the host, or IPv6's duplicate detection has not accepted it: another " +
      'machine has it ("ip address show dadfailed" lists it), or its link has no carrier.',
  },
  {
    command: /route/,
    printed: /gateway|Network is unreachable|No route to host/i,
    says: "The route's gateway is not on a network of the link.",
  },
  {
    command: /./,
    printed: /IPv6 is disabled|Permission denied.{0,200}ipv6/i,
    says: "IPv6 is disabled for the link (net.ipv6.conf.*.disable_ipv6).",
  },
  {
    command: /./,
    printed: /Operation not permitted|Permission denied/,
    says: "This needs CAP_NET_ADMIN in the host's network namespace: log in as root, or set become.",
  },
  {
    command: /./,
    printed: /Unknown device type|Operation not supported/,
    says: "The host's kernel does not support this: a module (modprobe macvlan, macvtap, ipvlan, bridge) or the option may be missing.",
  },
  {
    command: /./,
    printed: /Cannot find device|No such device|does not exist/,
    says: "The link has disappeared meanwhile. If another resource makes it, use that resource's output, or dependsOn.",
  },
  {
    command: /\/proc\/sys\//,
    printed: /Read-only file system|cannot create|nonexistent|Permission denied/,
    says: "The host's /proc/sys is read-only: mount it writable (containers: privileged).",
  },
  {
    command: /\/etc\/|systemctl/,
    printed: /No space left on device|Read-only file system/,
    says: "The host's /etc is full or read-only, and persist: true writes there.",
  },
  {
    command: /\/run\/|write down|forget/,
    printed: /No space left on device|Read-only file system/,
    says: "The host's /run is full or read-only.",
  },
  {
    command: /./,
    printed: /unknown option|Usage:|is wrong|garbage/,
    says: "The host's iproute2 is too old for this option.",
  },
];

/** The advice; undefined if there is none for this output. */
export function remedyFor(command: string, printed: string): string | undefined {
  return REMEDIES.find((r) => r.command.test(command) && r.printed.test(printed))?.says;
}
