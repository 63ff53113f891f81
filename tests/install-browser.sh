#!/bin/sh
# Finds the Chromium of the browser tests: from PATH, else Debian's package when root, else the driver's own.
set -eu
venv="${LTITOOLS_VENV:-.venv}"
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's chromium for the browser tests …"
    apt-get update -qq && apt-get install -y -qq chromium >/dev/null && exit 0
fi
"$venv/bin/playwright" install chromium
