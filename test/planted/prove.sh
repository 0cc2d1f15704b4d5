#!/bin/sh
# prove.sh - shows that the fuzzers find bugs: builds bight with each of the patches here, under AddressSanitizer, and
# says how soon it is found. By hand:
#   test/planted/prove.sh [DIRECTORY [BUG...]]     builds below DIRECTORY (a temporary one when not given)
# A bug is a patch's name; "none" is the sources as they are. Fails when a bug is not found within two minutes, or when a
# build without one gives a finding. Needs git, for applying the patches to a copy of the sources.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
given=${1:-}
directory=${given:-$(mktemp -d)}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- none $(cd "$here" && ls -- *.patch | sed 's/\.patch$//')
status=0

# The committed and uncommitted sources in a directory of their own, with the bug.
plant() {
    rm -rf "$copy"
    mkdir -p "$copy"
    (cd "$source" && git ls-files -z | tar -c --null -T - -f -) | tar -x -f - -C "$copy"
    [ "$bug" = none ] || (cd "$copy" && git apply "$here/$bug.patch")
}

# play PROGRAM: its seconds and last line; found when it exits with 1
play() {
    begin=$(date +%s.%N)
    result=0
    timeout 120 "$build/test/fuzz_api/$1" --operations 1000000 --seed 1 >"$build/$1.log" 2>&1 || result=$?
    seconds=$(echo "$(date +%s.%N) - $begin" | bc)
    case $result in
        0) answer="nothing found" ;;
        1) answer="found in $(printf '%.1f' "$seconds") s, made short: $(grep '^replay' "$build/$1.log" || true)" ;;
        *) answer="no answer ($result)" ;;
    esac
    echo "$bug: $1: $answer"
    [ $result -eq 1 ] && found=yes || true
}

for bug in "$@"; do
    copy=$directory/$bug/source
    build=$directory/$bug/build
    plant
    meson setup "$build" "$copy" -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false \
        >"$directory/$bug/setup.log" 2>&1
    ninja -j2 -C "$build" test/fuzz_api/fuzz_deferred test/fuzz_api/fuzz_api >"$directory/$bug/build.log" 2>&1
    found=no
    play fuzz_deferred
    play fuzz_api
    if { [ "$bug" = none ] && [ $found = yes ]; } || { [ "$bug" != none ] && [ $found = no ]; }; then
        echo "$bug: NOT AS IT SHOULD BE"
        status=1
    fi
done
[ -n "$given" ] || rm -rf "$directory"
exit $status
