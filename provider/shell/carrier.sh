## Prints what the kernel remembers of the carrier of `$PM_LINK`: how often it came and went, and when the driver last told
## that it went. It only reads.
echo "$M carrier"
for a in carrier_down_count carrier_up_count; do
  v=
  read -r v 2> /dev/null < "/sys/class/net/$PM_LINK/$a"
  echo "$a $v"
done
read -r v r < /proc/uptime
echo "uptime $v"
dmesg 2> /dev/null | grep -F "$PM_LINK: " | grep -i -e 'link is down' -e 'link down' -e 'lost carrier' | tail -n 1
echo "$M end"
