// SPDX-License-Identifier: MIT
// site.cc - a site as C++17 programs write it: handlers are lambdas and members of a class, what belongs to a route is
// an object that goes with it, and a body is pushed to a std::string. Tables and options have no designated
// initializers there, so they are filled in by functions. No exception may pass through the library.
//
// Usage: site ENDPOINT
//
//     GET /               "Hello from C++"
//     GET /visits         how often it was asked for
//     POST /reversed      the body, backwards
//     GET /later          an answer from a Deferred
//     GET /await/{name}   an answer from a coroutine
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <algorithm>
#include <memory>
#include <string>

namespace
{

// The context of a route.
class Visits
{
  public:
    static void answer(bight_http_request *request, void *context)
    {
        auto *self = static_cast<Visits *>(context);
        bight_http_respond_text(request, 200, std::to_string(++self->count).c_str());
    }

    static void release(void *context)
    {
        delete static_cast<Visits *>(context);
    }

  private:
    unsigned long count = 0;
};

// Collects a body of its own, and goes with its end.
class Reversed
{
  public:
    static void begin(bight_http_request *request, void *)
    {
        auto self = std::make_unique<Reversed>();
        if (bight_http_request_consume(request, 0, &consumer, self.get()) == BIGHT_OK) {
            (void)self.release();
        }
    }

  private:
    static bool take(bight_http_request *, const uint8_t *data, size_t size, void *context)
    {
        static_cast<Reversed *>(context)->text.append(reinterpret_cast<const char *>(data), size);
        return true;
    }

    static void end(bight_http_request *request, void *context)
    {
        std::unique_ptr<Reversed> self(static_cast<Reversed *>(context));
        std::reverse(self->text.begin(), self->text.end());
        bight_http_respond(request, 200, "text/plain", self->text.data(), self->text.size());
    }

    static void fail(bight_http_request *, const bight_failure *, void *context)
    {
        delete static_cast<Reversed *>(context);
    }

    static bight_http_consumer make_consumer()
    {
        bight_http_consumer made = {};
        made.size = sizeof made;
        made.data = take;
        made.end = end;
        made.failed = fail;
        return made;
    }

    static const bight_http_consumer consumer;
    std::string text;
};

const bight_http_consumer Reversed::consumer = Reversed::make_consumer();

void answer_later(bight_http_request *request, void *)
{
    bight_deferred *waiting = bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), 0.01);
    bight_deferred_add_callback(
        waiting,
        [](bight_result *result, void *) {
            bight_http_response *response = bight_http_response_new(200);
            bight_http_response_set(response, "X-Language", "C++");
            bight_http_response_set_body(response, "text/plain", "later", 5);
            bight_result_set(result, &bight_type_http_response, response);
        },
        nullptr);
    bight_http_respond_later(request, waiting);
}

void answer_awaited(bight_http_request *request, bight_result *result, void *)
{
    if (bight_await(bight_sleep(bight_reactor_clock(bight_coroutine_reactor()), 0.01), result) == BIGHT_OK) {
        std::string text = std::string("awaited ") + bight_http_request_parameter(request, "name");
        bight_http_respond_text(request, 200, text.c_str());
    }
}

void add_routes(bight_http_site *site)
{
    bight_http_route(
        site, "GET /",
        [](bight_http_request *request, void *) { bight_http_respond_text(request, 200, "Hello from C++"); }, nullptr);
    bight_http_route_options options = {};
    options.size = sizeof options;
    options.seconds = 10;
    bight_http_route_full(
        site, "GET /visits", Visits::answer, std::make_unique<Visits>().release(), Visits::release, &options);
    bight_http_route(site, "POST /reversed", Reversed::begin, nullptr);
    bight_http_route(site, "GET /later", answer_later, nullptr);
    bight_http_route_coroutine(site, "GET /await/{name}", answer_awaited, nullptr);
}

} // namespace

int main(int argc, char **argv)
{
    bight_http_site_options options = {};
    options.size = sizeof options;
    options.body_limit = 1 << 16;
    bight_reactor *reactor = bight_reactor_new();
    bight_http_site *site = bight_http_site_new_full(&options);
    add_routes(site);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
