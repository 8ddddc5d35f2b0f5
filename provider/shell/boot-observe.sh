## Defines `pm_observe_boot`, which prints its sections with the marker `$M`. It only reads.
pm_observe_boot() {
  echo "$M init"
  for f in /run/systemd/system /run/udev/control /run/openrc /etc/network/interfaces; do [ -e "$f" ] && echo "$f"; done
  echo "$M bootlist"
  l=
  for f in /etc/pulumi-macvlan/*.sh /etc/systemd/system/pulumi-macvlan-*.service /etc/init.d/pulumi-macvlan-* /etc/network/if-up.d/pulumi-macvlan-* /etc/systemd/system/*.wants/pulumi-macvlan-* /etc/runlevels/*/pulumi-macvlan-*; do
    # an enabled unit is a symbolic link, also to a file that is gone
    { [ -e "$f" ] || [ -h "$f" ]; } || continue
    l=$(ls -ldn /etc/pulumi-macvlan/*.sh /etc/systemd/system/pulumi-macvlan-*.service /etc/init.d/pulumi-macvlan-* /etc/network/if-up.d/pulumi-macvlan-* /etc/systemd/system/*.wants/pulumi-macvlan-* /etc/runlevels/*/pulumi-macvlan-* 2> /dev/null)
    break
  done
  [ -n "$l" ] || return 0
  printf '%s\n' "$l"
  echo "$M bootdigests"
  sha256sum /etc/pulumi-macvlan/*.sh /etc/systemd/system/pulumi-macvlan-*.service /etc/init.d/pulumi-macvlan-* /etc/network/if-up.d/pulumi-macvlan-* 2> /dev/null
  echo "$M bootmarks"
  grep -H '^# pulumi-macvlan {' /etc/pulumi-macvlan/*.sh /etc/systemd/system/pulumi-macvlan-*.service /etc/init.d/pulumi-macvlan-* /etc/network/if-up.d/pulumi-macvlan-* 2> /dev/null
}
