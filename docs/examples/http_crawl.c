/* SPDX-License-Identifier: MIT */
/* http_crawl.c - looks at all pages of a site that can be reached from one, for links that lead nowhere.
 *
 * Every link is asked for at once. That is no rudeness: the client makes two connections to a host and lets the rest
 * wait.
 *
 * Usage: http_crawl URL [PAGES] */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_URL 2048

static struct bight_http_client *client;
static struct bight_promise finished;
static char **seen; /* the URLs, in the order in which they were found */
static size_t seen_count, most_pages = 100, under_way, broken;

static void visit(const char *url);

static bool is_seen(const char *url)
{
    for (size_t i = 0; i < seen_count; i++) {
        if (strcmp(seen[i], url) == 0) {
            return true;
        }
    }
    return false;
}

/* Pages of the site are those below what was asked for first. */
static void follow(const char *base, const char *link)
{
    char url[MAX_URL];
    if (bight_http_resolve(base, link, url, sizeof url) == 0 && strncmp(url, seen[0], strlen(seen[0])) == 0 &&
        !is_seen(url) && seen_count < most_pages) {
        visit(url);
    }
}

/* A program that means it asks a library what is a link. */
static void follow_links(const char *base, const char *page)
{
    static const char mark[] = "href=\"";
    char link[MAX_URL];
    for (const char *at = strstr(page, mark); at != NULL; at = strstr(at, mark)) {
        at += strlen(mark);
        size_t size = strcspn(at, "\"");
        if (size < sizeof link) {
            memcpy(link, at, size);
            link[size] = '\0';
            follow(base, link);
        }
    }
}

static void look(const char *url, struct bight_http_response *response)
{
    int status = bight_http_response_status(response);
    const char *type = bight_http_response_field(response, "Content-Type");
    if (status != 200) {
        printf("%s: %d\n", url, status);
        broken++;
    } else if (type != NULL && strncmp(type, "text/html", 9) == 0) {
        follow_links(
            bight_http_response_url(response), (const char *)bight_bytes_data(bight_http_response_body(response)));
    }
}

static void has_come(struct bight_result *result, void *url)
{
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        printf("%s: %s\n", (const char *)url, bight_failure_message(failure));
        broken++;
    } else {
        look(url, bight_result_peek(result, &bight_type_http_response));
    }
    bight_result_clear(result);
    if (--under_way == 0) {
        bight_callback(finished, NULL, NULL);
    }
}

static void visit(const char *url)
{
    char *kept = malloc(strlen(url) + 1);
    if (kept == NULL) {
        return;
    }
    strcpy(kept, url);
    seen[seen_count++] = kept;
    under_way++;
    struct bight_deferred *page = bight_http_get(client, kept);
    bight_deferred_add_both(page, has_come, kept);
    bight_deferred_release(page);
}

static void end(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    printf("%zu pages, %zu broken\n", seen_count, broken);
    bight_http_client_free(client);
    while (seen_count > 0) {
        free(seen[--seen_count]);
    }
    free(seen);
}

static struct bight_deferred *crawl(struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_call_options calls = { .size = sizeof calls, .total_seconds = 60, .max_body = 1 << 20 };
    const struct bight_http_client_options options = { .size = sizeof options, .max_per_host = 2, .calls = &calls };
    if (argc < 2) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: http_crawl URL [PAGES]"));
    }
    most_pages = argc > 2 ? strtoul(argv[2], NULL, 10) : most_pages;
    seen = calloc(most_pages + 1, sizeof *seen);
    client = bight_http_client_new(reactor, &options);
    struct bight_deferred *deferred = bight_deferred_new(&finished, NULL, NULL);
    bight_deferred_add_both(deferred, end, NULL);
    visit(argv[1]);
    return deferred;
}

int main(int argc, char **argv)
{
    return bight_main(crawl, argc, argv);
}
