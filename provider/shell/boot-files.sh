## Writes the files that make a link at boot; part of a change. Each file is written completely or not at all, and is on
## the disk before the change continues. Replaced files are kept under /run until the next change begins, so that this
## one can be undone. `cat` prints why it cannot write; the shell's printf may not.
pm_keep_file() {
  mkdir -p "$D/kept${1%/*}" || return
  if [ -e "$1" ] || [ -L "$1" ]; then cp -pP "$1" "$D/kept$1"; else : > "$D/kept$1.absent"; fi
}
pm_place() { # PATH COMMAND...: the command makes the file $t, which then takes its place
  f=$1 t=${1%/*}/.${1##*/}.new
  shift
  (umask 022 && mkdir -p "${f%/*}") && rm -f "$t" || return
  "$@" && mv -f "$t" "$f" && pm_sync "${f%/*}" && return
  rm -f "$t"
  return 1
}
pm_sync() { sync "$1" 2> /dev/null || sync; } # older ones know no arguments
pm_write_file() { printf '%s' "$2" | cat > "$t" && chmod "$1" "$t" && pm_sync "$t"; }
pm_link_file() { ln -s "$1" "$t"; }
pm_copy_file() { cp -pP "$1" "$t"; }
pm_put_file() { pm_keep_file "$1" && pm_place "$1" pm_write_file "$2" "$3"; } # PATH MODE TEXT
pm_put_link() { pm_keep_file "$1" && pm_place "$1" pm_link_file "$2"; }       # PATH TARGET
pm_drop_file() { pm_keep_file "$1" && rm -f "$1" && pm_prune "${1%/*}"; }
pm_back_file() { # PATH: as it was when it was kept
  rm -f "${1%/*}/.${1##*/}.new"
  if [ -e "$D/kept$1" ] || [ -L "$D/kept$1" ]; then
    pm_place "$1" pm_copy_file "$D/kept$1"
  elif [ -e "$D/kept$1.absent" ]; then rm -f "$1" && pm_prune "${1%/*}"; fi
}
pm_prune() { # FOLDER: goes with its last file if it is for such files only
  case $1 in /etc/pulumi-macvlan | *.wants) rmdir "$1" 2> /dev/null ;; esac
  return 0
}
pm_reload_units() { [ ! -d /run/systemd/system ] || systemctl daemon-reload; }
