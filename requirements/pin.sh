#!/bin/sh
# Chooses the newest versions that fit and writes them with their hashes; no index address gets into the files.
set -eu
cd "$(dirname "$0")"
for set_of_pins in runtime dev; do
    uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        "$set_of_pins.in" -o "$set_of_pins.txt"
done
