/* SPDX-License-Identifier: MIT */
/* certificate.c - `bight certificate NAME ...`: a certificate that has signed itself, for trying things out.
 *
 * It has a private key in it, so the file is its owner's alone, and none that exists is ever written over. */
#include "runner.h"

#include <bight/bight.h>
#include <bight/tls.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { DAYS = 365, MAX_NAMES = 100, PATH_SIZE = 300 };

/* A wildcard makes no file name. */
static void name_file(const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s.pem", name);
    for (char *at = path; *at != '\0'; at++) {
        if (*at == '*' || *at == ':') {
            *at = '_';
        }
    }
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno != EINTR) {
            return -1;
        }
        data += written < 0 ? 0 : written;
        size -= written < 0 ? 0 : (size_t)written;
    }
    return 0;
}

static int save(const char *path, const struct bight_bytes *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        (void)complain("%s exists, and is not written over", path);
        return EX_CANTCREAT;
    }
    if (fd < 0 || write_all(fd, bight_bytes_data(bytes), bight_bytes_size(bytes)) != 0 || fsync(fd) != 0) {
        (void)complain("cannot write %s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(path);
        }
        return EX_CANTCREAT;
    }
    close(fd);
    return 0;
}

static void tell(const char *path, const char *name)
{
    printf("%s has a new key and a certificate for %s, good for %d days. To serve, and to connect:\n"
           "  bight echo tls:4433:cert=%s\n"
           "  bight connect tls:%s:4433:ca=%s\n"
           "Nobody else trusts it: for the public get one from an ACME client.\n",
        path, name, DAYS, path, name, path);
}

int runner_make_certificate(int count, char **names)
{
    char path[PATH_SIZE];
    if (count == 0 || count > MAX_NAMES) {
        return complain("certificate needs %s", count == 0 ? "a name, such as localhost" : "fewer names");
    }
    struct bight_failure *failure = NULL;
    struct bight_bytes *bytes = bight_tls_self_signed((const char *const *)names, (size_t)count, DAYS, &failure);
    if (bytes == NULL) {
        (void)complain("%s", bight_failure_message(failure));
        bool is_usage = bight_failure_is(failure, BIGHT_E_USAGE);
        bight_failure_release(failure);
        return is_usage ? EX_USAGE : EX_OSERR;
    }
    name_file(names[0], path);
    int status = save(path, bytes);
    bight_bytes_release(bytes);
    if (status == 0) {
        tell(path, names[0]);
    }
    return status;
}
