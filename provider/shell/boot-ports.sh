## Boot scripts of links with ports.
# shellcheck disable=SC2034 # the script that follows prints it
missing=''
port() { ! there "$1" || { shift; run "$@"; }; }
