/* SPDX-License-Identifier: MIT */
/* errors.c - OpenSSL's queue of errors, turned into failures in words that help.
 *
 * The queue is the thread's. A reader empties it, so that nothing of it is taken for another connection's. Its oldest
 * entry says what was wrong, later ones what that led to. Want of memory comes out as almost anything else ("internal
 * error", "key too weak"), so the whole queue is looked through for it. */
#include "tls/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/context.h"
#include "tls/own.h"

enum { WORDS_SIZE = 512, MESSAGE_SIZE = 512 };

/* ----------------------------------------------------------------------------------------- the queue */

struct words {
    unsigned long chosen; /* the error that tells most; 0: there was none */
    bool lacks_memory;
    char text[WORDS_SIZE];
};

static bool says_lack_of_memory(unsigned long error)
{
    return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

static void put_words(struct words *words, unsigned long error, const char *data, int flags)
{
    const char *reason = ERR_reason_error_string(error);
    bool has_data = (flags & ERR_TXT_STRING) != 0 && data != NULL && *data != '\0';
    words->chosen = error;
    (void)snprintf(words->text, sizeof words->text, "%s%s%s%s", reason == NULL ? "unknown error" : reason,
        has_data ? " (" : "", has_data ? data : "", has_data ? ")" : "");
}

enum choice { OLDEST, NEWEST };

/* OpenSSL puts it behind the reason since 3.2. The library may be newer than the header, and of the same ABI. */
#ifndef SSL_R_RECORD_LAYER_FAILURE
#define SSL_R_RECORD_LAYER_FAILURE 313
#endif

static bool says_nothing_more(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_RECORD_LAYER_FAILURE;
}

static void take_words(struct words *words, enum choice choice)
{
    unsigned long error;
    const char *data;
    int flags;
    *words = (struct words) { 0 };
    while ((error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        words->lacks_memory = words->lacks_memory || says_lack_of_memory(error);
        if (words->chosen == 0 || (choice == NEWEST && !says_nothing_more(error))) {
            put_words(words, error, data, flags);
        }
    }
}

void bi_tls_forget_errors(void)
{
    if (ERR_peek_error() != 0) { /* to clear an empty queue takes longer than to look */
        ERR_clear_error();
    }
}

bool bi_tls_clear_errors(void)
{
    struct words words;
    take_words(&words, OLDEST);
    return words.lacks_memory;
}

struct bight_failure *bi_tls_take_errors(int code, const char *format, ...)
{
    struct words words;
    take_words(&words, OLDEST);
    if (words.lacks_memory) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return bight_failure_new(code, 0, NULL, words.chosen == 0 ? "%s" : "%s: %s", message, words.text);
}

/* ------------------------------------------------------------------------------------------- alerts */

/* The names of RFC 8446, 6 and RFC 5246, 7.2; and what the ones mean that are met with. */
static const struct alert {
    int number;
    const char *name, *hint;
} alerts[] = {
    { 0, "close_notify", NULL },
    { 10, "unexpected_message", NULL },
    { 20, "bad_record_mac", NULL },
    { 22, "record_overflow", NULL },
    { 40, "handshake_failure", "usually no cipher, group or kind of signature is acceptable to both" },
    { 42, "bad_certificate", "it could not use our certificate" },
    { 43, "unsupported_certificate", "it could not use our kind of certificate" },
    { 44, "certificate_revoked", "our certificate has been revoked" },
    { 45, "certificate_expired", "our certificate has expired, or its clock is wrong" },
    { 46, "certificate_unknown", "it did not accept our certificate" },
    { 47, "illegal_parameter", NULL },
    { 48, "unknown_ca", "it does not trust who issued our certificate, or we do not send the whole chain" },
    { 49, "access_denied", NULL },
    { 50, "decode_error", NULL },
    { 51, "decrypt_error", NULL },
    { 70, "protocol_version", "no version of TLS is acceptable to both" },
    { 71, "insufficient_security", "it wants stronger ciphers" },
    { 80, "internal_error", NULL },
    { 86, "inappropriate_fallback", NULL },
    { 90, "user_canceled", NULL },
    { 100, "no_renegotiation", NULL },
    { 109, "missing_extension", NULL },
    { 110, "unsupported_extension", NULL },
    { 112, "unrecognized_name", "it has no certificate for the name that it was asked for" },
    { 113, "bad_certificate_status_response", NULL },
    { 115, "unknown_psk_identity", NULL },
    { 116, "certificate_required", "it wants a certificate of ours" },
    { 120, "no_application_protocol", "none of the protocols that were offered (ALPN) is one of its own" },
};

static const struct alert *find_alert(int number)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].number == number) {
            return &alerts[i];
        }
    }
    static const struct alert unknown = { -1, "of an unknown kind", NULL };
    return &unknown;
}

/* Reasons above it are alerts of the peer's. */
static int alert_of(unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    bool is_alert =
        ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
    return is_alert ? reason - SSL_AD_REASON_OFFSET : -1;
}

static struct bight_failure *failure_of_alert(int number, const char *doing)
{
    const struct alert *alert = find_alert(number);
    return bight_failure_new(BIGHT_E_TLS_ALERT, 0, NULL, "%s: the peer's alert %s (%d)%s%s", doing, alert->name, number,
        alert->hint == NULL ? "" : ": ", alert->hint == NULL ? "" : alert->hint);
}

/* ---------------------------------------------------------------------------------------- failures */

static struct bight_failure *failure_set(SSL *ssl)
{
    struct bi_tls_own *own = bi_tls_own(ssl);
    return own == NULL ? NULL : own->failure;
}

void bi_tls_set_failure(SSL *ssl, struct bight_failure *failure)
{
    struct bi_tls_own *own = bi_tls_own_or_new(ssl);
    if (own == NULL || own->failure != NULL) {
        bight_failure_release(failure);
    } else {
        own->failure = failure;
    }
}

/* What is behind the reasons that are met with. */
static const char *hint_of(unsigned long error)
{
    switch (ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return " (the peer does not seem to speak TLS here)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return " (the peer speaks no version of TLS that is allowed here)";
    case SSL_R_NO_SHARED_CIPHER:
        return " (no cipher suits both sides and the kind of certificate)";
    default:
        return "";
    }
}

static struct bight_failure *failure_of_words(const struct words *words, int ssl_error, const char *doing)
{
    int alert = alert_of(words->chosen);
    if (alert >= 0) {
        return failure_of_alert(alert, doing);
    }
    bool is_end = ERR_GET_LIB(words->chosen) == ERR_LIB_SSL &&
                  ERR_GET_REASON(words->chosen) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (is_end || (words->chosen == 0 && (ssl_error == SSL_ERROR_SYSCALL || ssl_error == SSL_ERROR_ZERO_RETURN))) {
        return bight_failure_new(BIGHT_E_TRUNCATED, 0, NULL, "%s: the peer ended the connection", doing);
    }
    return bight_failure_new(BIGHT_E_TLS, 0, NULL, "%s: %s%s", doing,
        words->chosen == 0 ? "for an unknown reason" : words->text, hint_of(words->chosen));
}

static struct bight_failure *take_failure(SSL *ssl, int ssl_error, const char *doing, enum choice choice)
{
    struct words words;
    struct bight_failure *own = failure_set(ssl);
    take_words(&words, choice);
    if (words.lacks_memory) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    return own != NULL ? bight_failure_hold(own) : failure_of_words(&words, ssl_error, doing);
}

struct bight_failure *bi_tls_failure(SSL *ssl, int ssl_error, const char *doing)
{
    return take_failure(ssl, ssl_error, doing, OLDEST);
}

/* What such a call puts into the queue is one reason, behind others' errors if there are any. */
struct bight_failure *bi_tls_failure_of_data(SSL *ssl, int ssl_error, const char *doing)
{
    return take_failure(ssl, ssl_error, doing, NEWEST);
}

/* ---------------------------------------------------------------------------------------- problems */

void bi_tls_add_problem(struct bi_tls_problems *problems, struct bight_failure *failure)
{
    problems->lacks_memory = problems->lacks_memory || bight_failure_is(failure, BIGHT_E_OUT_OF_MEMORY);
    if (problems->count < BI_TLS_MAX_PROBLEMS) {
        problems->list[problems->count] = failure;
    } else {
        bight_failure_release(failure);
    }
    problems->count++;
}

/* Of two problems; want of memory is the one that matters. */
static int common_code(int first, int second)
{
    if (first == BIGHT_E_OUT_OF_MEMORY || second == BIGHT_E_OUT_OF_MEMORY) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return bight_error_is(first, second) ? second : bight_error_is(second, first) ? first : BIGHT_E_TLS;
}

static size_t count_kept(const struct bi_tls_problems *problems)
{
    return problems->count < BI_TLS_MAX_PROBLEMS ? problems->count : BI_TLS_MAX_PROBLEMS;
}

/* Of all of them. */
static int sum_up_code(const struct bi_tls_problems *problems)
{
    int code = problems->lacks_memory ? BIGHT_E_OUT_OF_MEMORY : bight_failure_code(problems->list[0]);
    for (size_t i = 1; i < count_kept(problems); i++) {
        code = common_code(code, bight_failure_code(problems->list[i]));
    }
    return code;
}

struct bight_failure *bi_tls_sum_up(struct bi_tls_problems *problems, const char *what)
{
    struct bight_failure *failure =
        bight_failure_new_many(sum_up_code(problems), problems->list, count_kept(problems), "%s", what);
    problems->count = 0;
    return failure;
}
