## For boot scripts that make a link.
made_by() { # OWNER RECORD COMMAND: whether the record is of the link that the command shows
  read -r i r 2> /dev/null < "$D/$2" || return
  case $r in *"$1"*) ;; *) return 1 ;; esac
  shift 2
  case $("$@") in "$i:"*) ;; *) return 1 ;; esac
}
