/** Which kinds of links a host's kernel cannot make, as far as that shows without trying: a trial loads modules. */

/** Modules that a kernel may have been built without: where it is kept, and its option. */
const MODULES: Readonly<Record<string, readonly [folder: string, option: string]>> = {
  bonding: ["drivers/net/bonding", "BONDING"],
};

/**
 * Defines `pm_lacks`: a line for each of them that is certainly not there. The folder is asked before the long list, and
 * the configuration where there are no modules at all; a host that has neither says nothing.
 */
export const LACKS_FUNCTION = `pm_lacking() { # MODULE FOLDER OPTION
  [ -d "/sys/module/$1" ] && return
  k=/lib/modules/$(uname -r)
  for f in "$k/kernel/$2/$1".ko*; do [ -e "$f" ] && return; done
  if [ -e "$k/modules.dep" ]; then
    cat "$k/modules.builtin" "$k/modules.dep" 2>/dev/null | grep -q "/$1\\.ko" || echo "$1"
  else
    c=$({ cat "/boot/config-$(uname -r)" || zcat /proc/config.gz; } 2>/dev/null | grep '^CONFIG_')
    case $c in '' | *"CONFIG_$3=y"*) ;; *) echo "$1";; esac
  fi
}
pm_lacks() {
${Object.entries(MODULES)
  .map(([name, words]) => `  pm_lacking ${[name, ...words].join(" ")}`)
  .join("\n")}
}
`;
