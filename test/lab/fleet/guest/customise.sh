#!/bin/sh
# Makes the root file system that mmdebstrap has installed a guest's. Runs on the machine, as a hook of mmdebstrap.
# usage: customise.sh ADDED ROOT   folder of what is added: init, and lines for the user database; the root file system
set -eu
added=$1 root=$2

install -m 755 "$added/init" "$root/sbin/lab-init"
for file in passwd group shadow; do cat "$added/$file" >>"$root/etc/$file"; done
install -m 440 "$added/sudoers" "$root/etc/sudoers.d/lab"
while IFS=: read -r _ _ uid gid _ home _; do install -d -m 755 -o "$uid" -g "$gid" "$root$home"; done <"$added/passwd"

# What belongs to one guest, its seed brings.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/etc/resolv.conf" "$root/etc/network/interfaces"
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
mkdir -p "$root/lib/modules"

# No longer started at boot, though they can be: who configures the links, which is the seed's choice as well, and
# what a host of a test has no use for. Each costs a quarter of a second: user-mode Linux is slow at starting programs.
for unit in \
  systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
  systemd-network-generator.service networking.service NetworkManager.service NetworkManager-wait-online.service \
  wpa_supplicant.service iperf3.service systemd-timesyncd.service systemd-logind.service dbus.service \
  getty.target getty-static.service getty@tty1.service systemd-user-sessions.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-pstore.service systemd-firstboot.service systemd-sysusers.service systemd-repart.service \
  systemd-machine-id-commit.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
  systemd-binfmt.service systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-random-seed.service \
  kmod-static-nodes.service systemd-tmpfiles-setup-dev.service systemd-journald-audit.socket \
  systemd-ask-password-wall.path systemd-ask-password-console.path systemd-initctl.socket \
  proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount; do
  rm -f "$root"/etc/systemd/system/*.wants/"$unit" "$root"/lib/systemd/system/*.wants/"$unit"
done
for name in cryptsetup getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
  rm -f "$root/lib/systemd/system-generators/systemd-$name-generator"
done
for name in home legacy static-nodes-permissions systemd-nologin systemd-pstore x11; do
  rm -f "$root/usr/lib/tmpfiles.d/$name.conf"
done
for name in network1 NetworkManager nm-dispatcher timesync1; do
  rm -f "$root/etc/systemd/system/dbus-org.freedesktop.$name.service"
done

# Of the devices only the links are of interest: a coldplug of all takes seconds.
mkdir -p "$root/etc/systemd/system/systemd-udev-trigger.service.d"
cat >"$root/etc/systemd/system/systemd-udev-trigger.service.d/links.conf" <<END
[Service]
ExecStart=
ExecStart=udevadm trigger --type=devices --action=add --subsystem-match=net
END
