## Defines `pm_observe`, which prints sections that lines `$M NAME` begin. It only reads. `ip -n` and `ip netns exec`
## are given names that the host itself listed. If `$PM_KNOWN` is set, facts that no change of links affects are left
## out: kernel, login, programs.
##
## A process costs a host one or two milliseconds, which adds up on a fleet: so the shell itself reads short files, and
## programs are started only if necessary.

PM_SYSCTLS='grep -H "" /proc/sys/net/ipv4/conf/*/arp_filter /proc/sys/net/ipv4/conf/*/arp_notify /proc/sys/net/ipv6/conf/*/ndisc_notify /proc/sys/net/ipv6/conf/*/disable_ipv6 2>/dev/null'
pm_section_of() { # NAMESPACE-OR-NOTHING PREFIX...
  s=$1
  shift
  # one process for both: a line of JSON each
  echo "$M links$s"
  "$@" -j -d -batch - 2> /dev/null << 'pm_end'
address show
route show table main
pm_end
  r=$("$@" -j -6 route show table main 2> /dev/null)
  # iproute2 4.14 has -j, and prints routes as text all the same
  case $r in "["*) PM_JSON=yes ;; *) PM_JSON='' ;; esac
  echo "$M routes6$s"
  printf '%s\n' "$r"
}
pm_vlan_filtering() { # shown by a bridge; without one, by the kernel's configuration if that is available
  for b in /sys/class/net/*/bridge; do
    [ -e "$b" ] || continue
    [ -e "$b/vlan_filtering" ] && echo yes || echo no
    return
  done
  [ -z "$PM_KNOWN" ] || return
  pm_config
  case $PM_CONFIG in *CONFIG_BRIDGE_VLAN_FILTERING=y*) echo yes ;; *CONFIG_BRIDGE=*) echo no ;; esac
}
pm_vlans() { # of bridges and their ports, if there is a bridge that can filter them
  for b in /sys/class/net/*/bridge/vlan_filtering; do
    [ -e "$b" ] && command -v bridge > /dev/null 2>&1 && bridge -j -compressvlans vlan show 2> /dev/null
    return
  done
}
pm_container() { # PID: the runtime, the container's id, and its name if a file of the runtime has it
  i=
  while IFS= read -r l; do
    for r in docker libpod cri-containerd crio; do
      case $l in *"/$r-"*.scope*)
        i=${l##*"/$r-"}
        i=${i%%.scope*}
        break 2
        ;;
      */"$r"/*)
        i=${l##*"/$r/"}
        i=${i%%/*}
        break 2
        ;;
      esac
    done
  done 2> /dev/null < "/proc/$1/cgroup"
  case $i in '' | *[!0-9a-f]*) return ;; esac
  v=
  case $r in
  docker) v=$(grep -o '"Name":"/[^"]*"' "/var/lib/docker/containers/$i/config.v2.json" 2> /dev/null | head -n 1) ;;
  libpod) v=$(grep -o "\"id\":\"$i\",\"names\":\[\"[^\"]*\"" /var/lib/containers/storage/overlay-containers/containers.json 2> /dev/null) ;;
  *) v=$(cat /run/containerd/io.containerd.runtime.v2.task/*/"$i"/config.json 2> /dev/null | grep -o '"io.kubernetes.cri.container-name":"[^"]*"') ;;
  esac
  echo "container $r $i $v"
}
pm_unnamed() { # INODES: children of links in namespaces without a name, which are those of containers; not in these
  command -v nsenter > /dev/null 2>&1 || return
  # one process for all of /proc; a process of ours shows our own namespace
  v=$(ls -Li /proc/[0-9]*/ns/net 2> /dev/null)
  o=${v%%" /proc/$$/ns/net"*}
  o=${o##*[!0-9]}
  [ -n "$o" ] || return
  k=" $1 $o "
  n=
  q=0
  for p in $v; do
    case $p in
    /*) ;;
    *)
      n=$p
      continue
      ;;
    esac
    case $k in *" $n "*) continue ;; esac
    k="$k$n "
    t=${p#/proc/}
    t=${t%%/*}
    # many services have a namespace with nothing but lo in it
    h=
    while IFS=' :' read -r l r; do
      case $l in Inter-* | face* | lo | '') ;; *)
        h=1
        break
        ;;
      esac
    done 2> /dev/null < "/proc/$t/net/dev"
    [ -n "$h" ] || continue
    q=$((q + 1))
    # each costs two processes: of further ones only the number is printed
    [ "$q" -le 64 ] || continue
    l=$(nsenter "--net=$p" ip -j -d address show 2> /dev/null)
    case $l in *'"info_kind":"macv'* | *'"info_kind":"ipv'* | *'"info_kind":"vlan"'*) ;; *) continue ;; esac
    r=
    read -r r 2> /dev/null < "/proc/$t/comm"
    echo "$M unnamed $t"
    printf '%s\n' "$l" "process $r"
    pm_container "$t"
  done
  [ "$q" -le 64 ] || {
    echo "$M unnamedleft"
    echo "$((q - 64))"
  }
}
pm_cat() { # FILE...: those of them that are there
  # the shell reads byte by byte: many files take longer than a process
  if [ $# -gt 16 ] && [ $# -lt 8000 ]; then
    grep -h '' "$@" 2> /dev/null
    return
  fi
  for f in "$@"; do
    [ -e "$f" ] && while IFS= read -r l || [ -n "$l" ]; do printf '%s\n' "$l"; done 2> /dev/null < "$f"
  done
}
pm_unfinished() { # a change that has not ended: in progress if the lock is held, else interrupted
  [ -e "$D/undo" ] || [ -e "$D/undo.left" ] || return
  if command -v flock > /dev/null 2>&1; then
    flock -n -s "$D/lock" true 2> /dev/null
    [ $? = 1 ] && echo "in progress" || echo "interrupted"
  else
    pm_holder
    [ -n "$h" ] && pm_holder_lives && echo "in progress" || echo "interrupted"
  fi
}
pm_user() { # the number of the effective one (proc_pid_status(5))
  while read -r k r e l; do
    [ "$k" = Uid: ] && {
      echo "$e"
      return
    }
  done 2> /dev/null < /proc/self/status
  id -u
}
pm_observe_facts() {
  echo "$M machine"
  pm_cat /proc/sys/kernel/random/boot_id
  readlink /proc/self/ns/net
  echo "$M kernel"
  pm_kernel
  echo "$PM_KERNEL"
  echo "$M user"
  pm_user
  v=
  command -v ip > /dev/null 2>&1 && v=$(ip -V 2>&1)
  echo "$M ip"
  printf '%s\n' "$v"
  echo "$M tools"
  for t in ip bridge brctl flock systemctl sha256sum; do command -v "$t" > /dev/null 2>&1 && echo "$t"; done
  echo "$M brctl"
  case $v in
  *iproute2*) ;; # sets the ports' options itself
  *) command -v brctl > /dev/null 2>&1 && brctl --version 2>&1 | head -n 2 ;;
  esac
  echo "$M features"
  pm_features
}
pm_observe() {
  echo "$M client"
  pm_client
  [ -n "$PM_KNOWN" ] || pm_observe_facts
  pm_section_of "" ip
  j=$PM_JSON
  echo "$M sysctls"
  eval "$PM_SYSCTLS"
  u=
  for n in /run/netns/* /var/run/netns/*; do
    [ -e "$n" ] || [ -L "$n" ] || continue
    p=$n
    n=${n##*/}
    case $p in /var/run/*) { [ -e "/run/netns/$n" ] || [ -L "/run/netns/$n" ]; } && continue ;; esac
    # no resource can name others, and what echo and the reader make of these is not defined
    case $n in *[!A-Za-z0-9_.:@+-]*) continue ;; esac
    echo "$M netns $n"
    i=$(ls -di "/run/netns/$n" 2> /dev/null)
    printf '%s\n' "$i"
    i=${i%%/*}
    u="$u ${i##*[!0-9 ]}"
    pm_section_of " $n" ip -n "$n"
    # sysctl files are of the namespace of the process that lists them
    echo "$M sysctls $n"
    ip netns exec "$n" sh -c "$PM_SYSCTLS" < /dev/null 2> /dev/null
  done
  pm_unnamed "$u"
  echo "$M wireless"
  for w in /sys/class/net/*/phy80211 /sys/class/net/*/wireless; do [ -e "$w" ] && echo "$w"; done
  echo "$M vlanfiltering"
  pm_vlan_filtering
  echo "$M vlans"
  pm_vlans
  echo "$M managers"
  pm_managers
  echo "$M records"
  pm_cat "$D"/links/*
  echo "$M namespaces"
  pm_cat "$D"/netns/*
  pm_observe_boot
  echo "$M boots"
  pm_cat "$D/boots"
  echo "$M unfinished"
  pm_unfinished
  echo "$M sysfs"
  [ -n "$j" ] || pm_sysfs
  echo "$M end"
}
