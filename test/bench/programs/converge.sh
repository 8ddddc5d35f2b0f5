# What plain SSH runs on a host, and Ansible's batched task: one reading, then the commands that make up the difference.
# MODE is apply, check or destroy; MAC, ADDRESS4, ADDRESS6, SHIM and ROUTES are the host's. It is run by any sh.
todo=
want() {
  todo="$todo$1
"
}
# a link's line of `ip -d -o link`, without running a program for it
line_of() {
  found=
  while read -r line; do
    case $line in *": $1@"* | *": $1: "*) found=$line ;; esac
  done <<END
$links
END
}
has() {
  case $2 in *"$1"*) return 0 ;; esac
  return 1
}

if [ "$MODE" = destroy ]; then
  printf 'link del web\nlink del shim0\nlink del br0\n' | ip -batch -
  exit
fi

links=$(ip -d -o link show)
addresses=$(ip -o address show)
routes=$(ip route show table main)

line_of web
if [ -z "$found" ]; then
  want "link add link eth0 name web address $MAC mtu 1400 type macvlan mode bridge"
else
  has " mtu 1400 " "$found" || want "link set dev web mtu 1400"
  has " link/ether $MAC " "$found" || want "link set dev web address $MAC"
  has " mode bridge " "$found" || want "link set dev web type macvlan mode bridge"
fi
has " web    inet $ADDRESS4 " "$addresses" || want "address replace $ADDRESS4 dev web"
has " web    inet6 $ADDRESS6 " "$addresses" || want "address replace $ADDRESS6 dev web"
has ",UP" "$found" || want "link set dev web up"

line_of br0
[ -n "$found" ] || want "link add br0 type bridge"
has ",UP" "$found" || want "link set dev br0 up"
line_of port0
has " master br0 " "$found" || want "link set dev port0 master br0"
has " hairpin on " "$found" || want "link set dev port0 type bridge_slave hairpin on"

line_of shim0
[ -n "$found" ] || want "link add link eth0 name shim0 type macvlan mode bridge"
has " shim0    inet $SHIM " "$addresses" || want "address replace $SHIM dev shim0"
has ",UP" "$found" || want "link set dev shim0 up"
for route in $ROUTES; do
  has "$route dev shim0 " "$routes" || want "route replace $route dev shim0"
done

[ -n "$todo" ] || exit 0
printf 'changed\n%s' "$todo"
[ "$MODE" = check ] || printf %s "$todo" | ip -batch -
