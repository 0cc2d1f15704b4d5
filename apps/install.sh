# SPDX-License-Identifier: MIT
# install.sh - sourced by apps/run, test/run and .ci/run: finds out what is missing, installs it, sets up build
# directories. Knows apt-get, dnf, apk and Homebrew; Debian 12 is the reference. Everything it says goes to stderr.
#
# A need is a word such as cc or libevent_core. present() says whether it is met, package() what to install for it.
#
# The scripts' build directories are theirs alone: build/, which the README has users make, would keep what was found
# when a script made it, such as a libdir for a machine on which half of the tools were still missing. They are made in
# the checkout, or in BIGHT_BUILD_ROOT when the environment names one.

project_root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
build_root=${BIGHT_BUILD_ROOT:-$project_root}
case $build_root in
/*) ;;
*) build_root=$PWD/$build_root ;;
esac

say() {
    printf '%s\n' "$*" >&2
}

give_up() {
    say "$*"
    exit 69 # EX_UNAVAILABLE
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# ------------------------------------------------------------------------------------------- what is missing

# boost_context, 170 MB with what it brings along, jansson, zlib and libpsl are used where they are there, and installed only to be
# tested.
needs_to_build='cc meson ninja pkg-config libevent_core libcrypto'
needs_to_test="$needs_to_build c++ boost_context jansson zlib libpsl check nc socat telnet python3 binutils imagemagick setpriv openssl trusted-cas node curl wget gnutls
    llhttp aiohttp websockets node-ws ab wrk chromium nginx haproxy tinyproxy ncat"

links_with() {
    printf 'int main(void) { return 0; }\n' | ${CC:-cc} -x c - -o /dev/null "-l$1" >/dev/null 2>&1
}

present() {
    case $1 in
    cc) printf '#include <stdio.h>\n' | ${CC:-cc} -E - >/dev/null 2>&1 ;;
    c++) printf '#include <cstdio>\n' | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 ;;
    meson) [ "$(meson --version 2>/dev/null | cut -d . -f 1)" -ge 1 ] 2>/dev/null ;; # 1.0 or later
    libevent_core) pkg-config --exists 'libevent_core >= 2.1.12' 2>/dev/null ;;
    libcrypto) pkg-config --exists 'libcrypto >= 3.0' 'libssl >= 3.0' 2>/dev/null ;; # one package everywhere
    boost_context) links_with boost_context || links_with boost_context-mt ;;
    jansson) pkg-config --exists 'jansson >= 2.11' 2>/dev/null ;;
    zlib) pkg-config --exists 'zlib >= 1.2.11' 2>/dev/null ;;
    libpsl) pkg-config --exists 'libpsl >= 0.20' 2>/dev/null ;;
    check) pkg-config --exists 'check >= 0.15' 2>/dev/null ;;
    nc) nc -h 2>&1 | grep -q -e '-N' ;; # OpenBSD's: others cannot shut their writing side
    binutils) have readelf && have nm ;;
    trusted-cas) [ -r /etc/ssl/certs/ca-certificates.crt ] || [ -r /etc/pki/tls/certs/ca-bundle.crt ] || [ -r /etc/ssl/cert.pem ] ;;
    imagemagick) have identify && have convert ;;
    gnutls) have gnutls-cli && have gnutls-serv ;;
    testssl) have testssl || have testssl.sh ;;
    llhttp) # Debian alone packages its sources, and from 13 on not in this form: then there is nothing to compare with
        [ -f /usr/share/llhttp/llhttp.c ] || ! have apt-get || dpkg -s node-llhttp >/dev/null 2>&1 ;;
    aiohttp) python3 -c 'import aiohttp' 2>/dev/null || /usr/bin/python3 -c 'import aiohttp' 2>/dev/null ;;
    websockets) python3 -c 'import websockets' 2>/dev/null || /usr/bin/python3 -c 'import websockets' 2>/dev/null ;;
    node-ws) NODE_PATH=${NODE_PATH:-/usr/share/nodejs} node -e 'require("ws")' 2>/dev/null || ! have apt-get ;; # Debian's
    chromium) have chromium || have chromium-browser ;;
    nginx | haproxy | tinyproxy) have "$1" || [ -x "/usr/sbin/$1" ] ;;
    *) have "$1" ;;
    esac
}

# The need without which another cannot be looked for.
looked_for_with() {
    case $1 in
    libevent_core | libcrypto | jansson | zlib | libpsl | check) echo pkg-config ;;
    boost_context) echo cc ;;
    aiohttp | websockets) echo python3 ;;
    node-ws) echo node ;;
    esac
}

# Sets `missing`, and `unknown` to what cannot be looked for while something else is missing: to name that would be to
# name a consequence.
look_for() {
    missing='' unknown=''
    for need in "$@"; do
        tool=$(looked_for_with "$need")
        if [ -n "$tool" ] && ! present "$tool"; then
            unknown="$unknown $need"
        elif ! present "$need"; then
            missing="$missing $need"
        fi
    done
    missing=${missing# }
}

# Compilers that the environment names cannot be installed.
check_named_compilers() {
    [ -z "${CC:-}" ] || present cc || give_up "The C compiler that CC names does not work: $CC"
    [ -z "${CXX:-}" ] || present c++ || give_up "The C++ compiler that CXX names does not work: $CXX"
}

# ----------------------------------------------------------------------------------------------- packages

package_manager() {
    for manager in apt-get dnf apk brew; do
        if have "$manager"; then
            printf '%s' "$manager"
            return
        fi
    done
}

# The packages of manager $1 for need $2.
package() {
    case $1/$2 in
    apt-get/cc) echo gcc libc6-dev ;;
    apt-get/c++) echo g++ ;;
    apt-get/ninja) echo ninja-build ;;
    apt-get/libevent_core) echo libevent-dev ;;
    apt-get/libcrypto) echo libssl-dev ;;
    apt-get/boost_context) echo libboost-context-dev ;;
    apt-get/jansson) echo libjansson-dev ;;
    apt-get/zlib) echo zlib1g-dev ;;
    apt-get/libpsl) echo libpsl-dev ;;
    apt-get/gnutls) echo gnutls-bin ;;
    apt-get/nc) echo netcat-openbsd ;;
    apt-get/testssl) echo testssl.sh ;;
    apt-get/tinyproxy) echo tinyproxy-bin ;; # without the service
    apt-get/llhttp) echo node-llhttp ;;
    apt-get/ab) echo apache2-utils ;;
    dnf/ncat) echo nmap-ncat ;;
    dnf/cc) echo gcc ;;
    dnf/c++) echo gcc-c++ ;;
    dnf/ninja) echo ninja-build ;;
    dnf/pkg-config) echo pkgconf-pkg-config ;;
    dnf/libevent_core) echo libevent-devel ;;
    dnf/libcrypto) echo openssl-devel ;;
    dnf/jansson) echo jansson-devel ;;
    dnf/zlib) echo zlib-devel ;;
    dnf/libpsl) echo libpsl-devel ;;
    dnf/check) echo check-devel ;;
    dnf/boost_context) echo boost-devel ;;
    dnf/nc) echo netcat ;;
    dnf/gnutls) echo gnutls-utils ;;
    dnf/imagemagick) echo ImageMagick ;;
    dnf/ab) echo httpd-tools ;;
    apk/ncat) echo nmap-ncat ;;
    apk/cc) echo gcc musl-dev ;;
    apk/c++) echo g++ ;;
    apk/ninja) echo samurai ;;
    apk/pkg-config) echo pkgconf ;;
    apk/libevent_core) echo libevent-dev ;;
    apk/libcrypto) echo openssl-dev ;;
    apk/jansson) echo jansson-dev ;;
    apk/zlib) echo zlib-dev ;;
    apk/libpsl) echo libpsl-dev ;;
    apk/check) echo check-dev ;;
    apk/boost_context) echo boost-dev ;;
    apk/gnutls) echo gnutls-utils ;;
    apk/testssl) echo testssl.sh ;;
    apk/nc) echo netcat-openbsd ;;
    apk/telnet) echo busybox-extras ;;
    apk/ab) echo apache2-utils ;;
    apk/aiohttp) echo py3-aiohttp ;;
    apk/websockets) echo py3-websockets ;;
    brew/ncat) echo nmap ;;
    brew/cc | brew/c++) echo gcc ;;
    brew/libevent_core) echo libevent ;;
    brew/libcrypto) echo openssl@3 ;;
    brew/boost_context) echo boost ;;
    brew/nc) echo netcat ;;
    brew/python3) echo python ;;
    apk/setpriv) echo setpriv ;;
    */setpriv) echo util-linux ;;
    */trusted-cas) echo ca-certificates ;;
    brew/node) echo node ;;
    brew/ab) echo httpd ;;
    */node) echo nodejs ;;
    */aiohttp) echo python3-aiohttp ;;
    */websockets) echo python3-websockets ;;
    *) echo "$2" ;;
    esac
}

packages_for() {
    manager=$1
    shift
    for need in "$@"; do
        package "$manager" "$need"
    done | tr '\n' ' ' | sed 's/ $//'
}

install_command() {
    case $1 in
    apt-get) echo "apt-get update && apt-get install -y --no-install-recommends $2" ;;
    dnf) echo "dnf install -y $2" ;;
    apk) echo "apk add $2" ;;
    brew) echo "brew install $2" ;;
    esac
}

# Runs a shell command as root. With nobody to type a password, sudo must not ask for one.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        sh -c "$1"
    elif [ -t 0 ]; then
        sudo sh -c "$1"
    else
        sudo -n sh -c "$1"
    fi
}

may_be_root() {
    [ "$(id -u)" -eq 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

# ------------------------------------------------------------------------------------------------ running

# Tells every ten seconds, on a terminal every second, how far the command has come whose output goes to file $1: as
# ninja counts, else how long it has taken. Ends with this shell.
show_progress() {
    seconds=0
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 1))
        progress=$(sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 of \2/p' "$1" 2>/dev/null | tail -n 1)
        if [ -t 2 ]; then
            printf '\r  %s \033[K' "${progress:-$seconds s}" >&2
        elif [ $((seconds % 10)) -eq 0 ]; then
            say "  ${progress:-$seconds s}"
        fi
    done
}

# watched FILE COMMAND...: its output goes to the file, and signs of life to stderr. The command stays in the
# foreground, where the terminal's interrupt reaches it.
watched() {
    watched_log=$1 watched_status=0
    shift
    show_progress "$watched_log" &
    watcher=$!
    "$@" >"$watched_log" 2>&1 </dev/null || watched_status=$?
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    [ ! -t 2 ] || printf '\r\033[K' >&2
    return "$watched_status"
}

new_log() {
    mktemp 2>/dev/null || give_up "Cannot write to ${TMPDIR:-/tmp}."
}

# Runs a command quietly; shows what it said only if it fails.
quietly() {
    quiet_log=$(new_log) || exit
    quiet_status=0
    watched "$quiet_log" "$@" || quiet_status=$?
    [ "$quiet_status" -eq 0 ] || cat "$quiet_log" >&2
    rm -f "$quiet_log"
    return "$quiet_status"
}

# ----------------------------------------------------------------------------------------------- installing

# run_install MANAGER COMMAND FILE: what the command says goes to the file.
run_install() {
    if [ "$1" = brew ]; then
        watched "$3" sh -c "$2"
    elif [ -t 0 ] && [ "$(id -u)" -ne 0 ]; then
        sudo -v && watched "$3" as_root "$2"
    else
        watched "$3" as_root "$2"
    fi
}

# The line of a package manager's output that tells best why it failed. One that finds no network goes on, and then
# complains of packages that it has never heard of.
reason_in() {
    network='temporary failure|could not (resolve|connect|be resolved)|unable to connect|network is unreachable|dns'
    { grep -i -m 1 -E "$network" "$1" || grep -m 1 -i '^e\(rror\)\{0,1\}: ' "$1" || tail -n 1 "$1"; } | sed 's/^ *//'
}

install_packages() {
    install_log=$(new_log) || exit
    run_install "$1" "$2" "$install_log" || {
        reason=$(reason_in "$install_log")
        rm -f "$install_log"
        give_up "Installing failed: $reason (the command was: $2)"
    }
    rm -f "$install_log"
}

# Homebrew does not link OpenSSL where pkg-config looks, nor put Boost where compilers do.
find_homebrew() {
    if have brew; then
        PKG_CONFIG_PATH="$(brew --prefix openssl@3 2>/dev/null)/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
        LIBRARY_PATH="$(brew --prefix 2>/dev/null)/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
        export PKG_CONFIG_PATH LIBRARY_PATH
    fi
}

# Sees to it that every need among the arguments is met, or ends with one line.
install_needs() {
    find_homebrew
    check_named_compilers
    look_for "$@"
    [ -n "$missing" ] || return 0
    manager=$(package_manager)
    [ -n "$manager" ] || give_up "bight needs: $missing. Install them and try again (no apt-get, dnf, apk or brew here)."
    # shellcheck disable=SC2086 # a list of words
    command=$(install_command "$manager" "$(packages_for "$manager" $missing $unknown)")
    if [ "$manager" != brew ] && ! may_be_root; then
        give_up "bight needs: $missing. Type this as root and try again: $command"
    fi
    say "Installing what is missing: $missing"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    has_installed=yes
    install_packages "$manager" "$command"
    # shellcheck disable=SC2086
    look_for $missing $unknown
    [ -z "$missing" ] || give_up "Still missing after '$command': $missing"
}

# -------------------------------------------------------------------------------------------- build directories

# Its path, when it can be written to.
directory_called() {
    { mkdir -p "$build_root/$1" && [ -w "$build_root/$1" ]; } 2>/dev/null ||
        give_up "Cannot write to $build_root/$1. Name a directory to build in: BIGHT_BUILD_ROOT=/some/directory"
    printf '%s' "$build_root/$1"
}

has_installed=''

# set_up DIRECTORY OPTIONS...: makes the build directory, or sets these options of an existing one. What was missing when
# that one was made is looked for again. Warnings are errors where CI is set (.ci/run, .ci/bare-debian): a compiler that
# is newer than the source must not keep anyone else from building it.
set_up() {
    directory=$(directory_called "$1") || exit
    shift
    set -- "$@" ${CI:+-Dwerror=true}
    if [ ! -f "$directory/build.ninja" ]; then
        quietly meson setup "$directory" "$project_root" "$@"
    else
        quietly meson configure "$directory" ${has_installed:+--clearcache} "$@"
    fi || give_up "Cannot set up $directory."
}

# build DIRECTORY TARGETS...
build() {
    directory=$(directory_called "$1") || exit
    shift
    quietly ninja -C "$directory" "$@" || give_up "Building in $directory failed."
}
