#!/bin/sh
# Boots one lab host. Runs as process 1 of the host, already in its own net, mount, pid, uts and ipc namespaces.
# usage: boot.sh BASE HOST RESET   what all hosts of the lab share; the host's own folder; path of reset.sh
# Prints "ready" once sshd listens; what goes wrong is on stderr, and then the host ends.
set -eu
base=$1 self=$2

# /proc is still the machine's, so this is the number by which the machine knows this process.
read -r outer rest </proc/self/stat
echo "$outer" >"$self/pid"
# From here on files of the lab and of this project may be covered by a mount.
exec 3<"$self/network" 4<"$3"
cd "$self"
read -r name <"$self/etc/hostname"
hostname "$name"

# Scripts that ifupdown runs when a link comes up (interfaces(5)): the host's own, not those of the machine below it.
hooks=$(cd "$self/etc/network/if-up.d" 2>/dev/null && echo *) || hooks=

mount -t proc proc /proc
mount -t sysfs sysfs /sys # shows the links of the network namespace that mounts it
mount -t overlay -o "lowerdir=$base/etc:/etc,upperdir=$self/etc,workdir=$self/etc.work" overlay /etc
mount -t overlay -o "lowerdir=/var/lib,upperdir=$self/lib,workdir=$self/lib.work" overlay /var/lib
mount -c --bind log /var/log # -c: relative to a folder that may be covered by now
mount -c --bind root /root
mount -c --bind home /home
mount -t tmpfs -o mode=1777,size=64m tmpfs /var/tmp
mount -t tmpfs -o mode=1777,size=64m tmpfs /tmp
mount -t tmpfs -o mode=755,size=64m tmpfs /run
mkdir -p /run/sshd /run/lock /run/netns /run/lab

# A namespace begins with the machine's IPv4 defaults, which a distribution may have changed: back to the kernel's.
for scope in all default; do
  for key in rp_filter arp_filter arp_ignore arp_announce arp_notify forwarding; do
    echo 0 >"/proc/sys/net/ipv4/conf/$scope/$key"
  done
done
# No duplicate address detection on the NICs of the lab itself, so that nobody waits for it at boot.
for link in eth0 mgmt0; do
  [ ! -d /proc/sys/net/ipv6 ] || echo 0 >"/proc/sys/net/ipv6/conf/$link/accept_dad"
done
cat <&3 >/run/lab/network
ip -batch /run/lab/network
exec 3<&-
# A shell that waits also buries orphans: all that process 1 has to do.
sleep infinity >/dev/null 2>&1 4<&- &
echo $! >/run/lab/keeper
sh -s record <&4 >&2
exec 4<&-
for hook in $hooks; do
  if [ -x "/etc/network/if-up.d/$hook" ]; then
    for link in eth0 eth1 mgmt0; do
      IFACE=$link LOGICAL=$link ADDRFAM=inet METHOD=static MODE=start PHASE=post-up "/etc/network/if-up.d/$hook" >&2
    done
  fi
done
[ ! -x /etc/rc.local ] || /etc/rc.local >&2

# Its log is not syslog's, so that tests can count logins.
/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log
# sshd goes to the background before it listens, and writes its number down when it does (sshd.c, main).
tries=0
until [ -s /run/sshd.pid ]; do
  tries=$((tries + 1))
  [ $tries -lt 500 ] || { echo "sshd does not listen: $(tail -n 1 /var/log/sshd.log)" >&2; exit 1; }
  sleep 0.01
done
echo ready
exec </dev/null >/dev/null 2>&1
while :; do wait || :; done
