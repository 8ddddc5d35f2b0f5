## Ends the script with the outcome `stale` if the host differs from the observation that the steps were planned from.
## The shell itself reads links of the host's own namespace; a link in another one takes a process.
pm_stale() {
  pm_unlock
  echo "$M outcome stale"
  pm_observe
  exit 0
}
pm_still_booted() { # BOOT-ID NUMBER-OF-RUNS of boot scripts
  b=
  [ -z "$1" ] || read -r b 2> /dev/null < /proc/sys/kernel/random/boot_id
  [ "$b" = "$1" ] || pm_stale
  b=
  read -r b 2> /dev/null < "$D/boots"
  [ "$b" = "$2" ] || pm_stale
}
pm_index() { # NETNS NAME: sets $i, empty if there is no such link
  i=
  if [ -z "$1" ] && [ -d /sys/class/net ]; then
    read -r i 2> /dev/null < "/sys/class/net/$2/ifindex"
  else
    i=$(ip ${1:+-n "$1"} -o link show dev "$2" 2> /dev/null)
    i=${i%%:*}
  fi
}
pm_still_absent() { # NETNS NAME...
  n=$1
  shift
  for l in "$@"; do
    if [ -z "$n" ] && [ -d /sys/class/net ]; then
      [ ! -e "/sys/class/net/$l/ifindex" ] || pm_stale
      continue
    fi
    pm_index "$n" "$l"
    [ -z "$i" ] || pm_stale
  done
}
pm_still_link() { # NETNS NAME INDEX INDEX-OF-PARENT-OR-NOTHING
  pm_index "$1" "$2"
  [ "$i" = "$3" ] || pm_stale
  [ -n "$4" ] || return 0
  read -r i 2> /dev/null < "/sys/class/net/$2/iflink"
  [ "$i" = "$4" ] || pm_stale
}
pm_still_marked() { # NETNS NAME INDEX MARK: whose the link is
  i=
  r=
  read -r i r 2> /dev/null < "$D/links/$1:$2"
  [ "$i" = "$3" ] || pm_stale
  case $r in *"$4"*) ;; *) pm_stale ;; esac
}
pm_still_unmarked() { # NETNS NAME INDEX: a record of a link that is gone says nothing of the one that is there
  i=
  read -r i r 2> /dev/null < "$D/links/$1:$2"
  [ "$i" != "$3" ] || pm_stale
}
pm_still_netns() { # NAME MARK
  r=
  read -r i r 2> /dev/null < "$D/netns/$1"
  case $(ls -di "/run/netns/$1" 2> /dev/null) in *"$i "*) ;; *) pm_stale ;; esac
  case $r in *"$2"*) ;; *) pm_stale ;; esac
}
pm_still_alone() { # NETNS LINK...
  n=$1
  shift
  [ -z "$(pm_others_in "$n" "$@")" ] || pm_stale
}
pm_still_unused() { # NAME LINK...: nothing sits on it, and it is the master of nothing, but these
  n=$1
  shift
  for other in "/sys/class/net/$n"/upper_* "/sys/class/net/$n"/lower_*; do
    [ -h "$other" ] || continue
    other=${other##*/}
    other=${other#?????_}
    for known in "$@"; do [ "$known" != "$other" ] || continue 2; done
    pm_stale
  done
}
pm_still_ungrouped() { # NETNS GROUP: no link is in the group
  [ -z "$(ip ${1:+-n "$1"} -o link show group "$2" 2> /dev/null)" ] || pm_stale
}
