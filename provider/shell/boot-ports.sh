## Boot scripts of links with ports.
# shellcheck disable=SC2034 # the script that follows prints it
missing=''
port() { # PORT COMMAND...: if the port is there
  there "$1" || return 0
  shift
  run "$@"
}
