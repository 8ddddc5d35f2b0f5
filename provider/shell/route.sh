## A route with an IPv6 address as its source: the kernel accepts none for which duplicate detection has not ended
## (net/ipv6/route.c, ip6_route_info_create; RFC 4862, 5.4). Detection takes a second or two, and only affects new
## addresses.
pm_route() { # NETNS SOURCE COMMAND...
  w=$1 a=$2
  shift 2
  "$@" 2> /dev/null && return
  c=0
  while [ $c -lt 100 ] && ip ${w:+-n "$w"} -6 -o address show to "$a" tentative 2> /dev/null | grep -qv dadfailed; do
    sleep 0.1 2> /dev/null || {
      sleep 1
      c=$((c + 9))
    }
    c=$((c + 1))
  done
  "$@"
}
