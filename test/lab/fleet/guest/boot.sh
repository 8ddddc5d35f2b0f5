#!/bin/sh
# Runs one guest: process 1 of its own pid and mount namespaces, in the network namespace of the lab's switch.
# usage: boot.sh FOLDER MEGABYTES KERNEL-ARGUMENT…
# With this process everything of the guest ends: its memory is in a tmpfs that nobody else sees.
set -eu
folder=$1 megabytes=$2
shift 2

# /proc is still the machine's, so this is the number by which the machine knows this process.
read -r outer rest </proc/self/stat
echo "$outer" >"$folder/pid"
mount -t proc proc /proc
# User-mode Linux keeps the guest's memory in a file that it executes from; a machine's own tmpfs may be too small
# (containers) or forbid that (noexec).
mount -t tmpfs -o "mode=1777,size=$((megabytes + 16))m" tmpfs /dev/shm
mkdir /dev/shm/home
cd /
HOME=/dev/shm/home TMPDIR=/dev/shm linux.uml "$@" <&- >"$folder/console.log" 2>&1
