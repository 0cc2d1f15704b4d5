/* SPDX-License-Identifier: MIT */
/* bio.c - the BIO between OpenSSL and the layers: reads the view that was received, gathers records.
 *
 * It never refuses a record, so no write of OpenSSL's is left half done; and it calls nothing, so that nothing happens
 * to a session while OpenSSL is at work on it. What it gathered is sent when OpenSSL has returned. */
#include <stdatomic.h>
#include <string.h>

#include <bight/memory.h>

#include <openssl/err.h>

#include "tls/bio.h"

/* -------------------------------------------------------------------------------------------- reading */

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* RFC 8446, 5.1: the length is in the last two bytes of a header. */
static size_t length_at(const uint8_t *header)
{
    return (size_t)header[3] << 8 | header[4];
}

/* The view has ended, or has begun, in the midst of a header: byte by byte. */
static size_t read_cut_header(struct bi_tls_frame *frame, size_t size)
{
    struct bi_tls_place *place = frame->place;
    size_t at = 0;
    while (at < size && place->header_size < SSL3_RT_HEADER_LENGTH) {
        place->missing = (uint16_t)(place->high << 8 | frame->input[at]);
        place->high = frame->input[at++];
        place->header_size++;
    }
    if (place->header_size < SSL3_RT_HEADER_LENGTH) {
        place->missing = 0;
        return at;
    }
    place->header_size = 0;
    frame->barren_records++;
    size_t part = smaller(size - at, place->missing);
    place->missing = (uint16_t)(place->missing - part);
    return at + part;
}

/* OpenSSL reads as much as it can get, which spares it a call for each header. It gets no more than the record that it
 * has begun: what comes behind would be in its hands, where it would be left when the protocol has paused. */
static size_t up_to_the_end_of_record(struct bi_tls_frame *frame, size_t size)
{
    struct bi_tls_place *place = frame->place;
    if (BI_LIKELY(place->missing == 0)) {
        if (BI_UNLIKELY(place->header_size > 0 || size < SSL3_RT_HEADER_LENGTH)) {
            return read_cut_header(frame, size);
        }
        size_t whole = SSL3_RT_HEADER_LENGTH + length_at(frame->input), part = smaller(size, whole);
        frame->barren_records++;
        place->missing = (uint16_t)(whole - part);
        return part;
    }
    size_t part = smaller(size, place->missing);
    place->missing = (uint16_t)(place->missing - part);
    return part;
}

/* Asks whether there is more to read without being read again: the caller sees that too much came without data. The
 * flags of a BIO are only looked at after it has given nothing. */
static int read_view(BIO *bio, char *data, size_t size, size_t *taken)
{
    struct bi_tls_frame *frame = ((struct bi_tls_hub *)BIO_get_data(bio))->frame;
    if (BI_UNLIKELY(frame == NULL || frame->input_size == 0 || bi_tls_frame_is_barren(frame))) {
        BIO_set_retry_read(bio);
        if (frame != NULL) {
            frame->is_dry = true;
        }
        *taken = 0;
        return 0;
    }
    size_t part = smaller(size, frame->input_size);
    part = frame->place == NULL ? part : up_to_the_end_of_record(frame, part);
    *taken = part;
    const uint8_t *from = frame->input;
    frame->input += part;
    frame->input_size -= part;
    memcpy(data, from, part);
    return 1;
}

/* -------------------------------------------------------------------------------------------- writing */

/* Flights of long chains may be larger than what is usual. */
static bool __attribute__((noinline)) make_more_room(struct bi_tls_buffer **buffer, size_t size)
{
    struct bi_tls_buffer *old = *buffer;
    size_t room = old->room + size + BI_TLS_RECORD;
    struct bi_tls_buffer *larger = bight_realloc(old, sizeof *larger + room);
    if (larger != NULL) {
        larger->room = room;
        *buffer = larger;
    }
    return larger != NULL;
}

static inline bool make_room(struct bi_tls_hub *hub, struct bi_tls_buffer **buffer, size_t size)
{
    if (*buffer == NULL) {
        *buffer = bi_tls_buffer_take(hub);
    }
    return *buffer != NULL && (BI_LIKELY(size <= (*buffer)->room - (*buffer)->size) || make_more_room(buffer, size));
}

static int gather_record(BIO *bio, const char *data, size_t size, size_t *taken)
{
    struct bi_tls_hub *hub = BIO_get_data(bio);
    struct bi_tls_frame *frame = hub->frame;
    if (BI_UNLIKELY(frame == NULL || !make_room(hub, frame->records, size))) {
        BIO_clear_retry_flags(bio);
        *taken = 0;
        if (frame != NULL) {
            frame->lacks_memory = true;
        }
        return 0;
    }
    struct bi_tls_buffer *buffer = *frame->records;
    uint8_t *room = buffer->bytes + buffer->size;
    buffer->size += size;
    *taken = size;
    memcpy(room, data, size);
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

/* A session that has failed is back in a handshake, as it were. */
int bi_tls_frame_error(const struct bi_tls_frame *frame, const SSL *ssl, int result)
{
    bool has_ended = (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0 && SSL_in_init(ssl) == 0;
    if (frame->is_dry) {
        return SSL_ERROR_WANT_READ;
    }
    return has_ended ? SSL_ERROR_ZERO_RETURN : SSL_get_error(ssl, result);
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

void bi_tls_hub_opened(SSL *ssl)
{
    SSL_set_info_callback(ssl, see_message);
    SSL_set_read_ahead(ssl, 1);
}
