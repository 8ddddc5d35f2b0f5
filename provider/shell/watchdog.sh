## A process of its own: `watchdog SCRIPT-PID COMMAND-SECONDS CONFIRM-SECONDS HOLDER LINKS`, the last two of holder.sh.
## SIGTERM comes if a login session is ended with all its processes (logind.conf(5), KillUserProcesses). Then no
## connection can confirm any more, so it does not wait.
D=/run/pulumi-macvlan
trap '' HUP PIPE
hurry=
trap 'hurry=1; kill $s 2> /dev/null' INT TERM
echo -1000 > "/proc/$$/oom_score_adj" 2> /dev/null
with=
if [ -n "$4" ]; then
  with=$D/holder.with.$4
  pm_start_of $$
  ln -s "$$:$i" "$with"
  # who comes after a script that was killed by now undoes its change
  [ ! -L "$D/holder.after.$4" ] || exit 0
fi
pause() {
  sleep 1 &
  s=$!
  wait $s
  n=$((n + 1))
}
works() { [ -e "$D/undo" ] && [ ! -e "$D/pending" ] && kill -0 "$1" 2> /dev/null; }
n=0
while works "$1" && [ "$n" -lt "$2" ]; do pause; done
if works "$1"; then
  read -r c1 c2 c3 c4 group rest < "/proc/$1/stat"
  kill -TERM "-$group"
  n=0
  while works "$1" && [ "$n" -lt 10 ]; do pause; done
  works "$1" && kill -9 "$1"
fi
n=0
while [ -e "$D/pending" ] && [ -z "$hurry" ] && [ "$n" -lt "$3" ]; do pause; done
[ -e "$D/pending" ] && mv "$D/pending" "$D/expired" 2> /dev/null
trap '' INT TERM
if [ -e "$D/confirmed" ]; then
  rm -f "$D/undo" "$D/progress" "$D/watchdog" "$D/confirmed"
elif [ -e "$D/undo" ]; then
  pm_settle
  k=$(tail -n 1 "$D/progress" 2> /dev/null)
  if sh "$D/undo" "${k:-0}" < /dev/null > /dev/null 2>&1; then rm -f "$D/undo" "$D/progress"; else mv "$D/undo" "$D/undo.left"; fi
  rm -f "$D/expired" "$D/watchdog"
else # the script has ended its change, and gives the lock back itself
  [ -z "$with" ] || rm -f "$with"
  exit 0
fi
# shellcheck disable=SC2086 # paths without blanks, of which the first one gives the lock back
[ -z "$with" ] || rm -f $5 "$with"
