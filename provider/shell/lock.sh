## Takes the lock of the host, or ends the script. The lock is the kernel's (flock), or a folder that names its holder, so that
## it never outlives the process that took it. Defines `pm_unlock` and `pm_share_lock`.
## Whether anything can be written is seen first: a redirection of `exec` that fails ends the shell (POSIX.1, 2.8.1).
u=$({ { [ -d "$D/links" ] && [ -d "$D/netns" ] || mkdir -p "$D/links" "$D/netns"; } && printf '' >> "$D/lock"; } 2>&1) || {
  echo "$M outcome failed 1 0"
  echo "$M printed"
  printf '%s\n' "$u"
  pm_observe
  exit 1
}
if command -v flock > /dev/null 2>&1; then
  exec 9> "$D/lock"
  n=0
  until flock -n 9; do # busybox's has no -w
    [ $n -gt 150 ] && {
      echo "$M outcome locked"
      exit 1
    }
    # nor has every sleep fractions
    if sleep 0.2 2> /dev/null; then n=$((n + 1)); else
      sleep 1
      n=$((n + 5))
    fi
  done
  pm_unlock() { :; }
  pm_share_lock() { :; }
else
  n=0
  until mkdir "$D/lock.d" 2> /dev/null; do
    h=
    w=
    read -r h w 2> /dev/null < "$D/lock.d/pid"
    if [ -n "$h" ] && ! kill -0 "$h" 2> /dev/null && ! kill -0 "${w:-$h}" 2> /dev/null; then
      rm -rf "$D/lock.d"
      continue
    fi
    n=$((n + 1))
    [ $n -gt 30 ] && {
      echo "$M outcome locked"
      echo "held by process $h"
      exit 1
    }
    sleep 1
  done
  echo $$ > "$D/lock.d/pid"
  pm_unlock() { rm -rf "$D/lock.d"; }
  pm_share_lock() { echo "$$ $1" > "$D/lock.d/pid"; }
  exec 9> /dev/null
fi
