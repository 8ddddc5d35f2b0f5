## Waits for the commands of a change whose shell was killed: they go on without it, and what they did after an undo would
## stay. They hold the undo open, as descriptor 8.
pm_settle() { # ends what has not ended by itself within ten seconds
  n=0
  while i=$(pm_left_behind) && [ -n "$i" ]; do
    # shellcheck disable=SC2086 # numbers of processes
    [ "$n" -lt 100 ] || kill -9 $i 2> /dev/null
    sleep 0.1 2> /dev/null || {
      sleep 1
      n=$((n + 9))
    }
    n=$((n + 1))
  done
}
pm_left_behind() {
  # shellcheck disable=SC2012 # a process for all of them
  ls -l /proc/[0-9]*/fd/8 2> /dev/null | while read -r l; do
    case $l in *" -> $D/undo") ;; *) continue ;; esac
    l=${l#*/proc/}
    l=${l%%/*}
    # a container may have a file of that name, and a change of its own
    [ "$(readlink "/proc/$l/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] && printf '%s ' "$l"
  done
}
