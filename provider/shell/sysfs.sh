## Defines `pm_sysfs`: a line `LINK ATTRIBUTE VALUE` per link and attribute, for hosts whose iproute2 prints no JSON.
pm_sysfs() {
  for d in /sys/class/net/*/; do
    d=${d%/}
    l=${d##*/}
    for a in ifindex address mtu tx_queue_len flags operstate ifalias; do
      v=
      read -r v 2> /dev/null < "$d/$a"
      echo "$l $a $v"
    done
    [ -e "$d/master" ] && {
      v=$(readlink "$d/master")
      echo "$l master ${v##*/}"
    }
    [ -d "$d/bridge" ] && for a in stp_state forward_delay hello_time max_age ageing_time priority vlan_filtering multicast_snooping bridge_id; do
      v=
      read -r v 2> /dev/null < "$d/bridge/$a" && echo "$l bridge/$a $v"
    done
    [ -d "$d/brport" ] && for a in hairpin_mode isolated learning unicast_flood multicast_flood path_cost priority bpdu_guard root_block state; do
      v=
      read -r v 2> /dev/null < "$d/brport/$a" && echo "$l brport/$a $v"
    done
  done
}
