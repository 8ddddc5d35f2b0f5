## Functions for an undo file, which has the number of the commands to undo in `$k`: what undoes many commands in a row,
## given in the undo's order. NUMBER is that of the first one's command; those before it have the numbers below.
pm_back_forget() { # NUMBER FILE...
  n=$(($1 - k))
  shift
  if [ "$n" -gt 0 ]; then
    [ "$n" -lt $# ] || return 0
    shift "$n"
  fi
  pm_back rm -f "$@"
}
pm_back_links() { # NETNS GROUP NUMBER LINK...: deletes links that the change has made, all at once as far as that is possible
  t=$1
  g=$2
  n=$(($3 - k))
  shift 3
  if [ "$n" -gt 0 ]; then
    [ "$n" -lt $# ] || return 0
    shift "$n"
  fi
  # nothing else is in the group: the change has looked before it began
  o=$(printf "link set dev %s group $g\\n" "$@" | ip ${t:+-n "$t"} -force -batch - 2>&1) || printf '%s\n' "$o" | head -n 20
  ip ${t:+-n "$t"} link delete group "$g" 2> /dev/null && return
  for l in "$@"; do pm_back ip ${t:+-n "$t"} link delete dev "$l"; done
}
