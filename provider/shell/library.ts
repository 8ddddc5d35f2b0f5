/** Where the host keeps what it has to remember; like the links themselves it does not survive a reboot. */
export const RUN_DIRECTORY = "/run/pulumi-macvlan";

/** How every script begins. */
export const ENVIRONMENT = "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH";

/** How a script of a host begins: with the functions that `shellWords` may name, those for boot files left out. */
export const PRELUDE = `${ENVIRONMENT}
D=${RUN_DIRECTORY}
pm_write() { printf '%s\\n' "$1" > "$2"; }
pm_keep() { printf '%s\\n' "$2" > "$D/$1.new" && mv "$D/$1.new" "$D/$1"; }
pm_note() { # a new one that is cut off in its middle is none, and its change is undone
  if [ -e "$D/$1" ]; then pm_keep "$@"; else printf '%s\\n' "$2" > "$D/$1"; fi
}
pm_record_link() { # FILE NETNS NAME JSON
  if [ -z "$2" ] && [ -e "/sys/class/net/$3/ifindex" ]; then read -r i < "/sys/class/net/$3/ifindex"
  elif [ -z "$2" ]; then i=$(ip -o link show dev "$3") || return
  else i=$(ip -n "$2" -o link show dev "$3") || return; fi
  [ -d "$D/links" ] || mkdir -p "$D/links" || return
  pm_note "$1" "\${i%%:*} $4"
}
pm_record_netns() { # NAME JSON
  i=$(ls -di "/run/netns/$1") || return
  set -- $i "$@"
  [ -d "$D/netns" ] || mkdir -p "$D/netns" || return
  pm_note "netns/$3" "$1 $4"
}
`;
