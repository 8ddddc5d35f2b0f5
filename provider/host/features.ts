/** What a kernel has for links: its modules, without loading any, as even a trial does (bonding then makes bond0). */

/** `module`: there to be loaded, which the kernel does by itself when it is asked for such a link. */
export type Feature = "yes" | "module" | "no" | "unknown";

/** Module, a symbol that it has, and the kernel's option. */
export const FEATURES = [
  ["macvlan", "macvlan_common_newlink", "MACVLAN"],
  ["bridge", "br_add_if", "BRIDGE"],
  ["8021q", "register_vlan_dev", "VLAN_8021Q"],
  ["bonding", "bond_enslave", "BONDING"],
  ["ipvlan", "ipvlan_link_new", "IPVLAN"],
] as const;

/** Defines `pm_features`, which prints a line `MODULE FEATURE` for each. The symbols of a kernel take long to read. */
export const FEATURES_FUNCTION = `pm_feature() { # MODULE SYMBOL OPTION
  if [ -d "/sys/module/$1" ] || grep -q "/$1\\.ko" "$PM_MODULES/modules.builtin" 2>/dev/null; then echo "$1 yes"
  elif grep -q "/$1\\.ko" "$PM_MODULES/modules.dep" 2>/dev/null; then echo "$1 module"
  else
    [ -n "$PM_CONFIG" ] || PM_CONFIG=$({ cat "/boot/config-$(uname -r)" || zcat /proc/config.gz; } 2>/dev/null | grep '^CONFIG_')
    case "
$PM_CONFIG
" in
      *"
CONFIG_$3=y
"*) echo "$1 yes";;
      *CONFIG_*) echo "$1 no";;
      *)
        if grep -q " $2\\([[:space:]]\\|$\\)" /proc/kallsyms 2>/dev/null; then echo "$1 yes"
        elif [ -e "$PM_MODULES/modules.dep" ]; then echo "$1 no"
        else echo "$1 unknown"; fi;;
    esac
  fi
}
pm_features() {
  PM_MODULES=/lib/modules/$(uname -r)
  PM_CONFIG=''
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
