## Defines `pm_managers`. networkd keeps a file per link under /run (sd-network, src/libsystemd/sd-network). Whether
## NetworkManager manages a link or only shows it, only its own tool tells.
pm_managers() {
  for f in /run/systemd/netif/links/*; do
    [ -e "$f" ] && {
      echo "networkd ${f##*/}"
      grep -e '^ADMIN_STATE=' -e '^NETWORK_FILE=' "$f"
    }
  done
  [ -d /run/NetworkManager ] && nmcli -t -f DEVICE,STATE,CONNECTION device 2> /dev/null | sed 's/^/nm /'
}
