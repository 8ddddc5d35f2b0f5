## Checks whether the change `$PM_TOKEN` waits to be confirmed, and confirms it if `$PM_DECIDE` is set.
t=
w=
[ -e "$D/pending" ] && read -r t w < "$D/pending"
b=
[ -e "$D/begun" ] && read -r b < "$D/begun"
if [ "$t" != "$PM_TOKEN" ]; then
  # one that has not begun yet, as it waits for the lock, is not over
  if [ "$b" = "$PM_TOKEN" ] && { [ ! -e "$D/undo" ] || [ -e "$D/expired" ]; }; then a=gone; else a=working; fi
elif [ -z "$PM_DECIDE" ]; then
  a=pending
elif mv "$D/pending" "$D/confirmed" 2> /dev/null; then
  a=confirmed
  # the holder of the lock cleans up: the watchdog, if it is there
  kill "$w" 2> /dev/null
  n=0
  while [ -e "$D/confirmed" ] && [ $n -lt 10 ]; do
    sleep 0.2 2> /dev/null || sleep 1
    n=$((n + 1))
  done
  [ -e "$D/confirmed" ] && rm -f "$D/undo" "$D/progress" "$D/watchdog" "$D/confirmed"
else a=gone; fi
case $a in confirmed | gone) rm -f "$D/begun" ;; esac
echo "$M confirmation $a"
pm_observe
