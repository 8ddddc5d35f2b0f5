#!/bin/sh
# Runs one guest: process 1 of its own pid and mount namespaces, in the network namespace of the lab's switch.
# usage: boot.sh FOLDER MEGABYTES ROOT KERNEL-ARGUMENT…   ROOT has the kernel: / or where a package was unpacked
# With this process everything of the guest ends: its memory is in a tmpfs that nobody else sees.
set -eu
folder=$1 megabytes=$2 root=${3%/}
shift 3

# /proc is still the machine's, so this is the number by which the machine knows this process.
read -r outer rest </proc/self/stat
echo "$outer" >"$folder/pid"
mount -t proc proc /proc
# User-mode Linux keeps the guest's memory in a file that it executes from; a machine's own tmpfs may be too small
# (containers) or forbid that (noexec).
mount -t tmpfs -o "mode=1777,size=$((megabytes + 16))m" tmpfs /dev/shm
mkdir /dev/shm/home
cd /
if [ -n "$root" ]; then
  # its modules, which the guest finds here (init.sh), and a C library that may be newer than the machine's
  mount --bind "$root/usr/lib/uml/modules" /usr/lib/uml/modules
  libraries=/usr/lib/$(uname -m)-linux-gnu
  [ ! -e "$root$libraries/libc.so.6" ] || mount --bind "$root$libraries" "$libraries"
fi
# GUEST_PRELOAD: what the kernel needs on some processors (xstate.ts)
HOME=/dev/shm/home TMPDIR=/dev/shm LD_PRELOAD=${GUEST_PRELOAD:-} "$root/usr/bin/linux.uml" "$@" <&- >"$folder/console.log" 2>&1
