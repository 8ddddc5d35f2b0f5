## The lock on hosts without `flock`: which process holds it, and whether that process is alive.
##
## `$D/holder` is a symbolic link whose target is `PID:START` of the holder: `ln -s` creates it with its text, or fails.
## No text is ever changed. If a holder has died, the first process that creates `holder.after.PID:START` is the next
## one, so the holder is the end of a chain. The lock is released by removing `holder`, and then the rest of the chain,
## which has no meaning any more. The watchdog of a change holds the lock with it by `holder.with.PID:START`.

pm_start_of() { # PID: sets $i to the time at which that process began (proc_pid_stat(5)); fails if it has ended
  i=
  read -r i 2> /dev/null < "/proc/$1/stat" || return
  i=${i##*) }
  case $i in [ZX]*) return 1 ;; esac
  # shellcheck disable=SC2086 # fields, from the third one on
  set -- $i
  i=${20}
}
pm_lives() { # PID:START
  pm_start_of "${1%%:*}" && [ "$i" = "${1#*:}" ]
}
pm_holder() { # sets $h to the holder, empty if there is none, and $chain to the links that lead to it
  chain=
  h=
  l=$D/holder
  while i=$(readlink "$l"); do
    h=$i
    chain="$chain $l"
    l=$D/holder.after.$h
  done
}
pm_holder_lives() {
  pm_lives "$h" || { i=$(readlink "$D/holder.with.$h") && pm_lives "$i"; }
}
