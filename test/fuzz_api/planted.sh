#!/bin/sh
# Builds bight with each of the planted bugs under AddressSanitizer and shows how soon the fuzzers find it. By hand:
#   test/fuzz_api/planted.sh [DIRECTORY [BUG...]]     builds below DIRECTORY (a temporary one when not given)
# Fails when a bug is not found within two minutes, or when a build without one gives a finding.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
given=${1:-}
directory=${given:-$(mktemp -d)}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- none missing_hold double_release tie_not_cancelled lost_wakeup stale_timer
status=0

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
    build=$directory/$bug
    mkdir -p "$directory"
    [ -d "$build" ] || meson setup "$build" "$source" -Dplanted_bug="$bug" -Db_sanitize=address,undefined \
        -Db_lundef=false >"$directory/$bug.setup" 2>&1
    ninja -j2 -C "$build" test/fuzz_api/fuzz_deferred test/fuzz_api/fuzz_api >"$directory/$bug.build" 2>&1
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
