/** Seconds for which a change waits for another one on the same host. */
const LOCK_SECONDS = 30;
/** Whether anything can be written is seen first: a redirection of `exec` that fails ends the shell (POSIX.1, 2.8.1). */
export const LOCK = `u=$({ { [ -d "$D/links" ] && [ -d "$D/netns" ] || mkdir -p "$D/links" "$D/netns"; } && printf '' >> "$D/lock"; } 2>&1) || {
  echo "$M outcome failed 1 0"; echo "$M printed"; printf '%s\\n' "$u"
  pm_observe; exit 1
}
if command -v flock >/dev/null 2>&1; then
  exec 9>"$D/lock"
  n=0
  until flock -n 9; do # busybox's has no -w
    [ $n -gt ${5 * LOCK_SECONDS} ] && { echo "$M outcome locked"; exit 1; }
    # nor has every sleep fractions
    if sleep 0.2 2>/dev/null; then n=$((n + 1)); else sleep 1; n=$((n + 5)); fi
  done
  pm_unlock() { :; }
  pm_share_lock() { :; }
else
  n=0
  until mkdir "$D/lock.d" 2>/dev/null; do
    h=; w=; read -r h w 2>/dev/null < "$D/lock.d/pid"
    if [ -n "$h" ] && ! kill -0 "$h" 2>/dev/null && ! kill -0 "\${w:-$h}" 2>/dev/null; then rm -rf "$D/lock.d"; continue; fi
    n=$((n + 1)); [ $n -gt ${LOCK_SECONDS} ] && { echo "$M outcome locked"; echo "held by process $h"; exit 1; }
    sleep 1
  done
  echo $$ > "$D/lock.d/pid"
  pm_unlock() { rm -rf "$D/lock.d"; }
  pm_share_lock() { echo "$$ $1" > "$D/lock.d/pid"; }
  exec 9>/dev/null
fi`;

export const RECOVER = `pm_undo() { # NUMBER-OF-GROUPS: takes back the last one first
  sh "$D/undo" "$1" 2>&1 </dev/null
}
if [ -e "$D/confirmed" ]; then # and cut off right then
  rm -f "$D/undo" "$D/progress" "$D/watchdog" "$D/confirmed"
fi
r=recovered; [ -e "$D/undo.left" ] && mv "$D/undo.left" "$D/undo" && r="recovered again"
if [ -e "$D/undo" ]; then
  mv "$D/pending" "$D/expired" 2>/dev/null # its watchdog is gone: it would hold the lock
  k=$(tail -n 1 "$D/progress" 2>/dev/null)
  u=$(pm_undo "\${k:-0}")
  rm -f "$D/undo" "$D/progress" "$D/expired" "$D/watchdog"; pm_unlock
  echo "$M outcome $r"; echo "$M undone"; [ -n "$u" ] && printf '%s\\n' "$u"
  pm_observe
  exit 0
fi`;

/**
 * Nothing is printed before the change is complete or undone: a client that is gone would end the script by
 * SIGPIPE in the middle. The commit is one unlink.
 */
export const TRANSACTION = `pm_begin() {
  for f in "$D/kept" "$D/progress"; do [ ! -e "$f" ] || rm -rf "$f"; done
  pm_prepare pm_put progress 0; pm_prepare pm_keep undo "$1"
  trap 'pm_fail 129' HUP; trap 'pm_fail 130' INT; trap 'pm_fail 143' TERM
  pm_watch
}
pm_absent() { # NETNS NAME
  if [ -z "$1" ] && [ -d /sys/class/net ]; then [ -e "/sys/class/net/$2" ] || return 0
  else ip \${1:+-n "$1"} -o link show dev "$2" >/dev/null 2>&1 || return 0; fi
  pm_stale
}
pm_boots() { # NUMBER-OF-RUNS of boot scripts when the host was looked at
  b=; read -r b 2>/dev/null < "$D/boots"
  [ "$b" = "$1" ] || pm_stale
}
pm_stale() {
  pm_unlock; echo "$M outcome stale"
  pm_observe
  exit 0
}
K=0; O=; L=0; A=
pm_put() { echo "$2" >> "$D/$1"; }
pm_prepare() { "$@" 2>/dev/null || O=$("$@" 2>&1) || { A=0; pm_fail 1; }; }
pm_at() { pm_prepare pm_put progress "$1"; K=$1; L=0; }
pm_commit() {
  # the first of them commits
  pm_prepare rm -f "$D/undo" "$D/progress" "$D/watchdog"; trap - HUP INT TERM
  pm_unwatch; pm_unlock
  echo "$M outcome done"
  pm_observe
}
pm_try() { L=$((L + 1)); O=$("$@" 2>&1) || pm_fail $?; }
pm_quick() { # a function that may be called twice: the second call is for what it says, which takes a process
  L=$((L + 1)); "$@" 2>/dev/null || O=$("$@" 2>&1) || pm_fail $?
}
pm_strict() { # a program that may exit with 0 although the kernel refused
  pm_try "$@"
  case $O in *RTNETLINK*|*Usage:*|*"Error:"*|*rror\\ *) pm_fail 1;; esac
}
pm_fail() {
  trap '' HUP INT TERM PIPE
  u=
  [ -e "$D/undo" ] && u=$(pm_undo "$K")
  # an undo that complains may have left something: it is kept for the next change, until somebody has looked
  if [ -n "$u" ]; then mv "$D/undo" "$D/undo.left"; else rm -f "$D/undo" "$D/progress"; fi
  rm -f "$D/undo.new" "$D/watchdog"
  pm_unwatch; pm_unlock
  echo "$M outcome failed $1 \${A:-$K} $L"; echo "$M printed"; printf '%s\\n' "$O"
  echo "$M undone"; [ -n "$u" ] && printf '%s\\n' "$u"
  pm_observe
  exit 1
}`;
