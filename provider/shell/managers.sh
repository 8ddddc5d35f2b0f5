## Defines `pm_managers`. networkd keeps a file per link under /run (sd-network, src/libsystemd/sd-network). Only
## NetworkManager's own tool shows whether it manages a link or only displays it. Of networkd's files, which may match a
## future link, the names and keys of the sections are printed. The lines of NetworkManager's profiles and of the files of
## ifupdown, ifcfg, netplan, dhcpcd and connman that say which links they are for. No other line is printed: there are
## passwords in these files.
pm_ifupdown() {
  n=0
  f=/etc/network/interfaces
  todo=$f
  seen=
  # a file that is included may include others
  while [ "$n" -lt 50 ] && [ -n "$todo" ]; do
    f=${todo%%"$nl"*}
    case $todo in *"$nl"*) todo=${todo#*"$nl"} ;; *) todo= ;; esac
    case "$nl$seen" in *"$nl$f$nl"*) continue ;; esac
    [ -f "$f" ] || continue
    n=$((n + 1))
    seen=$seen$f$nl
    while read -r k p; do
      case $p in /*) ;; *) p=${f%/*}/$p ;; esac
      case $k in
      source) ;;
      source-directory) p="$p/*" ;;
      *) continue ;;
      esac
      # shellcheck disable=SC2086 # a pattern
      for g in $p; do [ -f "$g" ] && todo=$todo${todo:+$nl}$g; done
    done < "$f"
  done
  printf %s "$seen"
}
pm_enabled() {
  for d in "$@"; do
    [ -e "$d" ] && return 0
  done
  return 1
}
pm_profiles() {
  nl='
'
  set --
  if [ -d /run/NetworkManager ]; then
    for f in /usr/lib/NetworkManager/conf.d/*.conf /run/NetworkManager/conf.d/*.conf \
      /etc/NetworkManager/NetworkManager.conf /etc/NetworkManager/conf.d/*.conf /etc/NetworkManager/system-connections/* \
      /run/NetworkManager/system-connections/* /usr/lib/NetworkManager/system-connections/*; do
      [ -f "$f" ] && set -- "$@" "$f"
    done
  fi
  for f in /etc/sysconfig/network-scripts/ifcfg-*; do
    [ -f "$f" ] && set -- "$@" "$f"
  done
  if [ -f /etc/network/interfaces ]; then
    pm_list=$(pm_ifupdown)
    while read -r f; do set -- "$@" "$f"; done << END
$pm_list
END
  fi
  [ $# = 0 ] || grep -H -s -e '^\[' -e '^ *type *=' -e '^ *interface-name *=' -e '^ *autoconnect *=' \
    -e '^ *unmanaged-devices+* *=' -e '^ *match-device *=' -e '^ *managed *=' -e '^[[:space:]]*auto[[:space:]]' \
    -e '^[[:space:]]*allow-[a-z]*[[:space:]]' -e '^[[:space:]]*iface[[:space:]]' \
    -e '^ *\(DEVICE\|HWADDR\|ONBOOT\|NM_CONTROLLED\)=' "$@"
  set --
  for f in /usr/lib/netplan/*.yaml /etc/netplan/*.yaml /run/netplan/*.yaml; do
    [ -f "$f" ] && set -- "$@" "$f"
  done
  [ $# = 0 ] || grep -H -s -e '^ *["'"'"']*[A-Za-z0-9_.:-]*["'"'"']*: *\(#.*\)*$' \
    -e '^ *\(name\|macaddress\|driver\|renderer\|match\|activation-mode\):' "$@"
  pm_enabled /run/dhcpcd/pid /run/dhcpcd.pid /etc/systemd/system/*.wants/dhcpcd.service /etc/runlevels/*/dhcpcd &&
    echo dhcpcd && grep -H -s -e '^[[:space:]]*\(deny\|allow\)interfaces[[:space:]]' /etc/dhcpcd.conf
  pm_enabled /run/connman /etc/systemd/system/*.wants/connman.service /etc/runlevels/*/connman &&
    echo connman && grep -H -s -e '^ *NetworkInterfaceBlacklist *=' /etc/connman/main.conf
  return 0
}
pm_managers() {
  for f in /run/systemd/netif/links/*; do
    [ -e "$f" ] && {
      echo "networkd ${f##*/}"
      grep -e '^ADMIN_STATE=' -e '^NETWORK_FILE=' "$f"
    }
  done
  [ -d /run/systemd/netif ] && {
    for f in /etc/systemd/network/*.network /run/systemd/network/*.network /usr/local/lib/systemd/network/*.network \
      /usr/lib/systemd/network/*.network; do
      { [ -e "$f" ] || [ -L "$f" ]; } && echo "netfile $f"
    done
    grep -H -e '^\[' -e '^[A-Za-z0-9]* *=' /etc/systemd/network/*.network /etc/systemd/network/*.network.d/*.conf \
      /run/systemd/network/*.network /run/systemd/network/*.network.d/*.conf \
      /usr/local/lib/systemd/network/*.network /usr/local/lib/systemd/network/*.network.d/*.conf \
      /usr/lib/systemd/network/*.network /usr/lib/systemd/network/*.network.d/*.conf 2> /dev/null
  }
  pm_profiles
  [ -d /run/NetworkManager ] && nmcli -t -f DEVICE,STATE,CONNECTION device 2> /dev/null | sed 's/^/nm /'
}
