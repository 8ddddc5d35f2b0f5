## Every boot script. A parent's MTU, or the address that a route has for its source, may be set a little later: what fails is tried
## again. A link is waited for, but not if the script is called with `hotplug`: then each link that comes runs it again.
left=30 # seconds in which a command that fails is tried again
fail() {
  echo "pulumi-macvlan: $*" >&2
  exit 1
}
pause() {
  left=$((left - 1))
  sleep 1
}
try() {
  o=$("$@" 2>&1) || return
  # bridge(8) may exit with 0 although the kernel refused
  case $o in *"RTNETLINK answers"*) return 1 ;; esac
}
run() {
  until try "$@"; do
    [ "$left" -gt 0 ] || fail "$*: $o"
    pause
  done
}
has() { [ -n "$("$@" 2> /dev/null)" ]; }
ended() {
  # what a change was planned from before this is out of date
  b=0
  read -r b 2> /dev/null < "$D/boots"
  echo $((b + 1)) > "$D/boots"
  pm_unlock
}
there() { has ip -o link show dev "$1"; }
await() {
  until there "$1" || [ "$mode" = hotplug ] || [ "$left" -le 0 ]; do pause; done
  there "$1"
}
