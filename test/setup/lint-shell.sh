#!/bin/sh
# Checks the shell files of the package, and this one: a part of `npm run lint`.
set -u
cd "$(dirname "$0")/../.." || exit

missing=
for program in shellcheck shfmt; do
  command -v "$program" > /dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
  echo "lint: not there:$missing. On Debian or Ubuntu: apt-get install$missing" >&2
  exit 1
fi

status=0
# each file by itself is a part of a script: what it sets and uses besides, the whole scripts show
for file in provider/shell/*.sh; do
  shellcheck --shell=sh --exclude=SC2034,SC2154 "$file" || status=1
done
shellcheck --shell=sh --severity=warning test/fixtures/scripts/*.sh test/setup/*.sh || status=1
shfmt --diff --language-dialect posix --indent 2 --space-redirects provider/shell test/setup || status=1
exit $status
