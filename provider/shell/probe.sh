## Defines `pm_probe`, which probes the LAN of `$PM_LINK` for an address, or ends the script if the host has no suitable
## program. The arping of iputils and of busybox take these options. In Habets' arping they mean something else.
case $(
  arping -V 2>&1
  arping --help 2>&1
) in *iputils* | *BusyBox*) ;; *)
  echo "$M none"
  return
  ;;
esac
pm_probe() { # ADDRESS
  o=$(arping -D -c 2 -w "$PM_SECONDS" -I "$PM_LINK" "$1" 2>&1) && return
  printf '%s\n' "$M answer $1
$o"
}
