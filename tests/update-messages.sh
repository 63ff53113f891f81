#!/bin/sh
# Brings each French catalogue up to date with the texts in the code; new ones are left empty, to be translated.
set -eu
cd "$(dirname "$0")/.."
venv="${LTITOOLS_VENV:-.venv}"
template="$(mktemp)"
trap 'rm -f "$template"' EXIT

update() { # domain, translations folder, source folders…
    domain="$1"
    catalogue="$2/fr/$domain.po"
    shift 2
    "$venv/bin/pybabel" -q extract -F babel.cfg -k _ -k lazy -k ngettext:1,2 --no-location --omit-header \
        -o "$template" "$@"
    "$venv/bin/pybabel" -q update -l fr -i "$template" -o "$catalogue" --no-fuzzy-matching --ignore-obsolete
}

host="$(find src/ltitools -mindepth 1 -maxdepth 1 ! -name demo_lms ! -name config ! -name __pycache__)"
# shellcheck disable=SC2086  # the list is meant to be split
update ltitools src/ltitools/translations $host
update demo_lms src/ltitools/demo_lms/translations src/ltitools/demo_lms
update badges plugins/badges/ltitools_badges/translations plugins/badges/ltitools_badges
update diagnostic plugins/diagnostic/ltitools_diagnostic/translations plugins/diagnostic/ltitools_diagnostic
