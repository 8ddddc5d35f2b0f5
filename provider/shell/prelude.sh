## Functions for the commands of a plan (`shellWords`), in changes, in their undo and in boot scripts.
# iproute2 makes /run/netns, which other users may look into
pm_add_netns() { (umask 022 && exec ip netns add "$1"); }
pm_others_in() { # NETNS LINK...: prints the links there that are neither these nor those that each namespace has
  n=" lo tunl0 sit0 gre0 gretap0 erspan0 ip_vti0 ip6_vti0 ip6tnl0 ip6gre0 "
  i=$1
  shift
  ip -n "$i" -o link show | while IFS=': @' read -r i l r; do
    case "$n$* " in *" $l "*) ;; *) echo "$l" ;; esac
  done
}
pm_delete_netns() { # NAME: not with links of others, which would go with it
  l=$(pm_others_in "$1")
  [ -z "$l" ] && ip netns delete "$1" && return
  [ -z "$l" ] || echo "there are links in it that this change has not put there: $l" >&2
  return 1
}
pm_write() { printf '%s\n' "$1" > "$2"; }
# an MTU below 1280 takes IPv6 from a link, with its sysctls; ipv6.disable=1 takes it from all
pm_sysctl() { [ ! -e "$2" ] || pm_write "$1" "$2"; }
pm_keep() { printf '%s\n' "$2" > "$D/$1.new" && mv "$D/$1.new" "$D/$1"; }
pm_note() { # one that was interrupted while it was written is none, and its change is undone
  if [ -e "$D/$1" ]; then pm_keep "$@"; else printf '%s\n' "$2" > "$D/$1"; fi
}
pm_record_link() { # FILE NETNS NAME JSON
  if [ -z "$2" ] && [ -e "/sys/class/net/$3/ifindex" ]; then
    read -r i < "/sys/class/net/$3/ifindex"
  elif [ -z "$2" ]; then
    i=$(ip -o link show dev "$3") || return
  else i=$(ip -n "$2" -o link show dev "$3") || return; fi
  [ -d "$D/links" ] || mkdir -p "$D/links" || return
  pm_note "$1" "${i%%:*} $4"
}
pm_record_netns() { # NAME JSON
  i=$(ls -di "/run/netns/$1") || return
  # shellcheck disable=SC2086 # two words: number and path
  set -- $i "$@"
  [ -d "$D/netns" ] || mkdir -p "$D/netns" || return
  pm_note "netns/$3" "$1 $4"
}
