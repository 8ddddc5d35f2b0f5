/**
 * The shell of a change that is the same for every change: how it takes the lock, takes back an earlier change that
 * was cut off, and ends its own as a whole or not at all.
 */
import { RUN_DIRECTORY } from "./observe";

/** Seconds for which a change waits for another one on the same host. */
const LOCK_SECONDS = 30;

/** How every script begins. */
export const ENVIRONMENT = "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH";

/** How a script of a host begins: with the functions that `shellWords` may name, those for boot files left out. */
export const PRELUDE = `${ENVIRONMENT}
D=${RUN_DIRECTORY}
pm_write() { printf '%s\\n' "$1" > "$2"; }
pm_keep() { printf '%s\\n' "$2" > "$D/$1.new" && mv "$D/$1.new" "$D/$1"; }
pm_note() { # a new one that is cut off in its middle is none, and its change is undone
  if [ -e "$D/$1" ]; then pm_keep "$@"; else printf '%s\\n' "$2" > "$D/$1"; fi
}
pm_record_link() { # FILE NETNS NAME JSON
  if [ -z "$2" ] && [ -e "/sys/class/net/$3/ifindex" ]; then read -r i < "/sys/class/net/$3/ifindex"
  elif [ -z "$2" ]; then i=$(ip -o link show dev "$3") || return
  else i=$(ip -n "$2" -o link show dev "$3") || return; fi
  [ -d "$D/links" ] || mkdir -p "$D/links" || return
  pm_note "$1" "\${i%%:*} $4"
}
pm_record_netns() { # NAME JSON
  i=$(ls -di "/run/netns/$1") || return
  set -- $i "$@"
  [ -d "$D/netns" ] || mkdir -p "$D/netns" || return
  pm_note "netns/$3" "$1 $4"
}
`;

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
