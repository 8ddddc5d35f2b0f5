## Has the change `$PM_TOKEN`, which waits to be confirmed, rolled back now.
t=
w=
[ -e "$D/pending" ] && read -r t w < "$D/pending"
if [ "$t" = "$PM_TOKEN" ] && mv "$D/pending" "$D/expired" 2> /dev/null; then
  kill "$w" 2> /dev/null
  n=0
  while [ -e "$D/expired" ] && [ $n -lt 50 ]; do
    sleep 0.2 2> /dev/null || {
      sleep 1
      n=$((n + 4))
    }
    n=$((n + 1))
  done
  # its watchdog is gone: the next change undoes it
fi
rm -f "$D/begun" "$D/checked"
echo "$M confirmation gone"
pm_observe
