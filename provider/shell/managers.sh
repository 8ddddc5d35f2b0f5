## Defines `pm_managers`. networkd keeps a file per link under /run (sd-network, src/libsystemd/sd-network). Whether
## NetworkManager manages a link or only shows it, only its own tool tells. Of networkd's files, which may match a link that
## is still to be made, the sections' names and keys are printed.
pm_managers() {
  for f in /run/systemd/netif/links/*; do
    [ -e "$f" ] && {
      echo "networkd ${f##*/}"
      grep -e '^ADMIN_STATE=' -e '^NETWORK_FILE=' "$f"
    }
  done
  [ -d /run/systemd/netif ] && {
    for f in /etc/systemd/network/*.network /run/systemd/network/*.network /usr/lib/systemd/network/*.network; do
      { [ -e "$f" ] || [ -L "$f" ]; } && echo "netfile $f"
    done
    grep -H -e '^\[' -e '^[A-Za-z0-9]* *=' /etc/systemd/network/*.network /etc/systemd/network/*.network.d/*.conf \
      /run/systemd/network/*.network /run/systemd/network/*.network.d/*.conf \
      /usr/lib/systemd/network/*.network /usr/lib/systemd/network/*.network.d/*.conf 2> /dev/null
  }
  [ -d /run/NetworkManager ] && nmcli -t -f DEVICE,STATE,CONNECTION device 2> /dev/null | sed 's/^/nm /'
}
