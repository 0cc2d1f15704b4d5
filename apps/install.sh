# SPDX-License-Identifier: MIT
# install.sh - sourced by apps/run, test/run and .ci/run: finds out what is missing, installs it, sets up build
# directories. Knows apt-get, dnf, apk and Homebrew; Debian 12 is the reference. Everything it says goes to stderr.
#
# A need is a word such as cc or libevent_core. present() says whether it is met, package() what to install for it.

project_root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1

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

needs_to_build='cc c++ meson ninja pkg-config libevent_core libcrypto boost_context'
needs_to_test="$needs_to_build check nc socat telnet python3 binutils imagemagick"

links_with() {
    printf 'int main(void) { return 0; }\n' | cc -x c - -o /dev/null "-l$1" >/dev/null 2>&1
}

present() {
    case $1 in
    cc) printf '#include <stdio.h>\n' | cc -E - >/dev/null 2>&1 ;;
    c++) printf '#include <cstdio>\n' | c++ -E -x c++ - >/dev/null 2>&1 ;;
    meson) [ "$(meson --version 2>/dev/null | cut -d . -f 1)" -ge 1 ] 2>/dev/null ;; # 1.0 or later
    libevent_core) pkg-config --exists 'libevent_core >= 2.1.12' 2>/dev/null ;;
    libcrypto) pkg-config --exists 'libcrypto >= 3.0' 2>/dev/null ;;
    boost_context) links_with boost_context || links_with boost_context-mt ;;
    check) pkg-config --exists 'check >= 0.15' 2>/dev/null ;;
    nc) nc -h 2>&1 | grep -q -e '-N' ;; # OpenBSD's: others cannot shut their writing side
    binutils) have readelf && have nm ;;
    imagemagick) have identify && have convert ;;
    *) have "$1" ;;
    esac
}

missing_of() {
    missing=''
    for need in "$@"; do
        present "$need" || missing="$missing $need"
    done
    printf '%s' "${missing# }"
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
    apt-get/nc) echo netcat-openbsd ;;
    dnf/cc) echo gcc ;;
    dnf/c++) echo gcc-c++ ;;
    dnf/ninja) echo ninja-build ;;
    dnf/pkg-config) echo pkgconf-pkg-config ;;
    dnf/libevent_core) echo libevent-devel ;;
    dnf/libcrypto) echo openssl-devel ;;
    dnf/check) echo check-devel ;;
    dnf/boost_context) echo boost-devel ;;
    dnf/nc) echo netcat ;;
    dnf/imagemagick) echo ImageMagick ;;
    apk/cc) echo gcc musl-dev ;;
    apk/c++) echo g++ ;;
    apk/ninja) echo samurai ;;
    apk/pkg-config) echo pkgconf ;;
    apk/libevent_core) echo libevent-dev ;;
    apk/libcrypto) echo openssl-dev ;;
    apk/check) echo check-dev ;;
    apk/boost_context) echo boost-dev ;;
    apk/nc) echo netcat-openbsd ;;
    apk/telnet) echo busybox-extras ;;
    brew/cc | brew/c++) echo gcc ;;
    brew/libevent_core) echo libevent ;;
    brew/libcrypto) echo openssl@3 ;;
    brew/boost_context) echo boost ;;
    brew/nc) echo netcat ;;
    brew/python3) echo python ;;
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

# Runs a command quietly; shows what it said only if it fails.
quietly() {
    quiet_log=$(mktemp) || exit 1
    quiet_status=0
    "$@" >"$quiet_log" 2>&1 </dev/null || quiet_status=$?
    [ "$quiet_status" -eq 0 ] || cat "$quiet_log" >&2
    rm -f "$quiet_log"
    return "$quiet_status"
}

run_install() {
    if [ "$1" = brew ]; then
        quietly sh -c "$2"
    elif [ -t 0 ] && [ "$(id -u)" -ne 0 ]; then
        sudo -v && quietly as_root "$2"
    else
        quietly as_root "$2"
    fi
}

# Homebrew does not link OpenSSL where pkg-config looks, nor put Boost where compilers do.
find_homebrew() {
    if have brew; then
        PKG_CONFIG_PATH="$(brew --prefix openssl@3 2>/dev/null)/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
        LIBRARY_PATH="$(brew --prefix 2>/dev/null)/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
        export PKG_CONFIG_PATH LIBRARY_PATH
    fi
}

# Sees to it that every need among the arguments is met, or gives up with one message.
install_needs() {
    find_homebrew
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    manager=$(package_manager)
    [ -n "$manager" ] || give_up "bight needs: $missing. Install them and try again (no apt-get, dnf, apk or brew here)."
    # shellcheck disable=SC2086 # a list of words
    command=$(install_command "$manager" "$(packages_for "$manager" $missing)")
    if [ "$manager" != brew ] && ! may_be_root; then
        give_up "bight needs: $missing. Type this as root and try again: $command"
    fi
    say "Installing what is missing: $missing"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    run_install "$manager" "$command" || give_up "Installing failed. The command was: $command"
    # shellcheck disable=SC2086
    missing=$(missing_of $missing)
    [ -z "$missing" ] || give_up "Still missing after '$command': $missing"
}

# -------------------------------------------------------------------------------------------- build directories

# set_up DIRECTORY OPTIONS...: makes the build directory, or gives an existing one these options.
set_up() {
    directory=$project_root/$1
    shift
    if [ ! -f "$directory/build.ninja" ]; then
        quietly meson setup "$directory" "$project_root" "$@"
    else
        quietly meson configure "$directory" "$@"
    fi || give_up "Cannot set up $directory."
}

# build DIRECTORY TARGETS...
build() {
    directory=$project_root/$1
    shift
    quietly ninja -C "$directory" "$@" || give_up "Building in $directory failed."
}
