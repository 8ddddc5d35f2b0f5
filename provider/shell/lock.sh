## Defines `pm_folder`, `pm_lock` and `pm_unlock`. The lock is the kernel's (`flock`), or that of holder.sh: neither
## outlives its holders.

pm_folder() { # makes the folder under /run; fails if another user could have put something there
  if [ -L "$D" ]; then
    echo "$D is a symbolic link: remove it"
    return 1
  fi
  [ -d "$D" ] || mkdir "$D" || return
  if [ ! -O "$D" ]; then
    echo "$D belongs to another user: see what is in it, and remove it"
    return 1
  fi
  case $(ls -ldn "$D") in
  drwx------*) ;;
  d????w* | d???????w*)
    echo "other users can write to $D: see what is in it, and remove it"
    return 1
    ;;
  *) chmod 700 "$D" || return ;;
  esac
  { [ -d "$D/links" ] && [ -d "$D/netns" ]; } || mkdir -p "$D/links" "$D/netns" || return
  # a redirection of exec that fails ends the shell (POSIX.1, 2.8.1)
  printf '' >> "$D/lock"
}
pm_lock() { # SECONDS for which it waits
  PM_SELF=
  if command -v flock > /dev/null 2>&1; then
    exec 9>> "$D/lock"
  else
    exec 9> /dev/null
    pm_start_of $$
    PM_SELF=$$:$i
  fi
  n=0
  until pm_try_lock; do
    [ "$n" -lt $((5 * $1)) ] || return
    # not every sleep has fractions
    if sleep 0.2 2> /dev/null; then n=$((n + 1)); else
      sleep 1
      n=$((n + 5))
    fi
  done
}
pm_try_lock() {
  # busybox's flock has no -w
  if [ -z "$PM_SELF" ]; then flock -n 9; else pm_claim; fi
}
pm_claim() {
  pm_holder
  if [ -z "$h" ]; then
    ln -s "$PM_SELF" "$D/holder" 2> /dev/null || return
    PM_CHAIN=$D/holder
    return
  fi
  ! pm_holder_lives || return
  was=$h
  ln -s "$PM_SELF" "$D/holder.after.$was" 2> /dev/null || return
  # while that was done, the watchdog of the dead may have come, or the lock been released by another
  pm_holder
  if [ "$h" = "$PM_SELF" ] && [ ! -L "$D/holder.with.$was" ]; then
    PM_CHAIN=$chain
    return
  fi
  if [ "$h" = "$PM_SELF" ] && h=$was && ! pm_holder_lives; then
    PM_CHAIN="$chain $D/holder.with.$was"
    return
  fi
  rm -f "$D/holder.after.$was"
  return 1
}
pm_unlock() {
  # shellcheck disable=SC2086 # paths without blanks, of which the first one releases the lock
  [ -z "$PM_SELF" ] || rm -f $PM_CHAIN "$D/holder.with.$PM_SELF"
}
