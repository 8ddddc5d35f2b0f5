## Prints the results of the checks of the change `$PM_TOKEN`, for the confirmation over another connection.
b=
[ -e "$D/checked" ] && read -r b < "$D/checked"
if [ "$b" = "$PM_TOKEN" ]; then
  echo "$M checks"
  pm_cat "$D/checked"
  case $a in confirmed | gone) rm -f "$D/checked" ;; esac
fi
