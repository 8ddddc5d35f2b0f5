## Runs the steps of a change, and undoes them if one fails. Nothing is printed before the change is complete or undone:
## without a client, SIGPIPE would end the script in the middle. The commit is one unlink.
pm_begin() {
  for f in "$D/kept" "$D/progress"; do [ ! -e "$f" ] || rm -rf "$f"; done
  pm_prepare pm_put progress 0
  pm_prepare pm_keep undo "$1"
  trap 'pm_fail 129' HUP
  trap 'pm_fail 130' INT
  trap 'pm_fail 143' TERM
  pm_watch
  # held by the commands as well, so that an undo can wait for those that have lost their shell
  exec 8< "$D/undo"
}
F=1
E=0
L=0
O=
A=
pm_put() { echo "$2" >> "$D/$1"; }
pm_prepare() {
  "$@" 2> /dev/null && return
  O=$("$@" 2>&1) && return
  A=0
  pm_fail 1
}
pm_at() { # FIRST LAST: the numbers of the commands that begin now
  pm_prepare pm_put progress "$2"
  F=$1
  E=$2
  L=0
  O=
}
pm_commit() {
  exec 8<&-
  # the first of them commits
  pm_prepare rm -f "$D/undo" "$D/progress" "$D/watchdog"
  trap - HUP INT TERM
  pm_unwatch
  pm_unlock
  echo "$M outcome done"
  pm_observe
}
pm_try() {
  L=$((L + 1))
  O=$("$@" 2>&1) || pm_fail $?
}
pm_batch() { # a program that carries out all commands of this run; ip says which of them has failed
  L=$((E - F + 1))
  O=$("$@" 2>&1) && return
  s=$?
  case $O in *"Command failed -:"[1-9]*)
    i=${O##*"Command failed -:"}
    i=${i%%[!0-9]*}
    [ "$i" -gt "$L" ] || L=$i
    ;;
  esac
  pm_fail "$s"
}
pm_quick() { # a function that may be called twice: the second call is for what it says, which takes a process
  L=$((L + 1))
  "$@" 2> /dev/null || O=$("$@" 2>&1) || pm_fail $?
}
pm_sysctls() { # VALUE FILE...: as pm_quick pm_sysctl for each of them, which takes many times as long
  v=$1
  shift
  for f in "$@"; do
    L=$((L + 1))
    [ -e "$f" ] || continue
    printf '%s\n' "$v" > "$f" || O=$(pm_write "$v" "$f" 2>&1) || pm_fail $?
  done 2> /dev/null
}
pm_strict() { # a program that may exit with 0 although the kernel refused
  pm_try "$@"
  case $O in *RTNETLINK* | *Usage:* | *"Error:"* | *rror\ *) pm_fail 1 ;; esac
}
pm_fail() {
  trap '' HUP INT TERM PIPE
  exec 8<&-
  K=$((F + L - 1))
  B=$K
  # the kernel did nothing: what has the name, the address or the route is another program's, and stays
  [ "$1" -ge 128 ] || case $O in *"File exists"*) B=$((K - 1)) ;; esac
  u=
  [ -e "$D/undo" ] && u=$(pm_undo "$B")
  # an undo that prints errors may have left something: it is kept for the next change
  if [ -n "$u" ]; then mv "$D/undo" "$D/undo.left"; else rm -f "$D/undo" "$D/progress"; fi
  rm -f "$D/undo.new" "$D/watchdog"
  pm_unwatch
  pm_unlock
  echo "$M outcome failed $1 ${A:-$K}"
  echo "$M printed"
  printf '%s\n' "$O"
  echo "$M undone"
  [ -n "$u" ] && printf '%s\n' "$u"
  pm_observe
  exit 1
}
