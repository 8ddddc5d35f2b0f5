## Starts and ends the watchdog of a change, whose text is `$PM_WATCHDOG`. The steps may take `$PM_COMMAND_SECONDS`. If
## the change could cut its own connection, `$PM_TOKEN` identifies it, and the complete change waits for
## `$PM_CONFIRM_SECONDS` to be confirmed; otherwise `$PM_TOKEN` is empty.
W=
pm_watch() {
  if [ -n "$PM_TOKEN" ]; then
    pm_prepare pm_keep begun "$PM_TOKEN"
  elif [ -e "$D/begun" ]; then
    rm -f "$D/begun"
  fi
  pm_prepare pm_write "$PM_WATCHDOG" "$D/watchdog"
  s=
  command -v setsid > /dev/null 2>&1 && s=setsid
  # it inherits the lock
  $s sh "$D/watchdog" $$ "$PM_COMMAND_SECONDS" "$PM_CONFIRM_SECONDS" "$PM_SELF" "$PM_CHAIN" < /dev/null > /dev/null 2>&1 9>&9 &
  W=$!
}
pm_unwatch() { [ -n "$W" ] && kill "$W" 2> /dev/null; }
pm_pend() { # ends the script in place of pm_commit
  exec 8<&-
  # a process that has ended and was not waited for still answers to kill -0
  grep -q '^State:[[:space:]]*[^Z]' "/proc/$W/status" 2> /dev/null || {
    O="the change's watchdog was killed"
    A=0
    pm_fail 1
  }
  pm_prepare pm_keep pending "$PM_TOKEN $W"
  trap - HUP INT TERM
  echo "$M outcome pending"
  pm_observe
}
