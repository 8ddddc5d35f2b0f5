#!/bin/sh
# Changes which programs a lab host has, and only that host: an overlay over its program folders. Runs inside it.
# usage: userland.sh hide NAME…        these programs are not there any more
#        userland.sh replace NAME      it is what standard input has
#        userland.sh restore [NAME…]   the machine's own programs again, all of them without names
set -eu
state=/run/lab/userland
folders='/usr/local/sbin /usr/local/bin /sbin /bin /usr/sbin /usr/bin'

# The folders as they are without this script.
uncover() {
  for folder in $folders; do
    while grep -q "^lab-userland $folder " /proc/mounts; do umount -l "$folder"; done
  done
  rm -rf "$state/layers"
}

# All layers are made before the first is mounted: what is hidden may be needed to make the next.
cover() {
  for folder in $folders; do
    [ ! -L "$folder" ] || continue # /sbin is /usr/sbin where /usr is merged
    upper=$state/layers$folder/upper
    mkdir -p "$upper" "$state/layers$folder/work"
    for mark in "$state"/hidden/*; do
      name=${mark##*/}
      # A character device 0/0 in an upper layer says that there is no such file (overlayfs.rst, whiteouts).
      if [ -e "$folder/$name" ] || [ -L "$folder/$name" ]; then mknod "$upper/$name" c 0 0; fi
    done
    for file in "$state"/replaced/*; do
      name=${file##*/}
      if [ -e "$folder/$name" ] || [ "$folder" = /usr/local/bin ] && [ -f "$file" ]; then cp -p "$file" "$upper/$name"; fi
    done
  done
  for folder in $folders; do
    layers=$state/layers$folder
    # Nothing is in it: nothing to mount.
    rmdir "$layers/upper" 2>/dev/null && continue
    [ ! -d "$layers/upper" ] ||
      mount -t overlay -o "lowerdir=$folder,upperdir=$layers/upper,workdir=$layers/work" lab-userland "$folder"
  done
}

main() {
  verb=$1
  shift
  mkdir -p "$state/hidden" "$state/replaced"
  uncover
  case $verb in
    hide) for name; do rm -f "$state/replaced/$name" && : >"$state/hidden/$name"; done ;;
    replace) rm -f "$state/hidden/$1" && cat >"$state/replaced/$1" && chmod 755 "$state/replaced/$1" ;;
    restore)
      if [ $# = 0 ]; then
        rm -rf "$state"
        return
      fi
      for name; do rm -f "$state/hidden/$name" "$state/replaced/$name"; done
      ;;
  esac
  cover
}

main "$@"
