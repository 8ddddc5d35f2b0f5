## For boot scripts of links with ports.
missing=''
port() { # PORT COMMAND...: if the port is there
  there "$1" || return 0
  shift
  run "$@"
}
