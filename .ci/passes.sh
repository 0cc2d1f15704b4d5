# SPDX-License-Identifier: MIT
# passes.sh - sourced by .ci/run and .ci/stress, behind apps/install.sh: the ways in which the suite is built and run,
# each in a build directory of its own.

passes='release asan tsan clang'

# What was compiled once, here or in another checkout with the same options, is not compiled again.
export CCACHE_NOHASHDIR=1 CCACHE_IGNOREOPTIONS='-ffile-prefix-map=* -fmacro-prefix-map=*' CCACHE_SLOPPINESS=locale,time_macros

# One more than there are processors: some tests wait for their peers.
MESON_TESTTHREADS=$(($(getconf _NPROCESSORS_ONLN) + 1))
export MESON_TESTTHREADS

# The units with threads: what is run under ThreadSanitizer.
thread_tests='mailbox mailbox_limit thread_pool thread_pools thread_pools_end blocking_call blocking_call_end signals
    resolver slab stale_threads failure threads reactor stop coroutine coroutine_nested coroutine_end coroutine_stack
    watchdog figures_timing file_lock fork fork_connections descriptors http_save http_file http_compression_pieces
    http_client_download http_client_upload http_client_cookies_file'

title_of() {
    case $1 in
    release) echo 'the tests' ;;
    asan) echo 'AddressSanitizer, UndefinedBehaviorSanitizer, leaks' ;;
    tsan) echo 'ThreadSanitizer' ;;
    clang) echo 'clang' ;;
    esac
}

# Below build_root. The first is the one of ./test/run.
directory_of() {
    case $1 in
    release) echo build-run ;;
    *) echo "build-$1" ;;
    esac
}

# Builds what a pass runs, or ends this shell with a complaint. For ThreadSanitizer that is left to test_pass: few tests
# are run, and `meson test` builds those only.
make_pass() {
    where=$(directory_of "$1")
    case $1 in
    release) set_up "$where" -Dtests=enabled -Dbuildtype=release -Ddebug=true ;;
    asan) set_up "$where" -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false ;;
    tsan)
        set_up "$where" -Dtests=enabled -Db_sanitize=thread -Db_lundef=false
        return
        ;;
    clang) # and what is optional left out
        export CC='ccache clang' CXX='ccache clang++'
        set_up "$where" -Dtests=enabled -Dbuildtype=plain -Dboost_context=disabled -Djson=disabled -Dzlib=disabled -Dpsl=disabled
        ;;
    esac
    build "$where"
}

# What a pass runs, as words for meson test: the suite of the house looks at the sources and at what is installed, that
# of the peers at whole programs, and neither finds more with another compiler.
selection_of() {
    case $1 in
    release) echo --no-rebuild ;;
    asan) echo --no-rebuild --no-suite house ;;
    tsan) echo "$thread_tests" ;;
    clang) echo --no-rebuild --no-suite house --no-suite peers --no-suite scenarios ;;
    esac
}

# test_pass NAME OPTIONS...: runs its tests, with more options of meson test. The results are in the directory's log.
test_pass() {
    where=$build_root/$(directory_of "$1") tests=$(selection_of "$1")
    shift
    # shellcheck disable=SC2086 # a list of words
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=1 \
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
        meson test -C "$where" --print-errorlogs -t 5 "$@" $tests
}
