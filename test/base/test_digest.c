/* SPDX-License-Identifier: MIT */
/* test_digest.c - digests by their published vectors and when out of memory; base64 and hexadecimal, strictly. */
#include <bight/sys/digest.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "support.h"

/* libcrypto's allocator; 0: none fails. */
static unsigned asked, fail_nth, fail_from;

static bool grants(void)
{
    asked++;
    return asked != fail_nth && (fail_from == 0 || asked < fail_from);
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return grants() ? malloc(size) : NULL;
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return grants() ? realloc(memory, size) : NULL;
}

static void release(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

static void ck_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[2 * BIGHT_SHA256_SIZE + 1];
    bight_hex_encode(bytes, size, text);
    ck_assert_str_eq(text, expected);
}

/* ------------------------------------------------------------------------------------------ digests */

/* FIPS 180-4, by NIST's examples; RFC 3174, 7.3. */
START_TEST(sha1_and_sha256_give_their_published_vectors)
{
    static const struct {
        const char *text, *sha1, *sha256;
    } vectors[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    uint8_t digest[BIGHT_SHA256_SIZE];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        ck_assert_int_eq(bight_sha1(vectors[i].text, strlen(vectors[i].text), digest), 0);
        ck_hex(digest, BIGHT_SHA1_SIZE, vectors[i].sha1);
        ck_assert_int_eq(bight_sha256(vectors[i].text, strlen(vectors[i].text), digest), 0);
        ck_hex(digest, BIGHT_SHA256_SIZE, vectors[i].sha256);
    }
    ck_assert_int_eq(bight_sha1(NULL, 0, digest), 0);
    ck_hex(digest, BIGHT_SHA1_SIZE, vectors[0].sha1);
    ck_assert_int_eq(bight_sha256(NULL, 0, digest), 0);
    ck_hex(digest, BIGHT_SHA256_SIZE, vectors[0].sha256);
}
END_TEST

START_TEST(a_million_letters_have_their_published_digests)
{
    uint8_t digest[BIGHT_SHA256_SIZE];
    char *letters = malloc(1000000);
    memset(letters, 'a', 1000000);
    ck_assert_int_eq(bight_sha1(letters, 1000000, digest), 0);
    ck_hex(digest, BIGHT_SHA1_SIZE, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    ck_assert_int_eq(bight_sha256(letters, 1000000, digest), 0);
    ck_hex(digest, BIGHT_SHA256_SIZE, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(letters);
}
END_TEST

static void ck_hmac(const void *key, size_t key_size, const void *data, size_t size, const char *expected)
{
    uint8_t digest[BIGHT_SHA256_SIZE];
    ck_assert_int_eq(bight_hmac_sha256(key, key_size, data, size, digest), 0);
    ck_hex(digest, sizeof digest, expected);
}

/* RFC 4231, 4; the last is of an empty key and no data. */
START_TEST(hmac_gives_its_published_vectors)
{
    static const char long_data[] = "This is a test using a larger than block-size key and a larger than block-size "
                                    "data. The key needs to be hashed before being used by the HMAC algorithm.";
    static const char hash_first[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t key[131], data[50];
    memset(key, 0x0b, 20);
    ck_hmac(key, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    ck_hmac("Jefe", 4, "what do ya want for nothing?", 28,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    ck_hmac(key, 20, data, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    ck_hmac(key, 131, hash_first, sizeof hash_first - 1,
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    ck_hmac(
        key, 131, long_data, sizeof long_data - 1, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    for (size_t i = 0; i < 25; i++) {
        key[i] = (uint8_t)(i + 1);
    }
    memset(data, 0xcd, sizeof data);
    ck_hmac(key, 25, data, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    ck_hmac(NULL, 0, NULL, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

/* RFC 7914, 11 and 12. */
START_TEST(keys_from_passwords_are_as_published)
{
    uint8_t found[64];
    char text[129];
    ck_assert_int_eq(bight_pbkdf2_sha256("passwd", 6, "salt", 4, 1, found, 64), 0);
    bight_hex_encode(found, 64, text);
    ck_assert_str_eq(text, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                           "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
    ck_assert_int_eq(bight_scrypt("password", 8, "NaCl", 4, 1024, 8, 16, found, 64), 0);
    bight_hex_encode(found, 64, text);
    ck_assert_str_eq(text, "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                           "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    ck_assert_int_eq(bight_scrypt(NULL, 0, NULL, 0, 16, 1, 1, found, 64), 0);
    bight_hex_encode(found, 16, text);
    ck_assert_str_eq(text, "77d6576238657b203b19ca42c18a0497");
    ck_assert_int_eq(bight_pbkdf2_sha256(NULL, 0, NULL, 0, 1, found, 16), 0);
}
END_TEST

START_TEST(costs_that_cannot_be_are_refused)
{
    uint8_t key[16];
    ck_assert_int_eq(bight_pbkdf2_sha256("a", 1, "b", 1, 0, key, 16), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_pbkdf2_sha256("a", 1, "b", 1, 1, key, 0), BIGHT_E_INVALID_ARGUMENT);
    static const uint64_t wrong[][3] = { { 0, 8, 1 }, { 1, 8, 1 }, { 15, 8, 1 }, { 16, 0, 1 }, { 16, 8, 0 },
        { 65536, 1, 1 }, { UINT64_C(1) << 40, 8, 1 }, { UINT64_C(1) << 31, 8, 1 }, { 16, 65536, 65536 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(
            bight_scrypt("a", 1, "b", 1, wrong[i][0], (uint32_t)wrong[i][1], (uint32_t)wrong[i][2], key, 16),
            BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(bight_scrypt("a", 1, "b", 1, 16, 8, 1, key, 0), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(what_is_wiped_is_gone)
{
    char secret[] = "secret";
    bight_wipe(secret, sizeof secret);
    bight_wipe(NULL, 0);
    ck_assert_int_eq(secret[0] | secret[5], 0);
}
END_TEST

/* Each of the three, with the one or all allocations from `n` on failing. True: some failed. */
static bool digest_with_fault(unsigned n, bool all, int which)
{
    uint8_t digest[BIGHT_SHA256_SIZE];
    asked = 0;
    fail_nth = all ? 0 : n;
    fail_from = all ? n : 0;
    int code = which == 0   ? bight_sha1("abc", 3, digest)
               : which == 1 ? bight_sha256("abc", 3, digest)
                            : bight_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
    fail_nth = fail_from = 0;
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY);
    if (code == 0) {
        static const char *const begins[] = { "a9993e36", "ba7816bf", "5bdcc146" };
        ck_hex(digest, 4, begins[which]);
    }
    return asked >= n;
}

START_TEST(without_memory_a_digest_is_a_code_and_leaves_no_error_of_openssls)
{
    for (int which = 0; which < 3; which++) {
        for (int all = 0; all < 2; all++) {
            unsigned n = 1;
            while (digest_with_fault(n, all != 0, which)) {
                n++;
            }
            ck_assert_uint_gt(n, 1);
        }
    }
}
END_TEST

/* As a libcrypto that is told to do without. */
START_TEST(a_digest_that_there_is_not_is_no_want_of_memory)
{
    uint8_t digest[BIGHT_SHA256_SIZE];
    ck_assert_int_eq(EVP_set_default_properties(NULL, "provider=nobody"), 1);
    ck_assert_int_eq(bight_sha1("abc", 3, digest), BIGHT_E_SYSTEM);
    ck_assert_int_eq(bight_sha256("abc", 3, digest), BIGHT_E_SYSTEM);
    ck_assert_int_eq(bight_hmac_sha256("k", 1, "abc", 3, digest), BIGHT_E_SYSTEM);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(secrets_are_equal_or_not)
{
    ck_assert(bight_equal_constant_time("secret", "secret", 6));
    ck_assert(!bight_equal_constant_time("secret", "secreT", 6));
    ck_assert(!bight_equal_constant_time("Secret", "secret", 6));
    ck_assert(bight_equal_constant_time(NULL, NULL, 0));
}
END_TEST

/* ------------------------------------------------------------------------------------------- base64 */

/* RFC 4648, 10. */
START_TEST(base64_gives_its_published_vectors_and_takes_them_back)
{
    static const char *const vectors[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    for (size_t size = 0; size < 7; size++) {
        char text[BIGHT_BASE64_LENGTH(6) + 1], bare[BIGHT_BASE64_LENGTH(6) + 1];
        uint8_t bytes[6];
        size_t length = strlen(vectors[size]), bare_length = strcspn(vectors[size], "=");
        ck_assert_uint_eq(bight_base64_encode(BIGHT_BASE64, "foobar", size, text), length);
        ck_assert_str_eq(text, vectors[size]);
        ck_assert_uint_eq(bight_base64_encode(BIGHT_BASE64URL, "foobar", size, bare), bare_length);
        ck_assert_uint_eq(strlen(bare), bare_length);
        ck_assert_mem_eq(bare, text, bare_length);
        ck_assert_int_eq(bight_base64_decode(BIGHT_BASE64, text, length, bytes, size), (ssize_t)size);
        ck_assert_mem_eq(bytes, "foobar", size);
        ck_assert_int_eq(bight_base64_decode(BIGHT_BASE64URL, bare, bare_length, bytes, size), (ssize_t)size);
        ck_assert_mem_eq(bytes, "foobar", size);
    }
}
END_TEST

START_TEST(the_forms_differ_in_two_characters_and_in_what_fills)
{
    static const uint8_t bytes[] = { 0xfb, 0xff, 0xbf, 0xff };
    static const char *const texts[] = {
        [BIGHT_BASE64] = "+/+//w==",
        [BIGHT_BASE64_UNFILLED] = "+/+//w",
        [BIGHT_BASE64URL] = "-_-__w",
        [BIGHT_BASE64URL_FILLED] = "-_-__w==",
    };
    for (int form = 0; form < 4; form++) {
        char text[BIGHT_BASE64_LENGTH(sizeof bytes) + 1];
        ck_assert_uint_eq(bight_base64_encode((enum bight_base64)form, bytes, sizeof bytes, text), strlen(texts[form]));
        ck_assert_str_eq(text, texts[form]);
        for (int other = 0; other < 4; other++) {
            uint8_t back[6];
            ssize_t size = bight_base64_decode((enum bight_base64)form, texts[other], strlen(texts[other]), back, 6);
            ck_assert_int_eq(size, other == form ? 4 : BIGHT_E_SYNTAX);
        }
    }
}
END_TEST

START_TEST(what_encoding_does_not_give_is_not_decoded)
{
    static const char *const filled[] = { "Z", "Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "Zm9v=", "Zm9v====", "====", "=",
        "Z===", "Zh==", "Zm9=", "Zm=v", "Zg==Zg==", "Zm9v\n", "Zm 9v", " Zm9v", "Zm9\xff", "Zm9-", "Zm9.",
        "Zm9v Zg==" };
    static const char *const bare[] = { "Z", "Zg=", "Zg==", "Zh", "Zm9", "Zm9vZ", "Zm9v\n", "Zm+v", "Zm\x80v", "=" };
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++) {
        ssize_t size = bight_base64_decode(BIGHT_BASE64, filled[i], strlen(filled[i]), bytes, sizeof bytes);
        ck_assert_msg(size == BIGHT_E_SYNTAX, "%s", filled[i]);
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        ssize_t size = bight_base64_decode(BIGHT_BASE64URL, bare[i], strlen(bare[i]), bytes, sizeof bytes);
        ck_assert_msg(size == BIGHT_E_SYNTAX, "%s", bare[i]);
    }
    ck_assert_int_eq(bight_base64_decode(BIGHT_BASE64, "Zm9\0", 4, bytes, sizeof bytes), BIGHT_E_SYNTAX);
}
END_TEST

START_TEST(decoding_stays_within_its_room_and_may_be_in_place)
{
    uint8_t bytes[4] = { 9, 9, 9, 9 };
    ck_assert_int_eq(bight_base64_decode(BIGHT_BASE64, "Zm9vYg==", 8, bytes, 3), BIGHT_E_OVERFLOW);
    ck_assert_uint_eq(bytes[3], 9);
    char text[] = "Zm9vYmFy";
    ck_assert_int_eq(bight_base64_decode(BIGHT_BASE64, text, 8, text, sizeof text), 6);
    ck_assert_mem_eq(text, "foobar", 6);
    char hex[] = "666f6f";
    ck_assert_int_eq(bight_hex_decode(hex, 6, hex, sizeof hex), 3);
    ck_assert_mem_eq(hex, "foo", 3);
}
END_TEST

START_TEST(all_bytes_come_back_from_base64_and_hexadecimal)
{
    uint8_t bytes[256], back[256];
    char text[513];
    for (size_t i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t size = 0; size <= 256; size++) {
        for (int form = 0; form < 4; form++) {
            size_t length = bight_base64_encode((enum bight_base64)form, bytes + 256 - size, size, text);
            ck_assert_uint_le(length, BIGHT_BASE64_LENGTH(size));
            ck_assert_uint_ge(BIGHT_BASE64_BYTES(length), size);
            ck_assert_int_eq(bight_base64_decode((enum bight_base64)form, text, length, back, size), (ssize_t)size);
            ck_assert_mem_eq(back, bytes + 256 - size, size);
        }
        bight_hex_encode(bytes, size, text);
        ck_assert_int_eq(bight_hex_decode(text, 2 * size, back, size), (ssize_t)size);
        ck_assert_mem_eq(back, bytes, size);
    }
}
END_TEST

START_TEST(hexadecimal_is_of_either_case_and_of_nothing_else)
{
    uint8_t bytes[2];
    ck_assert_int_eq(bight_hex_decode("fFaA", 4, bytes, 2), 2);
    ck_assert_uint_eq(bytes[0], 0xff);
    ck_assert_uint_eq(bytes[1], 0xaa);
    static const char *const wrong[] = { "f", "fg", "gf", " f", "0x", "f\xff", "@0", "`0", ":0", "/0" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(bight_hex_decode(wrong[i], strlen(wrong[i]), bytes, 2), BIGHT_E_SYNTAX);
    }
    ck_assert_int_eq(bight_hex_decode("000000", 6, bytes, 2), BIGHT_E_OVERFLOW);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, sha1_and_sha256_give_their_published_vectors);
    tcase_add_test(tests, a_million_letters_have_their_published_digests);
    tcase_add_test(tests, hmac_gives_its_published_vectors);
    tcase_add_test(tests, keys_from_passwords_are_as_published);
    tcase_add_test(tests, costs_that_cannot_be_are_refused);
    tcase_add_test(tests, what_is_wiped_is_gone);
    tcase_add_test(tests, without_memory_a_digest_is_a_code_and_leaves_no_error_of_openssls);
    tcase_add_test(tests, a_digest_that_there_is_not_is_no_want_of_memory);
    tcase_add_test(tests, secrets_are_equal_or_not);
    tcase_add_test(tests, base64_gives_its_published_vectors_and_takes_them_back);
    tcase_add_test(tests, the_forms_differ_in_two_characters_and_in_what_fills);
    tcase_add_test(tests, what_encoding_does_not_give_is_not_decoded);
    tcase_add_test(tests, decoding_stays_within_its_room_and_may_be_in_place);
    tcase_add_test(tests, all_bytes_come_back_from_base64_and_hexadecimal);
    tcase_add_test(tests, hexadecimal_is_of_either_case_and_of_nothing_else);
}

/* libcrypto's first steps in a process do not bear a lack of memory: it crashes. They are taken before. */
int main(void)
{
    uint8_t digest[BIGHT_SHA256_SIZE];
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1 || bight_sha256("", 0, digest) != 0) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("digest");
    TCase *tests = tcase_create("digest");
    add_tests(tests);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
