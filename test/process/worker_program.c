/* SPDX-License-Identifier: MIT */
/* worker_program.c - the child of test_worker_pool.c: does what each job says.
 *
 * With an argument it misbehaves instead: "exit" at once, "garbage" answers before it was asked, "long" announces an
 * answer of a gigabyte, "more" says a byte more than its answer, "silent" does not end when its jobs do. */
#include <bight/worker.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned jobs;

static void die(const char *way)
{
    if (strcmp(way, "abort") == 0) {
        (void)raise(SIGKILL);
    }
    if (strcmp(way, "forked") == 0 && fork() == 0) { /* one that has its pipes lives on */
        for (;;) {
            (void)pause();
        }
    }
    _exit(3);
}

/* Dies for the first who asks: whoever makes the file does. */
static void die_once(const char *path, struct bight_worker_answer *answer)
{
    FILE *made = fopen(path, "wx");
    if (made != NULL) {
        fclose(made);
        _exit(4);
    }
    (void)bight_worker_answer_set(answer, "survived", 8);
}

static void report(struct bight_worker_answer *answer)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%ld %u", (long)getpid(), jobs);
    (void)bight_worker_answer_set(answer, text, (size_t)size);
}

static void reverse(const uint8_t *data, size_t size, struct bight_worker_answer *answer)
{
    char *turned = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        turned[i] = (char)data[size - 1 - i];
    }
    (void)bight_worker_answer_set(answer, turned, size);
    free(turned);
}

static void do_job(const uint8_t *data, size_t size, struct bight_worker_answer *answer, void *context)
{
    char text[256] = "";
    (void)context;
    jobs++;
    memcpy(text, data, size < sizeof text - 1 ? size : sizeof text - 1);
    if (strncmp(text, "die ", 4) == 0) {
        die(text + 4);
    } else if (strncmp(text, "once ", 5) == 0) {
        die_once(text + 5, answer);
    } else if (strncmp(text, "fail ", 5) == 0) {
        bight_worker_answer_fail(answer, "%s", text + 5);
    } else if (strcmp(text, "hang") == 0) {
        for (;;) {
            (void)pause();
        }
    } else if (strcmp(text, "pid") == 0) {
        report(answer);
    } else if (strcmp(text, "nothing") != 0) {
        reverse(data, size, answer);
    }
}

static int misbehave(const char *way)
{
    static const unsigned char garbage[] = { 0, 0, 0, 1, 'A', '!' }, huge[] = { 0x40, 0, 0, 0, 'A' };
    static const unsigned char more[] = { 0, 0, 0, 1, 'A', '!', 0 };
    char byte;
    if (strcmp(way, "garbage") == 0 && write(4, garbage, sizeof garbage) < 0) {
        return 1;
    }
    if (strcmp(way, "long") == 0 && read(3, &byte, 1) == 1 && write(4, huge, sizeof huge) < 0) {
        return 1;
    }
    if (strcmp(way, "more") == 0 && read(3, &byte, 1) == 1 && write(4, more, sizeof more) < 0) {
        return 1;
    }
    while (strcmp(way, "exit") != 0) {
        (void)pause();
    }
    return 7;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "silent") == 0) {
        (void)bight_worker_main(do_job, NULL);
    }
    return argc > 1 ? misbehave(argv[1]) : bight_worker_main(do_job, NULL);
}
