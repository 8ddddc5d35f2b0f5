## What `pulumi-macvlan doctor` checks in addition to an observation. `$PM_WRITTEN` are files and folders that must be
## writable.
echo "$M system"
(
  # shellcheck disable=SC1091 # a file of the host
  . /etc/os-release 2> /dev/null
  echo "$PRETTY_NAME"
)
echo "$M features"
pm_features
echo "$M writable"
for f in $PM_WRITTEN; do [ -w "$f" ] && echo "$f"; done
echo "$M processes"
cat /proc/[0-9]*/comm 2> /dev/null | sort -u
echo "$M nics"
for n in /sys/class/net/*; do
  [ -e "$n/device/driver" ] && {
    d=$(readlink "$n/device/driver")
    echo "${n##*/} ${d##*/}"
  }
done
echo "$M end"
