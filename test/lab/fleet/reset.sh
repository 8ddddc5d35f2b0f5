#!/bin/sh
# Takes a lab host's kernel network state back to what it was after booting. Runs inside the host, as root.
# usage: reset.sh record   at the end of booting: notes what "fresh" is
#        reset.sh          goes back to it; exit 1 with the difference where that did not work,
#                          3 where programs are hidden or replaced, which comes first (userland.sh restore)
# Connections over mgmt0 live on: what is as it should be is not touched.
set -u
lab=/run/lab
GROUP=4242

# Everything that counts, one line each, in an order that does not depend on history. Left out: what changes by
# itself or by watching (operational state, promiscuity under tcpdump).
snapshot() {
  {
    printf 'link show\naddr show\nroute show table all\n' | ip -o -d -batch -
    rules
    echo /run/netns/*
  } | sed -e 's/ state [A-Z]*//' -e 's/,LOWER_UP//' -e 's/NO-CARRIER,//' -e 's/ promiscuity [0-9]*//' | sort
}

rules() {
  ip -d rule
  ip -6 -d rule
}

sysctls() {
  for scope in all default lo eth0 eth1 mgmt0; do
    set -- "$@" /proc/sys/net/ipv[46]/conf/"$scope"/*
  done
  # Some cannot be read before they are set (stable_secret).
  grep -s '' "$@" 2>/dev/null | sort
}

# "index name" of each link: links are told apart by their index, as they may have been renamed.
links() {
  for path in /sys/class/net/*; do
    [ ! -L "$path" ] || { read -r index <"$path/ifindex" && echo "$index ${path##*/}"; }
  done
}

record() {
  links >$lab/links
  sysctls >$lab/sysctls
  rules >$lab/rules
  snapshot >$lab/fresh
}

# Processes in another network namespace of the host, and those that a command left running (a watchdog, a daemon).
end_processes() {
  own=$(readlink /proc/self/ns/net)
  find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%p %l\n' 2>/dev/null | while read -r path netns; do
    path=${path#/proc/}
    [ "$netns" = "$own" ] || [ -z "$netns" ] || kill -9 "${path%%/*}" 2>/dev/null
  done
  read -r sshd </run/sshd.pid
  read -r keeper <$lab/keeper
  for pid in $(ps -o pid= --ppid 1); do
    [ "$pid" = "$sshd" ] || [ "$pid" = "$keeper" ] || kill -9 "$pid" 2>/dev/null
  done
}

# Deletes links of a namespace by their group: one wait for the kernel instead of one a link (about 20 ms each).
# usage: delete_links IP-OPTIONS, names on standard input
delete_links() {
  found=
  while read -r name; do
    found=1
    # A name with such bytes cannot stand in batch input.
    case $name in
      *[!A-Za-z0-9_.@-]*) ip "$@" link set dev "$name" group $GROUP ;;
      *) echo "link set dev $name group $GROUP" ;;
    esac
  done >$lab/batch
  [ -z "$found" ] || { ip "$@" -force -batch $lab/batch && ip "$@" link del group $GROUP; }
}

delete_foreign() {
  for path in /run/netns/*; do
    [ -e "$path" ] || continue
    netns=${path##*/}
    # Before the namespace: the kernel takes that apart later, and until then its links hold on to their parents.
    ip netns exec "$netns" sh -c 'for link in /sys/class/net/*; do [ ! -L "$link" ] || echo "${link##*/}"; done' \
      2>/dev/null | grep -vx -e lo -e sit0 -e tunl0 -e gre0 -e gretap0 -e erspan0 -e ip6tnl0 -e ip6gre0 -e ip_vti0 \
      -e ip6_vti0 | delete_links -n "$netns"
    ip netns del "$netns"
  done
  fresh=$(cat $lab/links)
  links | while read -r index name; do
    case "
$fresh" in *"
$index "*) ;; *) echo "$name" ;; esac
  done | delete_links
  links | while read -r index name; do
    was=${fresh##*"$index "}
    [ "$name" = "${was%%
*}" ] || ip link set dev "$name" name "${was%%
*}"
  done
}

restore_links() {
  ip -d -o link show dev "$1" >$lab/link
  for altname in $(grep -o 'altname [^ \\]*' $lab/link | sed 's/^altname //'); do
    ip link property del dev "$1" altname "$altname"
  done
  address=$(sed -n "s/.* $1[@:].*link\/[a-z]* \([0-9a-f:]*\) .*/\1/p" $lab/fresh)
  mtu=$(sed -n "s/.* $1[@:].* mtu \([0-9]*\) .*/\1/p" $lab/fresh)
  qlen=$(sed -n "s/.* $1[@:].* qlen \([0-9]*\).*/\1/p" $lab/fresh)
  ip link set dev "$1" nomaster
  ip link set dev "$1" address "$address" mtu "$mtu" txqueuelen "$qlen" group default
  ip link set dev "$1" alias ''
  ip link set dev "$1" arp on multicast on allmulticast off promisc off up
}

restore_sysctls() {
  sysctls | comm -23 $lab/sysctls - | while IFS=: read -r file value; do
    echo "$value" >"$file" 2>/dev/null
  done
}

restore_addresses() {
  for protocol in $(ip -o -d route show table all | sed -n 's/.* proto \([^ ]*\).*/\1/p' | sort -u); do
    [ "$protocol" = kernel ] && continue
    ip -4 route flush table all proto "$protocol"
    ip -6 route flush table all proto "$protocol"
  done
  for link in lo eth0 eth1 mgmt0; do
    printf 'addr show dev %s\nroute show table all dev %s\n' $link $link | ip -o -d -batch - | sort >$lab/link
    [ $link = lo ] || [ -z "$(comm -13 $lab/fresh $lab/link)$(grep -E "^[0-9]+: $link +inet" $lab/fresh | comm -23 - $lab/link)" ] ||
      ip addr flush dev $link
    # The kernel makes a link-local address anew when this changes (addrconf_sysctl_addr_gen_mode in net/ipv6/addrconf.c).
    mode=/proc/sys/net/ipv6/conf/$link/addr_gen_mode
    case $link in eth0 | mgmt0)
      [ ! -e $mode ] || ip -o addr show dev $link | grep -q 'inet6 fe80' || { echo 1 >$mode && echo 0 >$mode; } ;;
    esac
  done
  sed -n 's/^addr add/addr replace/p' $lab/network | ip -force -batch -
  rules | cmp -s - $lab/rules && return
  ip rule flush
  ip rule add pref 32766 lookup main protocol kernel
  ip rule add pref 32767 lookup default protocol kernel
  ip -6 rule flush
  ip -6 rule add pref 32766 lookup main protocol kernel
}

main() {
  if [ "${1:-}" = record ]; then
    record
    return
  fi
  [ ! -e $lab/userland ] || exit 3
  end_processes
  rm -rf /run/pulumi-macvlan* /run/lock/pulumi-macvlan*
  delete_foreign 2>$lab/errors
  ip neigh flush all 2>/dev/null
  ip neigh flush all nud permanent 2>/dev/null
  snapshot >$lab/now
  restore_sysctls
  if ! cmp -s $lab/fresh $lab/now; then
    {
      for link in eth0 eth1 mgmt0; do
        grep -E "^[0-9]+: $link[@:]" $lab/now | comm -23 - $lab/fresh | grep -q . && restore_links $link
      done
      restore_sysctls
      restore_addresses
    } >>$lab/errors 2>&1
    snapshot >$lab/now
  fi
  # What the kernel does by itself (a link-local address, a route of a link that comes up) takes a busy machine a while.
  for pause in 0.1 0.3 0.6 0; do
    sysctls | comm -23 $lab/sysctls - >$lab/left
    cmp -s $lab/fresh $lab/now && [ ! -s $lab/left ] && return
    sleep $pause
    snapshot >$lab/now
  done
  cat $lab/errors $lab/left
  diff $lab/fresh $lab/now
  exit 1
}

main "$@"
