## Runs the checks of links, all at once, each until it passes or its time is up. `pm_check_at` has them by number, and
## `$PM_CHECKS` the numbers. Nothing that is started here keeps the lock (descriptor 9).
pm_now() { # sets $c: hundredths of a second since the boot, without a process
  read -r c q < /proc/uptime
  q=${c#*.}
  c=$((${c%.*} * 100 + 1$q - 100))
}
pm_check() { # NUMBER HUNDREDTHS COMMAND...: prints NUMBER passed|failed TRIES MILLISECONDS EXIT-CODE OUTPUT as one line
  x=$1
  t=0
  pm_now
  e=$((c + $2))
  shift 2
  set -f
  while :; do
    t=$((t + 1))
    b=$c
    PM_LEFT=$(((e - c) / 100))
    [ "$PM_LEFT" -gt 0 ] || PM_LEFT=1
    o=$("$@" 2>&1)
    s=$?
    pm_now
    if [ "$s" = 0 ] || [ "$c" -ge $((e - 30)) ]; then break; fi
    sleep 0.2 2> /dev/null || sleep 1
    pm_now
  done
  r=failed
  [ "$s" != 0 ] || r=passed
  # shellcheck disable=SC2086 # the words of all lines as one
  set -- $o
  # as one write, which others cannot interrupt
  printf '%s %s %s %s %s %.400s\n' "$x" "$r" "$t" $(((c - b) * 10)) "$s" "$*"
}
pm_check_all() { # HUNDREDTHS-OR-NOTHING NUMBER...
  h=$1
  shift
  for x in "$@"; do pm_check_at "$x" "$h" & done
  wait
}
pm_passed() { # NUMBER LINES
  case "
$2" in *"
$1 passed "*) return 0 ;; esac
  return 1
}
pm_writers() { # the processes whose output goes to descriptor 3
  set +f
  p=$(readlink /proc/self/fd/3)
  # shellcheck disable=SC2012 # a process for all of them
  ls -l /proc/[0-9]*/fd/1 2> /dev/null | while read -r l; do
    case $l in *" -> $p")
      l=${l#*/proc/}
      printf '%s ' "${l%%/*}"
      ;;
    esac
  done
}
pm_within() { # SECONDS NETNS COMMAND...: ends it then, with all that it has started
  l=$1
  n=$2
  shift 2
  [ -z "$n" ] || set -- ip netns exec "$n" "$@"
  g=
  v=
  if command -v setsid > /dev/null 2>&1; then g=-; else { v=$(pm_writers); } 3>&1; fi
  { ${g:+setsid} "$@" <&3 3<&- & } 3<&0
  p=$!
  (
    # not ended by what ends the script: nothing else would end the command then
    trap '' HUP INT TERM
    trap 'kill -9 $q; exit' USR1
    sleep "$l" &
    q=$!
    wait $q
    kill -9 $g$p
  ) < /dev/null > /dev/null 2>&1 &
  k=$!
  wait $p
  s=$?
  kill -USR1 $k 2> /dev/null
  # what it has left would keep its output open
  if [ -n "$g" ]; then kill -9 -$p 2> /dev/null; else
    { for q in $(pm_writers); do
      case " $v" in *" $q "*) ;; *) kill -9 "$q" 2> /dev/null ;; esac
    done } 3>&1
  fi
  [ "$s" != 137 ] || echo "no answer within $l s"
  return $s
}
pm_in() { # NETNS COMMAND...
  n=$1
  shift
  if [ -n "$n" ]; then ip netns exec "$n" "$@"; else "$@"; fi
}
pm_out() { # NETNS ADDRESS: sets $r to the link through which the route leads
  r=$(ip ${1:+-n "$1"} -o route get "$2" 2>&1) || {
    echo "$r"
    return 1
  }
  r=${r#* dev }
  r=${r%% *}
}
pm_leads() { # NETNS LINK-OR-NOTHING ADDRESS: for programs that cannot send out of a given link
  [ -n "$2" ] || return 0
  pm_out "$1" "$3" || return
  [ "$r" = "$2" ] || {
    echo "the route to $3 leads through $r, not through $2"
    return 1
  }
}
pm_neighbour() { # NETNS LINK ADDRESS: what the kernel knows of it
  ip ${1:+-n "$1"} neigh show to "$3" ${2:+dev "$2"} 2> /dev/null
}
pm_ping() { # NETNS LINK ADDRESS PROGRAM...
  n=$1
  l=$2
  a=$3
  shift 3
  pm_in "$n" "$@" ${l:+-I "$l"} -n -c 1 -W 1 "$a" && return
  s=$?
  pm_neighbour "$n" "$l" "$a"
  return "$s"
}
pm_arp() { # NETNS LINK ADDRESS PROGRAM...
  r=$2
  [ -n "$r" ] || pm_out "$1" "$3" || return
  n=$1
  a=$3
  shift 3
  pm_in "$n" "$@" -I "$r" -c 1 -w 1 "$a"
}
pm_nd() { # NETNS LINK ADDRESS PROGRAM...: a packet makes the kernel look for the neighbour
  r=$2
  [ -n "$r" ] || pm_out "$1" "$3" || return
  n=$1
  a=$3
  shift 3
  pm_in "$n" "$@" -I "$r" -n -c 1 -W 1 "$a" && return
  o=$(pm_neighbour "$n" "$r" "$a")
  echo "$o"
  case $o in *REACHABLE*) return 0 ;; esac
  return 1
}
pm_tcp() { # NETNS LINK ADDRESS PORT PROGRAM...: the program gets address and port, and the link if it can bind to it
  n=$1
  l=$2
  a=$3
  p=$4
  shift 4
  w=$PM_LEFT
  [ "$w" -le 3 ] || w=3
  case $1 in
  perl | python*) pm_within "$w" "$n" "$@" "$l" "$a" "$p" ;;
  bash) pm_leads "$n" "$l" "$a" && pm_within "$w" "$n" "$@" "$a" "$p" < /dev/null ;;
  *) pm_leads "$n" "$l" "$a" && pm_within "$((w + 1))" "$n" "$@" -w "$w" "$a" "$p" < /dev/null ;;
  esac
}
pm_http() { # NETNS LINK ADDRESS-OR-NOTHING URL PROGRAM...
  n=$1
  l=$2
  a=$3
  u=$4
  shift 4
  unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
  case $1 in
  # the URL is in no list of processes
  curl) printf 'url = "%s"\n' "$u" | pm_in "$n" curl -q -sS -f -m "$PM_LEFT" ${l:+--interface "if!$l"} -o /dev/null -w '%{http_code} in %{time_total} s' -K - ;;
  wget) pm_leads "$n" "$l" "$a" && printf '%s\n' "$u" | pm_within "$PM_LEFT" "$n" wget -nv -O /dev/null -t 1 -i - ;;
  *) pm_leads "$n" "$l" "$a" && pm_within "$PM_LEFT" "$n" "$@" -q -O /dev/null "$u" ;;
  esac
}
pm_dns() { # NETNS LINK SERVER-OR-NOTHING NAME PROGRAM...
  n=$1
  l=$2
  a=$3
  u=$4
  shift 4
  [ -z "$a" ] || pm_leads "$n" "$l" "$a" || return
  case $1 in
  dig)
    o=$(pm_within "$PM_LEFT" "$n" dig +time=1 +tries=1 +short "@$a" "$u" A "$u" AAAA)
    s=$?
    echo "$o"
    case $o in '' | ';'*) return 1 ;; esac
    return "$s"
    ;;
  *) pm_within "$PM_LEFT" "$n" "$@" "$u" ${a:+"$a"} ;;
  esac
}
pm_command() { # NETNS LINK TEXT: the text is in no list of processes
  # shellcheck disable=SC2016 # it is for the other shell
  printf '%s\n' "$3" | pm_within "$PM_LEFT" "$1" env "LINK=$2" "NETNS=$1" sh -c 'eval "$(cat)"'
}
