## For boot scripts that take over addresses from ports: a port may get its address a little later than its link is
## made.
settling=0 # seconds
settle() {
  until has "$@" || [ "$settling" -le 0 ]; do
    settling=$((settling - 1))
    sleep 1
  done
}
