## Defines `pm_features`, which prints a line `MODULE yes|module|no|unknown` for each module that a kind needs, and
## `pm_config`, which puts their options into `$PM_CONFIG`. No module is loaded: even a trial would (bonding then makes
## bond0). `pm_feature` has the module, a symbol in it and the kernel's option. The slowest check comes last: the
## symbols of the kernel.
PM_KERNEL=
PM_CONFIG=
PM_MODULES=
pm_kernel() {
  [ -n "$PM_KERNEL" ] || read -r PM_KERNEL 2> /dev/null < /proc/sys/kernel/osrelease || PM_KERNEL=$(uname -r)
}
pm_config() {
  [ -z "$PM_CONFIG" ] || return 0
  pm_kernel
  # zcat is a shell script of its own in places
  PM_CONFIG="
$(if [ -r "/boot/config-$PM_KERNEL" ]; then
    exec grep -E '^CONFIG_(NET|BRIDGE_VLAN_FILTERING|MACVLAN|BRIDGE|VLAN_8021Q|BONDING|MACVTAP|IPVLAN)=' "/boot/config-$PM_KERNEL"
  else gzip -cd /proc/config.gz | grep -E '^CONFIG_(NET|BRIDGE_VLAN_FILTERING|MACVLAN|BRIDGE|VLAN_8021Q|BONDING|MACVTAP|IPVLAN)='; fi 2> /dev/null)
"
}
pm_modules() {
  [ -z "$PM_MODULES" ] || return 0
  pm_kernel
  PM_MODULES=/lib/modules/$PM_KERNEL
  PM_BUILTIN=
  PM_LOADABLE=
  [ ! -e "$PM_MODULES/modules.builtin" ] || PM_BUILTIN=$(grep -e '/macvlan\.ko' -e '/bridge\.ko' -e '/8021q\.ko' -e '/bonding\.ko' -e '/macvtap\.ko' -e '/ipvlan\.ko' "$PM_MODULES/modules.builtin")
  [ ! -e "$PM_MODULES/modules.dep" ] || PM_LOADABLE=$(grep -e '/macvlan\.ko' -e '/bridge\.ko' -e '/8021q\.ko' -e '/bonding\.ko' -e '/macvtap\.ko' -e '/ipvlan\.ko' "$PM_MODULES/modules.dep")
}
pm_feature() { # MODULE SYMBOL OPTION
  [ ! -d "/sys/module/$1" ] || {
    echo "$1 yes"
    return
  }
  pm_modules
  case $PM_BUILTIN in *"/$1.ko"*)
    echo "$1 yes"
    return
    ;;
  esac
  case $PM_LOADABLE in *"/$1.ko"*)
    echo "$1 module"
    return
    ;;
  esac
  pm_config
  case $PM_CONFIG in
  *"
CONFIG_$3=y
"*) echo "$1 yes" ;;
  *"
CONFIG_$3=m
"*) # without a list of modules it is unknown where they are (NixOS)
    [ -e "$PM_MODULES/modules.dep" ] && echo "$1 no" || echo "$1 unknown" ;;
  *CONFIG_*) echo "$1 no" ;;
  *)
    if grep -q " $2\([[:space:]]\|$\)" /proc/kallsyms 2> /dev/null; then
      echo "$1 yes"
    elif [ -e "$PM_MODULES/modules.dep" ]; then
      echo "$1 no"
    else echo "$1 unknown"; fi
    ;;
  esac
}
pm_features() {
  pm_feature macvlan macvlan_common_newlink MACVLAN
  pm_feature bridge br_add_if BRIDGE
  pm_feature 8021q register_vlan_dev VLAN_8021Q
  pm_feature bonding bond_enslave BONDING
  pm_feature macvtap macvtap_newlink MACVTAP
  pm_feature ipvlan ipvlan_link_new IPVLAN
}
