## A process of its own: `watchdog SCRIPT-PID COMMAND-SECONDS CONFIRM-SECONDS`. SIGTERM comes if a login session is ended with
## all that runs in it (logind.conf(5), KillUserProcesses): nobody can confirm any more, so it does not wait.
D=/run/pulumi-macvlan
trap '' HUP PIPE
hurry=
trap 'hurry=1; kill $s 2>/dev/null' INT TERM
echo -1000 > "/proc/$$/oom_score_adj" 2> /dev/null
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
  # shellcheck disable=SC2034 # the fields before the process group
  read -r c1 c2 c3 c4 group rest < "/proc/$1/stat"
  kill -TERM "-$group"
  n=0
  while works "$1" && [ "$n" -lt 10 ]; do pause; done
  works "$1" && kill -9 "$1"
fi
n=0
while [ -e "$D/pending" ] && [ -z "$hurry" ] && [ "$n" -lt "$3" ]; do pause; done
[ -e "$D/pending" ] && mv "$D/pending" "$D/expired" 2> /dev/null
if [ -e "$D/confirmed" ]; then
  rm -f "$D/undo" "$D/progress" "$D/watchdog" "$D/confirmed"
  rm -rf "$D/lock.d"
  exit 0
fi
[ -e "$D/undo" ] || exit 0
trap '' INT TERM
k=$(tail -n 1 "$D/progress" 2> /dev/null)
if sh "$D/undo" "${k:-0}" < /dev/null > /dev/null 2>&1; then rm -f "$D/undo" "$D/progress"; else mv "$D/undo" "$D/undo.left"; fi
rm -rf "$D/expired" "$D/watchdog" "$D/lock.d"
