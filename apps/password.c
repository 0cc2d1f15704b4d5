/* SPDX-License-Identifier: MIT */
/* password.c - `bight password USER`: the line of a file of users, for basic authentication.
 *
 * The password is asked for at a terminal, twice and without showing it, or is the first line of standard input: never
 * an argument, which everybody on the machine could read. */
#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/sys/digest.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "runner.h"

#define MOST 512 /* bytes */

/* Without its end. 0, or the status to exit with. */
static int read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL) {
        return complain("password: there is none on standard input");
    }
    size_t length = strcspn(line, "\r\n");
    if (length == size - 1) {
        return complain("password: it has more than %zu bytes", size - 2);
    }
    line[length] = '\0';
    return 0;
}

static int ask(const char *prompt, char *line)
{
    struct termios shown, hidden;
    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return read_line(line, MOST);
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s", prompt);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    int status = read_line(line, MOST);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fprintf(stderr, "\n");
    return status;
}

static int ask_for_password(char *password)
{
    char again[MOST];
    int status = ask("Password: ", password);
    if (status == 0 && *password == '\0') {
        return complain("password: an empty one is none");
    }
    if (status != 0 || isatty(STDIN_FILENO) == 0) {
        return status;
    }
    status = ask("The same again: ", again);
    if (status == 0 && strcmp(password, again) != 0) {
        status = complain("password: they are not the same");
    }
    bight_wipe(again, sizeof again);
    return status;
}

static bool is_name(const char *user)
{
    size_t size = strlen(user);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)user[i] < ' ' || user[i] == 0x7f || user[i] == ':') {
            return false;
        }
    }
    return size > 0 && size < 256 && user[0] != '#';
}

static int print_line(const char *user, const char *password)
{
    uint8_t salt[BIGHT_HTTP_SALT_SIZE];
    char hash[BIGHT_HTTP_HASH_SIZE];
    struct bight_reactor *reactor = bight_reactor_new();
    int code = reactor != NULL ? bight_random(reactor, salt, sizeof salt) : BIGHT_E_OUT_OF_MEMORY;
    bight_reactor_free(reactor);
    code = code == BIGHT_OK ? bight_http_hash_password(password, strlen(password), salt, hash) : code;
    if (code != BIGHT_OK) {
        (void)complain("password: %s", bight_error_text(code));
        return EX_OSERR;
    }
    printf("%s:%s\n", user, hash);
    return 0;
}

int runner_print_password(int count, char **words)
{
    char password[MOST];
    if (count != 1 || !is_name(words[0])) {
        return complain("password needs a user's name, of at most 255 bytes, without a colon");
    }
    int status = ask_for_password(password);
    if (status == 0) {
        status = print_line(words[0], password);
    }
    bight_wipe(password, sizeof password);
    return status;
}
