## Forgets an undo that has complained and yet has left nothing.
rm -f "$D/undo.left"
[ -e "$D/undo" ] || rm -f "$D/progress"
pm_unlock
echo "$M outcome done"
pm_observe
