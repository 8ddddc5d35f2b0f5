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
# each file by itself: a name that one of them sets is no other's
for file in provider/shell/*.sh test/setup/*.sh; do
  shellcheck --shell=sh "$file" || status=1
done
shfmt --diff --language-dialect posix --indent 2 --space-redirects provider/shell test/setup || status=1
exit $status
