/* SPDX-License-Identifier: MIT */
/* http_cookies.c - asks a site with the cookies of the time before, and keeps those that it sets: in a file that curl
 * and wget can read. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

static void show(const struct bight_http_cookie_jar *jar)
{
    const struct bight_http_kept_cookie *cookie = NULL;
    while ((cookie = bight_http_cookie_jar_next(jar, cookie)) != NULL) {
        printf("%s=%s for %s%s\n", cookie->name, cookie->value, cookie->domain, cookie->path);
    }
}

static void ask(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8888/";
    const char *file = argc > 2 ? argv[2] : "cookies.txt";
    struct bight_http_cookie_jar *jar = bight_http_cookie_jar_new(reactor, NULL);
    const struct bight_http_client_options options = { .size = sizeof options, .cookies = jar };
    struct bight_http_client *client = bight_http_client_new(reactor, &options);
    if (bight_await(bight_http_cookie_jar_load(jar, file), result) != 0) {
        bight_result_clear(result); /* the first time there is none */
    }
    bight_http_cookie_jar_set(jar, url, "theme=dark; Path=/");
    if (bight_await(bight_http_get(client, url), result) == 0) {
        show(jar);
        if (bight_await(bight_http_cookie_jar_save(jar, file, false), result) == 0) {
            bight_result_clear(result); /* their number, which would be the exit status */
        }
    }
    bight_http_client_free(client);
    bight_http_cookie_jar_release(jar);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(ask, argc, argv);
}
