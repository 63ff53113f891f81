#!/bin/sh
# Sets up the virtual environment .venv of this clone, in three steps:
#   requirements/install.sh runtime    what `make demo` and a server need
#   requirements/install.sh dev        the same, and what `make test` and `make lint` need
# It does nothing when the pins and the packages' own pyproject.toml have not changed since the last time.
set -eu
cd "$(dirname "$0")/.."
set_of_pins="${1:-runtime}"
venv="${LTITOOLS_VENV:-.venv}"
python="${PYTHON:-python3}"
stamp="$venv/.installed"

wanted() {
    cat "requirements/$set_of_pins.txt" pyproject.toml plugins/*/pyproject.toml requirements/install.sh | cksum
}

have="$(cat "$stamp" 2>/dev/null || true)"
# Everything of runtime.txt is in dev.txt too, so a development environment also serves `make demo`.
for done_before in "$set_of_pins" dev; do
    [ "$have" = "$done_before $(set_of_pins=$done_before; wanted)" ] && exit 0
done

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "ltitools needs Python 3.11 or newer; '$python' is $("$python" --version). Name another with PYTHON=…" >&2
    exit 1
}

# 1. The virtual environment. Debian ships the module it needs in a package of its own.
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        package="$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            echo "Installing Debian's $package, which makes virtual environments …"
            apt-get update -qq && apt-get install -y -qq "$package" >/dev/null
        else
            echo "This Python cannot make a virtual environment yet. Run once: sudo apt install $package" >&2
            exit 1
        fi
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

# 2. The pinned packages, each checked against its hash. 3. This project, without looking anything up.
echo "Installing the packages of requirements/$set_of_pins.txt …"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$set_of_pins.txt"
editable=""
for project in plugins/*/pyproject.toml; do
    editable="$editable -e $(dirname "$project")"
done
# shellcheck disable=SC2086  # the list is meant to be split
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . $editable
echo "$set_of_pins $(wanted)" >"$stamp"
