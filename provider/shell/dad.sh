## Waits until IPv6's duplicate detection has ended on `$PM_LINK` of `$PM_NETNS`, and prints which addresses failed it.
pm_addresses() { # tentative|dadfailed
  ip ${PM_NETNS:+-n "$PM_NETNS"} -6 -o address show dev "$PM_LINK" "$1"
}
n=0
while pm_addresses tentative 2> /dev/null | grep -qv dadfailed && [ $n -lt $((10 * PM_SECONDS)) ]; do
  sleep 0.1 2> /dev/null || {
    sleep 1
    n=$((n + 9))
  }
  n=$((n + 1))
done
echo "$M failed"
pm_addresses dadfailed
echo "$M end"
