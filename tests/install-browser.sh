#!/bin/sh
# Finds the browsers of the browser tests. Chromium: from PATH, else Debian's package when root, else the driver's own.
# Firefox and WebKit: Debian's packages when root. Without them the tests say which of their rows were not run.
set -eu
venv="${LTITOOLS_VENV:-.venv}"

install() {
    program="$1"
    shift
    command -v "$program" >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    echo "Installing $program from Debian for the browser tests …"
    [ -n "${updated:-}" ] || apt-get update -qq || return 0
    updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null ||
        echo "$program could not be installed."
}

install chromium chromium
install firefox-esr --no-install-recommends firefox-esr
install WebKitWebDriver --no-install-recommends webkit2gtk-driver
install Xvfb --no-install-recommends xvfb
command -v chromium >/dev/null || "$venv/bin/playwright" install chromium
