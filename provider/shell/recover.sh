## Undoes a change that was interrupted, and ends the script if there was one. Defines `pm_undo`.
pm_undo() { # NUMBER-OF-GROUPS: takes back the last one first
  sh "$D/undo" "$1" 2>&1 < /dev/null
}
if [ -e "$D/confirmed" ]; then # and interrupted right then
  rm -f "$D/undo" "$D/progress" "$D/watchdog" "$D/confirmed"
fi
r=recovered
[ -e "$D/undo.left" ] && mv "$D/undo.left" "$D/undo" && r="recovered again"
if [ -e "$D/undo" ]; then
  mv "$D/pending" "$D/expired" 2> /dev/null # its watchdog is gone: it would hold the lock
  pm_settle
  k=$(tail -n 1 "$D/progress" 2> /dev/null)
  u=$(pm_undo "${k:-0}")
  rm -f "$D/undo" "$D/progress" "$D/expired" "$D/watchdog"
  pm_unlock
  echo "$M outcome $r"
  echo "$M undone"
  [ -n "$u" ] && printf '%s\n' "$u"
  pm_observe
  exit 0
fi
