## Reboots the host, but not in the middle of a change, nor if one has to be undone: what an undo needs is lost with /run.
u=$(pm_folder 2>&1) || {
  echo "$M refused"
  printf '%s\n' "$u"
  exit 1
}
pm_lock 30 || {
  echo "$M locked"
  exit 1
}
if [ -e "$D/undo" ] || [ -e "$D/undo.left" ]; then
  pm_unlock
  echo "$M unfinished"
  exit 1
fi
if [ -d /run/systemd/system ]; then set -- systemctl --no-block reboot; else set -- reboot; fi
o=$("$@" 2>&1)
s=$?
pm_unlock
echo "$M ended $s $*"
printf '%s\n' "$o"
