/* SPDX-License-Identifier: MIT */
/* bio.c - the BIO between OpenSSL and the layers: reads the view that was received, gathers records.
 *
 * It never refuses a record, so no write of OpenSSL's is left half done; and it calls nobody, so that nothing happens
 * to a session while OpenSSL is at work on it. What it gathered is sent when OpenSSL has returned. */
#include <stdatomic.h>
#include <string.h>

#include <bight/memory.h>

#include <openssl/err.h>

#include "tls/bio.h"

/* Asks whether there is more to read without being read again: the caller sees that too much came without data. */
static int read_view(BIO *bio, char *data, size_t size, size_t *taken)
{
    struct bi_tls_frame *frame = ((struct bi_tls_hub *)BIO_get_data(bio))->frame;
    bool is_header = size == SSL3_RT_HEADER_LENGTH;
    *taken = 0;
    if (frame == NULL || frame->input_size == 0 || bi_tls_frame_is_barren(frame)) {
        BIO_set_retry_read(bio);
        return 0;
    }
    frame->barren_records += is_header ? 1 : 0;
    size_t part = size < frame->input_size ? size : frame->input_size;
    memcpy(data, frame->input, part);
    frame->input += part;
    frame->input_size -= part;
    *taken = part;
    BIO_clear_retry_flags(bio);
    return 1;
}

/* Flights of long chains may be larger than what is usual. */
static bool make_room(struct bi_tls_hub *hub, struct bi_tls_buffer **buffer, size_t size)
{
    if (*buffer == NULL) {
        *buffer = bi_tls_buffer_take(hub);
    }
    struct bi_tls_buffer *old = *buffer;
    if (old == NULL || size <= old->room - old->size) {
        return old != NULL;
    }
    size_t room = old->room + size + BI_TLS_RECORD;
    struct bi_tls_buffer *larger = bight_realloc(old, sizeof *larger + room);
    if (larger != NULL) {
        larger->room = room;
        *buffer = larger;
    }
    return larger != NULL;
}

static int gather_record(BIO *bio, const char *data, size_t size, size_t *taken)
{
    struct bi_tls_hub *hub = BIO_get_data(bio);
    struct bi_tls_frame *frame = hub->frame;
    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (frame == NULL || !make_room(hub, frame->records, size)) {
        if (frame != NULL) {
            frame->lacks_memory = true;
        }
        return 0;
    }
    struct bi_tls_buffer *buffer = *frame->records;
    memcpy(buffer->bytes + buffer->size, data, size);
    buffer->size += size;
    *taken = size;
    return 1;
}

static long answer(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bight");
    if (method != NULL) {
        BIO_meth_set_read_ex(method, read_view);
        BIO_meth_set_write_ex(method, gather_record);
        BIO_meth_set_ctrl(method, answer);
    }
    return method;
}

/* Lives for ever: there are only so many kinds of BIO in a process. */
static BIO_METHOD *method_of_all(void)
{
    static _Atomic(BIO_METHOD *) method;
    BIO_METHOD *known = atomic_load(&method), *made;
    if (known != NULL || (made = make_method()) == NULL) {
        return known;
    }
    if (atomic_compare_exchange_strong(&method, &known, made)) {
        return made;
    }
    BIO_meth_free(made);
    return known;
}

BIO *bi_tls_bio_new(struct bi_tls_hub *hub)
{
    BIO_METHOD *method = method_of_all();
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio == NULL) {
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, hub);
    BIO_set_init(bio, 1);
    return bio;
}

void bi_tls_hub_connect(struct bi_tls_hub *hub, SSL *ssl)
{
    BIO_up_ref(hub->bio);
    SSL_set_bio(ssl, hub->bio, hub->bio);
}

/* OpenSSL says so when it has dealt with one, and nothing of data, so data pays nothing for it. */
static void see_message(const SSL *ssl, int where, int result)
{
    const struct bi_tls_hub *hub = BIO_get_data(SSL_get_rbio(ssl));
    (void)result;
    if ((where & SSL_CB_EXIT) != 0 && hub->frame != NULL) {
        hub->frame->barren_messages++;
    }
}

void bi_tls_hub_count_messages(SSL *ssl)
{
    SSL_set_info_callback(ssl, see_message);
}

void bi_tls_frame_enter(struct bi_tls_hub *hub, struct bi_tls_frame *frame)
{
    frame->outer = hub->frame;
    hub->frame = frame;
    if (BI_UNLIKELY(ERR_peek_error() != 0)) { /* to clear an empty queue takes longer than to look */
        ERR_clear_error();
    }
}
