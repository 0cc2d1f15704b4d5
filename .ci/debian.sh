# SPDX-License-Identifier: MIT
# debian.sh - sourced by what makes a Debian: where its packages come from.

# The first archive of Debian proper among apt's sources, in either of their forms.
mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' |
        grep '/debian/*$' | head -n 1
}
