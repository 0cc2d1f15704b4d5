/* SPDX-License-Identifier: MIT */
/* get.h - what the files of `bight get` share. */
#ifndef BIGHT_APPS_GET_H
#define BIGHT_APPS_GET_H

#include <bight/bight.h>
#include <bight/protocols/http.h>

#include "runner.h"

#define GET_NAME 256 /* bytes of a file's name, with its NUL */

struct get_part {
    const char *name; /* up to its `=` */
    size_t name_size;
    const char *value;
    bool is_file;
};

/* What the command line says. */
struct get_options {
    const char *output; /* a file, a directory, "-"; NULL: not said */
    const char *method, *data, *json, *jar, *proxy;
    const char **headers; /* "Name: value" */
    size_t header_count;
    struct get_part *parts;
    size_t part_count;
    long limit, per_host, retries, seconds;
    bool resumes, replaces, shows_head, is_head, is_quiet, wants_help;
    const char **urls;
    size_t url_count;
    bool reads_list; /* "-" is among the URLs */
};

enum get_state { GET_WAITING, GET_RUNNING, GET_DONE, GET_FAILED };

struct get;

/* One URL. */
struct get_transfer {
    struct get *get;
    const char *url;
    char *path;              /* NULL: standard output */
    char name[GET_NAME];     /* fit for a terminal */
    uint8_t state;           /* enum get_state */
    uint64_t written, first; /* bytes: that there are, that there were when it began */
    int64_t length;          /* -1: not known */
    double began, ended;     /* seconds */
    bool is_beginning;       /* nothing has been asked yet */
    bool was_there;          /* before anything was asked */
    bool has_begun;          /* what went to standard output cannot be taken back */
    int status;              /* to exit with */
    struct bight_failure *failure;
};

struct get {
    struct get_options options;
    struct bight_reactor *reactor;
    struct bight_http_client *client;
    struct bight_http_cookie_jar *jar; /* NULL: none */
    struct get_transfer *transfers;
    size_t count;
    mode_t mode;      /* of files */
    int status;       /* of what is about all of them */
    char *list;       /* what was read of standard input */
    const void *data; /* the body, if it is bytes */
    size_t data_size;
    char *read_data;
    /* get_progress.c */
    bool is_terminal, is_silent;
    unsigned lines; /* that are shown, and will be written over */
    struct bight_timer timer;
};

/* get_options.c: 0, or the status to exit with, and then the complaint has been printed. */
int get_read_options(struct get_options *options, int count, char **words);
void get_finish_options(struct get_options *options);

/* get_name.c: what the URL's last segment would be as a file's name: never a path, hidden, or what a terminal obeys. */
void get_name_of_url(const char *url, char name[GET_NAME]);
/* What is to be shown of any text. */
void get_make_printable(const char *text, char shown[GET_NAME]);

/* get_transfer.c: a Deferred that never fails: how it went is in the transfer. */
struct bight_deferred *get_begin_transfer(size_t index, void *get);

/* get_progress.c */
void get_begin_progress(struct get *get);
void get_end_progress(struct get *get);
/* The transfer has ended. */
void get_show_end(struct get_transfer *transfer);
double get_now(const struct get *get);

#endif
