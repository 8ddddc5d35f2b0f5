## Defines `pm_managers`. networkd keeps a file per link under /run (sd-network, src/libsystemd/sd-network). Only
## NetworkManager's own tool shows whether it manages a link or only displays it. Of networkd's files, which may match a
## future link, the names and keys of the sections are printed. The lines of NetworkManager's profiles and of ifupdown's
## files that say which links they are for. No other line is printed: there are passwords in these files.
pm_profiles() {
  set --
  if [ -d /run/NetworkManager ]; then
    for f in /usr/lib/NetworkManager/conf.d/*.conf /run/NetworkManager/conf.d/*.conf \
      /etc/NetworkManager/NetworkManager.conf /etc/NetworkManager/conf.d/*.conf /etc/NetworkManager/system-connections/* \
      /run/NetworkManager/system-connections/* /usr/lib/NetworkManager/system-connections/*; do
      [ -f "$f" ] && set -- "$@" "$f"
    done
  fi
  if [ -f /etc/network/interfaces ]; then
    set -- "$@" /etc/network/interfaces
    while read -r k p; do
      # shellcheck disable=SC2086 # a pattern
      case $k in
      source) set -- "$@" $p ;;
      source-directory) set -- "$@" $p/* ;;
      esac
    done < /etc/network/interfaces
  fi
  [ $# = 0 ] || grep -H -s -e '^\[' -e '^ *type *=' -e '^ *interface-name *=' -e '^ *autoconnect *=' \
    -e '^ *unmanaged-devices+* *=' -e '^ *match-device *=' -e '^ *managed *=' -e '^[[:space:]]*auto[[:space:]]' \
    -e '^[[:space:]]*allow-[a-z]*[[:space:]]' -e '^[[:space:]]*iface[[:space:]]' "$@"
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
