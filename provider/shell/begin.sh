## Takes the lock, or ends the script.
u=$(pm_folder 2>&1) || {
  echo "$M outcome failed 1 0"
  echo "$M printed"
  printf '%s\n' "$u"
  pm_observe
  exit 1
}
pm_lock 30 || {
  echo "$M outcome locked"
  [ -z "$PM_SELF" ] || echo "held by process ${h%%:*}"
  exit 1
}
