/* SPDX-License-Identifier: MIT */
/* Tests of passwords' hashes (protocols/http/middleware/password.c), of files of them (users.c), of what clients say
 * (credentials.c), and of logins that are remembered (logins.c). */
#include "http/middleware/logins.h"
#include "http/middleware/users.h"

#include <bight/protocols/http_provided.h>

#include "support.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))
#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define HASH "oYy1YqZ/5izIhYt9GDBzTpfeMo8eLVrdZEeIN+5OHxg"
#define SCRYPT "$scrypt$ln=4,r=8,p=1$" SALT "$" HASH
#define PBKDF2 "$pbkdf2-sha256$i=10$" SALT "$OeYdZAMN84xoBxCWyCNEkjQaRSQw2R3kKUZEN2NOz48"

/* ------------------------------------------------------------------------------------------ hashes */

static const char *const hashes[] = { SCRYPT, PBKDF2 };

START_TEST(a_hash_is_its_passwords_alone) /* A9 */
{
    ck_assert_int_eq(bight_http_check_password(hashes[_i], "open sesame", 11), 0);
    ck_assert_int_eq(bight_http_check_password(hashes[_i], "open sesamE", 11), BIGHT_E_PERMISSION_DENIED);
    ck_assert_int_eq(bight_http_check_password(hashes[_i], "open sesame", 10), BIGHT_E_PERMISSION_DENIED);
    ck_assert_int_eq(bight_http_check_password(hashes[_i], "", 0), BIGHT_E_PERMISSION_DENIED);
}
END_TEST

START_TEST(a_hash_that_is_made_is_read) /* A9 */
{
    uint8_t salt[BIGHT_HTTP_SALT_SIZE];
    char text[BIGHT_HTTP_HASH_SIZE];
    for (size_t i = 0; i < sizeof salt; i++) {
        salt[i] = (uint8_t)i;
    }
    ck_assert_int_eq(bight_http_hash_password("open sesame", 11, salt, text), 0);
    ck_assert_str_eq(text, "$scrypt$ln=15,r=8,p=3$" SALT "$yGbwvJ2DZyqeOKgaNxmIuFQiuOXlOfWESsitpETMhZk");
    ck_assert_int_eq(bight_http_check_password(text, "open sesame", 11), 0);
}
END_TEST

static const char *const no_hashes[] = {
    "",
    "open sesame",
    "$",
    "$scrypt$",
    "$2y$05$abcdefghijklmnopqrstuv",
    "{SHA}abc",
    "$apr1$salt$hash",
    "$scrypt$ln=4,r=8$" SALT "$" HASH,
    "$scrypt$r=8,ln=4,p=1$" SALT "$" HASH,
    "$scrypt$ln=4,r=8,p=1,x=2$" SALT "$" HASH,
    "$scrypt$ln=0,r=8,p=1$" SALT "$" HASH,
    "$scrypt$ln=04,r=8,p=1$" SALT "$" HASH,
    "$scrypt$ln=-4,r=8,p=1$" SALT "$" HASH,
    "$scrypt$ln=24,r=64,p=1$" SALT "$" HASH,
    "$scrypt$ln=99,r=8,p=1$" SALT "$" HASH,
    "$scrypt$ln=4,r=8,p=99$" SALT "$" HASH,
    "$scrypt$ln=4,r=8,p=1$" SALT,
    "$scrypt$ln=4,r=8,p=1$" SALT "$",
    "$scrypt$ln=4,r=8,p=1$$" HASH,
    "$scrypt$ln=4,r=8,p=1$AAEC$" HASH,
    "$scrypt$ln=4,r=8,p=1$" SALT "$AAEC",
    "$scrypt$ln=4,r=8,p=1$" SALT "$" HASH "=",
    "$scrypt$ln=4,r=8,p=1$" SALT "$" HASH "$",
    "$scrypt$ln=4,r=8,p=1$" SALT "$" HASH HASH HASH,
    "$scryptx$ln=4,r=8,p=1$" SALT "$" HASH,
    "$pbkdf2-sha256$10$" SALT "$" HASH,
    "$pbkdf2-sha256$i=0$" SALT "$" HASH,
    "$pbkdf2-sha256$i=10000001$" SALT "$" HASH,
    "$pbkdf2-sha256$i=99999999999$" SALT "$" HASH,
    "$pbkdf2-sha256$i=1x$" SALT "$" HASH,
    "$pbkdf2-sha512$i=10$" SALT "$" HASH,
};

START_TEST(what_is_no_hash_is_nobodys) /* A9 */
{
    ck_assert_int_eq(bight_http_check_password(no_hashes[_i], "", 0), BIGHT_E_SYNTAX);
}
END_TEST

/* ------------------------------------------------------------------------------------------- files */

static const uint64_t key[2];

START_TEST(a_file_has_a_user_a_line) /* A9 */
{
    struct bi_users users;
    unsigned line;
    const char *why;
    ck_assert(bi_users_read(&users, bi_view_of("# us\n\nada:" SCRYPT "\r\nbert mann:" PBKDF2), key, &line, &why));
    ck_assert_uint_eq(users.table.count, 2);
    const struct bi_password *password = bight_hash_get(&users.table, "bert mann", 9);
    ck_assert_int_eq(password->kind, BI_PASSWORD_PBKDF2_SHA256);
    ck_assert_ptr_null(bight_hash_get(&users.table, "# us", 4));
    bi_users_finish(&users);
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
} wrong_files[] = {
    { "ada\n", 1 },
    { ":" SCRYPT, 1 },
    { "ada:" SCRYPT "\nada:" SCRYPT, 2 },
    { "ada:" SCRYPT "\n\n#\nbert:secret\n", 4 },
    { "a\tb:" SCRYPT, 1 },
    { " \n", 1 },
};

START_TEST(a_line_that_is_none_is_named) /* A9 */
{
    struct bi_users users;
    unsigned line;
    const char *why;
    ck_assert(!bi_users_read(&users, bi_view_of(wrong_files[_i].text), key, &line, &why));
    ck_assert_ptr_nonnull(why);
    ck_assert_uint_eq(line, wrong_files[_i].line);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_code) /* A9 */
{
    struct bi_users users = { .table.count = 0 };
    ck_assert_int_lt(bi_users_load(&users, "/nowhere/at/all", key), 0);
    ck_assert_int_lt(bi_users_load(&users, "/tmp", key), 0);
    ck_assert_int_eq(bi_users_load(&users, "/dev/zero", key), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bi_users_load(&users, "/dev/null", key), 0);
    bi_users_finish(&users);
}
END_TEST

/* ---------------------------------------------------------------------------------------- credentials */

static const struct {
    const char *field, *user, *password; /* NULL: none */
} said[] = {
    { "Basic YWRhOm9wZW4gc2VzYW1l", "ada", "open sesame" },
    { "bASIC   YWRhOm9wZW4gc2VzYW1l", "ada", "open sesame" },
    { "Basic YWRhOmE6Yg==", "ada", "a:b" },
    { "Basic YWRhOg==", "ada", "" },
    { "Basic w6Q6w6Q=", "\xc3\xa4", "\xc3\xa4" },
    { "Basic OmE=", NULL, NULL },       /* no user */
    { "Basic YWRh", NULL, NULL },       /* no colon */
    { "Basic YWRhOmE6Yg", NULL, NULL }, /* not filled */
    { "Basic YWRhOmE6Yg== ", NULL, NULL },
    { "Basic YQo6Yg==", NULL, NULL }, /* a control in the user */
    { "Basic YTpiAA==", NULL, NULL }, /* and in the password */
    { "Basic ", NULL, NULL },
    { "Basic", NULL, NULL },
    { "BasicYWRhOmE6Yg==", NULL, NULL },
    { "Bearer YWRhOmE6Yg==", NULL, NULL },
    { "Basic YWRhOmE6Yg==, Basic YWRhOmE6Yg==", NULL, NULL },
    { "", NULL, NULL },
};

START_TEST(credentials_are_a_user_and_a_password) /* A9 */
{
    struct bi_credentials credentials;
    bool is_read = bi_credentials_read(&credentials, bi_view_of(said[_i].field));
    ck_assert_int_eq(is_read, said[_i].user != NULL);
    if (is_read) {
        ck_assert(bi_view_equal(credentials.user, bi_view_of(said[_i].user)));
        ck_assert(bi_view_equal(credentials.password, bi_view_of(said[_i].password)));
    }
    ck_assert(!bi_credentials_read(&credentials, (struct bi_view) { NULL, 0 }));
}
END_TEST

START_TEST(credentials_have_at_most_768_bytes) /* A9 */
{
    char field[2048] = "Basic ", plain[769] = "ada:";
    struct bi_credentials credentials;
    memset(plain + 4, 'x', sizeof plain - 4);
    (void)bight_base64_encode(BIGHT_BASE64, plain, 768, field + 6);
    ck_assert(bi_credentials_read(&credentials, bi_view_of(field)));
    ck_assert_uint_eq(credentials.password.size, 764);
    (void)bight_base64_encode(BIGHT_BASE64, plain, 769, field + 6);
    ck_assert(!bi_credentials_read(&credentials, bi_view_of(field)));
}
END_TEST

/* --------------------------------------------------------------------------------------------- logins */

static void digest_of(const struct bi_logins *logins, const char *hash, const char *text, uint8_t *digest)
{
    struct bi_password password;
    struct bi_credentials credentials = { .size = strlen(text) };
    memcpy(credentials.bytes, text, credentials.size);
    ck_assert(bi_password_parse(&password, bi_view_of(hash)));
    ck_assert_int_eq(bi_logins_digest(logins, &password, &credentials, digest), 0);
}

START_TEST(a_login_is_remembered_for_a_while) /* A9 */
{
    static struct bi_logins logins;
    uint8_t one[BIGHT_SHA256_SIZE], other[BIGHT_SHA256_SIZE];
    digest_of(&logins, SCRYPT, "ada:a", one);
    ck_assert(!bi_logins_have(&logins, one, 0));
    bi_logins_keep(&logins, one, 10);
    ck_assert(bi_logins_have(&logins, one, 9));
    ck_assert(!bi_logins_have(&logins, one, 10));
    digest_of(&logins, SCRYPT, "ada:b", other);
    ck_assert(!bi_logins_have(&logins, other, 0));
    digest_of(&logins, PBKDF2, "ada:a", other); /* her password has changed */
    ck_assert(!bi_logins_have(&logins, other, 0));
    logins.key[0] = 1;
    digest_of(&logins, SCRYPT, "ada:a", other);
    ck_assert(memcmp(one, other, sizeof one) != 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_hash_is_its_passwords_alone, 0, COUNT(hashes));
    tcase_add_test(tests, a_hash_that_is_made_is_read);
    tcase_add_loop_test(tests, what_is_no_hash_is_nobodys, 0, COUNT(no_hashes));
    tcase_add_test(tests, a_file_has_a_user_a_line);
    tcase_add_loop_test(tests, a_line_that_is_none_is_named, 0, COUNT(wrong_files));
    tcase_add_test(tests, a_file_that_is_not_there_is_a_code);
    tcase_add_loop_test(tests, credentials_are_a_user_and_a_password, 0, COUNT(said));
    tcase_add_test(tests, credentials_have_at_most_768_bytes);
    tcase_add_test(tests, a_login_is_remembered_for_a_while);
}

BIGHT_TEST_MAIN("http_password", add_tests)
