/* SPDX-License-Identifier: MIT */
/* blame.c - says which fault brought a run down, whatever became of the process.
 *
 * The stack is remembered when a fault hits, as addresses, and turned into names only for a report: with addr2line
 * where that is installed, else as module and offset. For crashes and hangs there are handlers of signals, and under
 * the sanitizers their own callback; they write and let the process die as it would have. Process-wide, for one thread
 * that runs a loop of faults. */
#include "testing/faults/blame.h"

#include <bight/log.h>

#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 12
#define OWN_FRAMES 3 /* of the fault's own making */
#define NAMED 5
#define TEXT_SIZE 160

static const int deadly[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };
#define DEADLY (sizeof deadly / sizeof deadly[0])

static struct {
    char text[TEXT_SIZE];
    atomic_bool hit;
    void *frames[FRAMES];
    int frame_count;
    unsigned seconds; /* 0: no loop is on */
    struct sigaction before[DEADLY];
} blame;

/* The sanitizers', when the program has them. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* ------------------------------------------------------------------------------------- last words */

static void write_text(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void write_last_words(const char *what)
{
    if (blame.seconds == 0) {
        return;
    }
    write_text("bight: testing: ");
    write_text(blame.text);
    write_text(what);
    if (atomic_load(&blame.hit)) {
        write_text("the fault hit at\n");
        backtrace_symbols_fd(blame.frames, blame.frame_count, STDERR_FILENO);
    }
}

static void on_death(void)
{
    write_last_words(": a sanitizer ends the run\n");
}

static void on_signal(int number)
{
    write_last_words(number == SIGALRM ? ": the run hangs\n" : ": the run crashes\n");
    blame.seconds = 0;                                 /* said once */
    (void)raise(number == SIGALRM ? SIGABRT : number); /* the handler is gone: SA_RESETHAND */
}

static bool is_the_sanitizers(int number)
{
    return __sanitizer_set_death_callback != NULL && number != SIGALRM && number != SIGABRT;
}

void bi_blame_begin(unsigned seconds)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    blame.seconds = seconds;
    for (size_t i = 0; i < DEADLY; i++) {
        if (is_the_sanitizers(deadly[i])) {
            (void)sigaction(deadly[i], NULL, &blame.before[i]);
        } else {
            (void)sigaction(deadly[i], &action, &blame.before[i]);
        }
    }
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(on_death);
    }
}

void bi_blame_end(void)
{
    (void)alarm(0);
    blame.seconds = 0;
    for (size_t i = 0; i < DEADLY; i++) {
        (void)sigaction(deadly[i], &blame.before[i], NULL);
    }
}

/* ------------------------------------------------------------------------------------------ runs */

void bi_blame_run(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(blame.text, sizeof blame.text, format, arguments);
    va_end(arguments);
    atomic_store(&blame.hit, false);
    blame.frame_count = 0;
    (void)alarm(blame.seconds);
}

void bi_blame_here(void)
{
    if (blame.seconds != 0 && !atomic_exchange(&blame.hit, true)) {
        blame.frame_count = backtrace(blame.frames, FRAMES);
    }
}

/* --------------------------------------------------------------------------------------- reports */

/* "function at file.c:12" for "program(+0x1234) [0x...]". False when it is not known. */
static bool ask_addr2line(const char *symbol, char *line, size_t size)
{
    char command[512];
    const char *open = strchr(symbol, '(');
    const char *plus = open == NULL ? NULL : strchr(open, '+');
    if (plus == NULL || plus != open + 1 || strchr(symbol, '\'') != NULL) {
        return false;
    }
    int length = snprintf(command, sizeof command, "addr2line -s -f -p -e '%.*s' %.*s 2>/dev/null",
        (int)(open - symbol), symbol, (int)strcspn(plus + 1, ")"), plus + 1);
    FILE *answer = length < (int)sizeof command ? popen(command, "r") : NULL;
    if (answer == NULL) {
        return false;
    }
    bool known = fgets(line, (int)size, answer) != NULL && strstr(line, "??") == NULL;
    (void)pclose(answer);
    line[strcspn(line, "\n")] = '\0';
    return known;
}

static void describe_frames(char *text, size_t size)
{
    char **symbols = backtrace_symbols(blame.frames, blame.frame_count);
    size_t length = 0;
    text[0] = '\0';
    for (int i = OWN_FRAMES; symbols != NULL && i < blame.frame_count && i < OWN_FRAMES + NAMED; i++) {
        char line[160];
        bool known = ask_addr2line(symbols[i], line, sizeof line);
        int more = snprintf(
            text + length, size - length, "%s%s", length == 0 ? "; hit in " : ", from ", known ? line : symbols[i]);
        if (more < 0 || (size_t)more >= size - length) {
            break;
        }
        length += (size_t)more;
    }
    free(symbols);
}

void bi_blame_report(const char *format, ...)
{
    char message[200];
    char place[700] = "";
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    (void)alarm(0);
    if (atomic_load(&blame.hit)) {
        describe_frames(place, sizeof place);
    }
    bight_log(BIGHT_LOG_ERROR, "testing", NULL, "%s: %s%s", blame.text, message, place);
}
