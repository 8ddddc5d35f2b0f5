## Defines `pm_probe`, which asks the LAN of `$PM_LINK` whether anybody has an address, or ends the script if no program of the
## host can: the arping of iputils and of busybox take these options, Habets' program of that name means other things by them.
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
