## Prints the programs that the host has for checks, one per line. It only reads.
for t in ping ping6 curl bash dig nslookup host getent perl python3; do command -v "$t" > /dev/null 2>&1 && echo "$t"; done
command -v arping > /dev/null 2>&1 && case $(
  arping -V 2>&1
  arping --help 2>&1
) in *iputils* | *BusyBox*) echo arping ;; esac
command -v wget > /dev/null 2>&1 && case $(wget --help 2>&1) in *BusyBox*) echo "busybox wget" ;; *) echo wget ;; esac
command -v nc > /dev/null 2>&1 && case $(nc -h 2>&1) in *-z*) echo "nc -z" ;; *) echo nc ;; esac
command -v busybox > /dev/null 2>&1 && for t in $(busybox --list); do
  case $t in ping | ping6 | arping | nc | wget | nslookup) echo "busybox $t" ;; esac
done
echo "$M end"
