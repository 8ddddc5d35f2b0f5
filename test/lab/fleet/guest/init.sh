#!/bin/sh
# What a guest runs before systemd: takes over what the lab says of it, and finds its kernel's modules and its NICs.
set -eu
mount -t proc proc /proc
seed=$(sed -n 's/.*lab\.seed=\([^ ]*\).*/\1/p' /proc/cmdline)
if [ ! -e /etc/lab-seeded ]; then
  mount -t hostfs none /mnt -o "$seed"
  cp -a /mnt/. /
  umount /mnt
  : >/etc/lab-seeded
fi
# The modules come with the kernel's package, on the machine (hostfs: Documentation/virt/uml/user_mode_linux_howto_v2.rst).
mount -t hostfs -o /usr/lib/uml/modules,ro none /lib/modules
n=0
for name in eth0 eth1 mgmt0; do
  ip link set dev "vec$n" name "$name"
  n=$((n + 1))
done
umount /proc
exec /sbin/init
