/* SPDX-License-Identifier: MIT */
/* bight/error.h - every error that bight can report: the one list that makes codes, names and texts.
 *
 * Synchronous functions return 0 or one of these codes, all negative. What comes later carries a failure
 * (bight/failure.h) that holds one. Each code has a parent; a parent that is a multiple of 100 is a category.
 * bight_error_is() asks along the parents, so a caller branches on a handful of kinds and logs the exact
 * code. */
#ifndef BIGHT_ERROR_H
#define BIGHT_ERROR_H

#include <bight/macros.h>

BIGHT_BEGIN

/* X(NAME, value, PARENT, text). Values are part of the ABI: append, never renumber. */
#define BIGHT_ERROR_LIST(X)                                                                                \
    X(OK, 0, OK, "no error")                                                                               \
    X(USAGE, -100, USAGE, "the interface was misused")                                                     \
    X(ALREADY_CALLED, -101, USAGE, "the Deferred has already been fired")                                  \
    X(STALE, -102, USAGE, "the handle has outlived what it named")                                         \
    X(CIRCULAR, -103, USAGE, "a Deferred was made to wait for itself")                                     \
    X(WRONG_THREAD, -104, USAGE, "called from a thread that does not run this reactor")                    \
    X(ALREADY_RUNNING, -105, USAGE, "the reactor is already running")                                      \
    X(NOT_RUNNING, -106, USAGE, "the reactor is not running")                                              \
    X(INVALID_ARGUMENT, -107, USAGE, "an argument is outside its range")                                   \
    X(WRONG_TYPE, -108, USAGE, "the value is of another type")                                             \
    X(ALREADY_LISTENED, -109, USAGE, "this endpoint can be used only once")                                \
    X(PRODUCER_REGISTERED, -110, USAGE, "a producer is registered already")                                \
    X(NOT_SUPPORTED, -111, USAGE, "this object cannot do that")                                            \
    X(CANCELLED, -200, CANCELLED, "cancelled")                                                             \
    X(ABANDONED, -201, CANCELLED, "the one who was to answer has gone")                                    \
    X(SHUTDOWN, -202, CANCELLED, "the reactor has shut down")                                              \
    X(BROKEN, -203, CANCELLED, "the barrier was broken")                                                   \
    X(CONNECTION, -300, CONNECTION, "the connection has ended")                                            \
    X(CONNECTION_DONE, -301, CONNECTION, "the connection was closed cleanly")                              \
    X(CONNECTION_LOST, -302, CONNECTION, "the connection was lost")                                        \
    X(CONNECTION_ABORTED, -303, CONNECTION, "the connection was aborted here")                             \
    X(TRUNCATED, -304, CONNECTION, "the peer ended the stream without saying so")                          \
    X(CLOSED, -305, CONNECTION, "the transport is closed")                                                 \
    X(INCOMPLETE, -306, CONNECTION, "the stream ended in the middle of what was asked for")                \
    X(CONNECT, -400, CONNECT, "the connection could not be made")                                          \
    X(CONNECTION_REFUSED, -401, CONNECT, "the connection was refused")                                     \
    X(UNREACHABLE, -402, CONNECT, "the peer cannot be reached")                                            \
    X(CONNECT_TIMED_OUT, -403, CONNECT, "the connection attempt took too long")                            \
    X(NO_PROTOCOL, -404, CONNECT, "the factory made no protocol for the connection")                       \
    X(NAME_NOT_FOUND, -405, CONNECT, "the host name is not known")                                         \
    X(NAME_UNAVAILABLE, -406, CONNECT, "the host name cannot be looked up now")                            \
    X(NO_SUCH_SOCKET, -407, CONNECT, "there is no such socket")                                            \
    X(NO_LOCAL_PORT, -408, CONNECT, "no port is free on this machine for the connection")                  \
    X(NO_LOCAL_ADDRESS, -409, CONNECT, "this machine has no such address to connect from")                 \
    X(ADDRESS_REFUSED, -410, CONNECT, "the program does not allow connecting to the address")              \
    X(LISTEN, -500, LISTEN, "cannot listen")                                                               \
    X(ADDRESS_IN_USE, -501, LISTEN, "the address is already in use")                                       \
    X(ADDRESS_NOT_AVAILABLE, -502, LISTEN, "the address is not one of this machine's")                     \
    X(TIMED_OUT, -600, TIMED_OUT, "timed out")                                                             \
    X(LIMIT, -700, LIMIT, "a limit was passed")                                                            \
    X(OVERFLOW, -701, LIMIT, "a buffer's limit was passed")                                                \
    X(QUEUE_OVERFLOW, -702, LIMIT, "the queue is full")                                                    \
    X(QUEUE_UNDERFLOW, -703, LIMIT, "the queue is empty and takes no more waiters")                        \
    X(TOO_LONG, -704, LIMIT, "the peer sent more than is allowed")                                         \
    X(TOO_MANY_STACKS, -705, LIMIT, "no more stacks for coroutines can be mapped")                         \
    X(OUT_OF_MEMORY, -800, OUT_OF_MEMORY, "out of memory")                                                 \
    X(SYSTEM, -900, SYSTEM, "a system call failed")                                                        \
    X(TOO_MANY_FILES, -901, SYSTEM, "too many open files")                                                 \
    X(LOCKED, -902, SYSTEM, "somebody else holds the lock")                                                \
    X(PERMISSION_DENIED, -903, SYSTEM, "permission denied")                                                \
    X(SYNTAX, -1000, SYNTAX, "the text does not follow its grammar")                                       \
    X(UNKNOWN_TYPE, -1001, SYNTAX, "unknown type")                                                         \
    X(MISSING_ARGUMENT, -1002, SYNTAX, "an argument is missing")                                           \
    X(UNKNOWN_ARGUMENT, -1003, SYNTAX, "unknown argument")                                                 \
    X(EXTRA_ARGUMENT, -1004, SYNTAX, "too many arguments")                                                 \
    X(BAD_VALUE, -1005, SYNTAX, "an argument's value is not of its kind")                                  \
    X(COMPOUND, -1100, COMPOUND, "several operations failed")                                              \
    X(FIRST_ERROR, -1101, COMPOUND, "one of several operations failed")                                    \
    X(ALL_FAILED, -1102, COMPOUND, "all of several operations failed")                                     \
    X(TLS, -1200, TLS, "TLS failed")                                                                       \
    X(TLS_ALERT, -1201, TLS, "the peer ended the session with an alert")                                   \
    X(NOT_VERIFIED, -1202, TLS, "the peer's certificate was not verified")                                 \
    X(WRONG_NAME, -1203, NOT_VERIFIED, "the peer's certificate is for other names")                        \
    X(UNUSABLE_CERTIFICATE, -1204, TLS, "a certificate or key cannot be used")                             \
    X(CERTIFICATE_MISMATCH, -1205, UNUSABLE_CERTIFICATE, "a certificate and a key do not belong together") \
    X(PROCESS, -1300, PROCESS, "the process failed")                                                       \
    X(PROCESS_DONE, -1301, PROCESS, "the process ended with status 0")                                     \
    X(PROCESS_TERMINATED, -1302, PROCESS, "the process ended with a status or by a signal")                \
    X(NOT_STARTED, -1303, PROCESS, "the program could not be started")                                     \
    X(APPLICATION, -1400, APPLICATION, "the application reported an error")                                \
    X(HTTP_STATUS, -1401, APPLICATION, "the request is answered with a status")                            \
    X(CONFIGURATION, -1402, APPLICATION, "what was set up is not in order")                                \
    X(BUSY, -1500, BUSY, "somebody else has it")                                                           \
    X(SIGNALS_OWNED, -1501, BUSY, "another reactor of this process owns the signals")                      \
    X(FACTORY_IN_USE, -1502, BUSY, "the factory belongs to another reactor")

enum bight_error {
#define BIGHT_ERROR_ENUM_(name, value, parent, text) BIGHT_E_##name = value,
    BIGHT_ERROR_LIST(BIGHT_ERROR_ENUM_)
#undef BIGHT_ERROR_ENUM_
        BIGHT_OK = 0
};

/* The code's name as written above, "CONNECTION_LOST"; "UNKNOWN" for a number that is not in the list. */
BIGHT_API const char *bight_error_name(int code);

/* What the code means, in words, without a full stop. Lives for ever. */
BIGHT_API const char *bight_error_text(int code);

/* True when `code` is `kind` or stands below it: bight_error_is(BIGHT_E_UNREACHABLE, BIGHT_E_CONNECT). */
BIGHT_API bool bight_error_is(int code, int kind);

/* The code closest to a positive `errno` value: ECONNREFUSED is CONNECTION_REFUSED, ENOMEM is OUT_OF_MEMORY; SYSTEM
 * when there is none closer. For a number whose meaning differs between listening and connecting (EADDRNOTAVAIL,
 * EACCES) it returns the code for listening; bight_connect's failures do not. */
BIGHT_API int bight_error_from_errno(int number);

/* The sysexits.h status (0, 64 to 78) with which a program that died of this error should exit. */
BIGHT_API int bight_error_exit_status(int code);

BIGHT_END

#endif
