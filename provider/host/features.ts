/** What a kernel has for links: its modules, without loading any, as even a trial does (bonding then makes bond0). */

/** `module`: there to be loaded, which the kernel does by itself when it is asked for such a link. */
export type Feature = "yes" | "module" | "no" | "unknown";

/** Module, a symbol that it has, and the kernel's option. */
export const FEATURES = [
  ["macvlan", "macvlan_common_newlink", "MACVLAN"],
  ["bridge", "br_add_if", "BRIDGE"],
  ["8021q", "register_vlan_dev", "VLAN_8021Q"],
  ["bonding", "bond_enslave", "BONDING"],
  ["macvtap", "macvtap_newlink", "MACVTAP"],
  ["ipvlan", "ipvlan_link_new", "IPVLAN"],
] as const;

/** Matches the lines of modules.builtin and modules.dep that name them; files may be compressed (`macvlan.ko.xz`). */
const MODULE_LINES = FEATURES.map(([module]) => `-e '/${module}\\.ko'`).join(" ");

/** Their options, those that others ask for, and one that every kernel with a network has. */
const OPTION_NAMES = ["NET", "BRIDGE_VLAN_FILTERING", ...FEATURES.map(([, , option]) => option)].join("|");
const OPTIONS_LINE = `^CONFIG_(${OPTION_NAMES})=`;

/**
 * Defines `pm_features`, which prints a line `MODULE FEATURE` for each, and `pm_config`, which puts those options
 * into `$PM_CONFIG`. What is looked at last takes longest, the kernel's symbols above all; one look is for all of them.
 */
export const FEATURES_FUNCTION = `PM_KERNEL=; PM_CONFIG=; PM_MODULES=
pm_kernel() {
  [ -n "$PM_KERNEL" ] || read -r PM_KERNEL 2>/dev/null < /proc/sys/kernel/osrelease || PM_KERNEL=$(uname -r)
}
pm_config() {
  [ -z "$PM_CONFIG" ] || return 0
  pm_kernel
  # zcat is a shell script of its own in places
  PM_CONFIG="
$(if [ -r "/boot/config-$PM_KERNEL" ]; then exec grep -E '${OPTIONS_LINE}' "/boot/config-$PM_KERNEL"
  else gzip -cd /proc/config.gz | grep -E '${OPTIONS_LINE}'; fi 2>/dev/null)
"
}
pm_modules() {
  [ -z "$PM_MODULES" ] || return 0
  pm_kernel; PM_MODULES=/lib/modules/$PM_KERNEL; PM_BUILTIN=; PM_LOADABLE=
  [ ! -e "$PM_MODULES/modules.builtin" ] || PM_BUILTIN=$(grep ${MODULE_LINES} "$PM_MODULES/modules.builtin")
  [ ! -e "$PM_MODULES/modules.dep" ] || PM_LOADABLE=$(grep ${MODULE_LINES} "$PM_MODULES/modules.dep")
}
pm_feature() { # MODULE SYMBOL OPTION
  [ ! -d "/sys/module/$1" ] || { echo "$1 yes"; return; }
  pm_modules
  case $PM_BUILTIN in *"/$1.ko"*) echo "$1 yes"; return;; esac
  case $PM_LOADABLE in *"/$1.ko"*) echo "$1 module"; return;; esac
  pm_config
  case $PM_CONFIG in
    *"
CONFIG_$3=y
"*) echo "$1 yes";;
    *"
CONFIG_$3=m
"*) # without a list of modules nobody knows where they are (NixOS)
      [ -e "$PM_MODULES/modules.dep" ] && echo "$1 no" || echo "$1 unknown";;
    *CONFIG_*) echo "$1 no";;
    *)
      if grep -q " $2\\([[:space:]]\\|$\\)" /proc/kallsyms 2>/dev/null; then echo "$1 yes"
      elif [ -e "$PM_MODULES/modules.dep" ]; then echo "$1 no"
      else echo "$1 unknown"; fi;;
  esac
}
pm_features() {
${FEATURES.map((words) => `  pm_feature ${words.join(" ")}`).join("\n")}
}
`;

/** What the function printed. */
export function parseFeatures(text: string): Readonly<Record<string, Feature>> {
  const lines = text.split("\n").map((line) => line.trim().split(" "));
  return Object.fromEntries(
    lines.flatMap(([name = "", feature = ""]) => (name === "" ? [] : [[name, feature as Feature]])),
  );
}
