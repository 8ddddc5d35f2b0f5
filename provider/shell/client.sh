## Defines `pm_client`, which prints SSH_CONNECTION of sshd (`CLIENT PORT SERVER PORT`, sshd(8)). sudo and doas remove
## it from the environment, but the process that started them, or sudo itself, still has it.
pm_client() {
  [ -n "$SSH_CONNECTION" ] && {
    echo "$SSH_CONNECTION"
    return
  }
  p=$$
  while [ "${p:-1}" -gt 1 ]; do
    c=$(tr '\0' '\n' < "/proc/$p/environ" | sed -n 's/^SSH_CONNECTION=//p')
    [ -n "$c" ] && {
      echo "$c"
      return
    }
    p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")
  done 2> /dev/null
}
