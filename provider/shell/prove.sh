## The checks of a change. They run after its last step and before it is final; one that fails undoes it. Those that
## failed before as well (`$PM_LET`) do not, unless they are among `$PM_REQUIRED`.
PM_LET=
R=
pm_before() { # NUMBER...: before anything is touched
  R=$(pm_check_all "$PM_BEFORE" "$@" 9>&-)
  for x in "$@"; do pm_passed "$x" "$R" || PM_LET="$PM_LET $x "; done
}
pm_prove() {
  # a check is no command of the change, and may hang
  exec 8<&-
  # shellcheck disable=SC2086 # numbers
  R=$(pm_check_all '' $PM_CHECKS 9>&-)
  # for a confirmation over another connection
  [ -z "$PM_TOKEN" ] || pm_prepare pm_write "$PM_TOKEN
$(pm_tell)" "$D/checked"
  for x in $PM_CHECKS; do
    pm_passed "$x" "$R" && continue
    case " $PM_REQUIRED " in *" $x "*) ;; *) case $PM_LET in *" $x "*) continue ;; esac ;; esac
    O=$(pm_tell)
    A=checks
    pm_fail 1
  done
}
pm_tell() { # what came of them; the number of each that failed before on lines of its own
  printf '%s\n' "$R"
  for x in $PM_LET; do echo "$x before"; done
}
