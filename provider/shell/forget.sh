## Forgets an undo that printed errors but left nothing to undo.
rm -f "$D/undo.left"
[ -e "$D/undo" ] || rm -f "$D/progress"
pm_unlock
echo "$M outcome done"
pm_observe
