/* SPDX-License-Identifier: MIT */
/* http_site.c - the scenario http: a site whose handlers answer in every way.
 *
 * At once, later, by pieces that a producer makes; they collect, consume and pull uploads, or leave them; they let
 * go, are late, or wait until the client goes. Checked here: a question is handled once, after the one before it has
 * been answered, its upload is what was sent, and its time holds. */
#include "http.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_SECONDS 5.0 /* that a request is held whose time is over before */

/* A request that a handler was given; it goes with it. */
struct task {
    struct http_world *world;
    struct bight_http_request *request;
    struct question *question;
    uint32_t id;
    double began;
    size_t read, written;
    bool is_held, is_paused;
    struct bight_timer timer;
};

static void end_task(void *value)
{
    struct task *task = value;
    (void)bight_timer_cancel(task->timer);
    task->world->ended++;
    bight_free(task);
}

static const struct bight_type task_type = { .name = "task", .destroy = end_task };

static void hold(struct task *task)
{
    (void)bight_http_request_hold(task->request);
    task->is_held = true;
}

/* The task may go here. */
static void let_go(struct task *task)
{
    (void)bight_timer_cancel(task->timer);
    if (task->is_held) {
        task->is_held = false;
        bight_http_request_release(task->request);
    }
}

static void after(struct task *task, double most, bight_timer_function function)
{
    double seconds = draw(&task->world->audit, 30) ? 0 : draw_seconds(&task->world->audit, most);
    (void)bight_timer_cancel(task->timer);
    (void)bight_call_later(task->world->server, seconds, function, task, &task->timer);
}

static void look_at(int code)
{
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED && code != BIGHT_E_OVERFLOW) {
        audit_wrong("an answer is refused: %s", bight_error_name(code));
    }
}

/* ------------------------------------------------------------------------------------------- answering */

static struct bight_bytes *make_answer(const struct task *task)
{
    uint8_t *content;
    struct bight_bytes *bytes = bight_bytes_new_uninitialised(task->question->answer, &content);
    for (size_t i = 0; bytes != NULL && i < task->question->answer; i++) {
        content[i] = stream_byte(task->id, i);
    }
    return bytes;
}

static int respond_with_response(struct task *task, struct bight_bytes *bytes)
{
    struct bight_http_response *response = bight_http_response_new(200);
    (void)bight_http_response_take_bytes(response, "application/octet-stream", bight_bytes_hold(bytes));
    int code = bight_http_respond_response(task->request, response);
    bight_http_response_release(response);
    return code;
}

static int respond_in_pieces(struct task *task, const uint8_t *data, size_t size)
{
    struct audit *audit = &task->world->audit;
    int code = bight_http_respond_begin(task->request, 200, NULL, draw(audit, 50) ? (int64_t)size : -1);
    for (size_t piece; size > 0 && code == BIGHT_OK; data += piece, size -= piece) {
        piece = size <= 100 ? size : 1 + (size_t)bight_simulation_draw(audit->simulation, size);
        code = bight_http_respond_write(task->request, data, piece);
    }
    return code == BIGHT_OK ? bight_http_respond_finish(task->request) : code;
}

static void answer(struct task *task)
{
    struct bight_bytes *bytes = make_answer(task);
    const uint8_t *data = bight_bytes_data(bytes);
    size_t size = bight_bytes_size(bytes);
    struct bight_http_request *request = task->request;
    char id[16];
    (void)snprintf(id, sizeof id, "%lu", (unsigned long)task->id);
    task->question->is_settled = true;
    (void)bight_http_respond_set(request, "X-Id", id);
    switch (bight_simulation_draw(task->world->audit.simulation, 5)) {
    case 0:
        look_at(bight_http_respond(request, 200, NULL, data, size));
        break;
    case 1:
        look_at(bight_http_respond_bytes(request, 200, NULL, bytes));
        break;
    case 2:
        look_at(bight_http_respond_later(request, bight_succeed(&bight_type_bytes, bight_bytes_hold(bytes))));
        break;
    case 3:
        look_at(respond_with_response(task, bytes));
        break;
    default:
        look_at(respond_in_pieces(task, data, size));
        break;
    }
    bight_bytes_release(bytes);
}

static void answer_and_go(void *context)
{
    struct task *task = context;
    answer(task);
    let_go(task);
}

static void has_gone(struct bight_http_request *request, void *context)
{
    if (bight_http_request_is_open(request)) {
        audit_wrong("the client of a request that is open has gone");
    }
    let_go(context);
}

/* Perhaps it is given up when the client goes. */
static void answer_later(struct task *task)
{
    hold(task);
    if (draw(&task->world->audit, 50)) {
        bight_http_request_set_gone(task->request, has_gone, task);
    }
    after(task, 1, answer_and_go);
}

static void answer_somewhen(struct task *task)
{
    if (draw(&task->world->audit, 30)) {
        answer_later(task);
    } else {
        answer(task);
    }
}

static void fail(struct task *task, struct bight_failure *failure)
{
    task->question->is_settled = true;
    look_at(bight_http_respond_failure(task->request, failure));
}

/* ------------------------------------------------------------------------------------------- producers */

static int produce_piece(struct task *task)
{
    uint8_t piece[8192];
    size_t left = task->question->answer - task->written;
    size_t size = 1 + draw_size(&task->world->audit, sizeof piece - 1);
    size = size < left ? size : left;
    for (size_t i = 0; i < size; i++) {
        piece[i] = stream_byte(task->id, task->written + i);
    }
    task->written += size;
    return bight_http_respond_write(task->request, piece, size);
}

/* One more piece, or the end. A write may stop the producer, and that lets go. */
static void produce(struct task *task, bight_timer_function next)
{
    struct bight_http_request *request = bight_http_request_hold(task->request);
    int code = produce_piece(task);
    look_at(code);
    if (code == BIGHT_OK && task->written == task->question->answer) {
        task->question->is_settled = true;
        look_at(bight_http_respond_finish(request));
        let_go(task);
    } else if (code == BIGHT_OK && next != NULL && !task->is_paused) {
        after(task, 0.05, next);
    }
    bight_http_request_release(request);
}

static void push_piece(void *context)
{
    produce(context, push_piece);
}

static void pause_pushing(void *context)
{
    struct task *task = context;
    task->is_paused = true;
    (void)bight_timer_cancel(task->timer);
}

static void resume_pushing(void *context)
{
    struct task *task = context;
    task->is_paused = false;
    after(task, 0.05, push_piece);
}

static void pull_piece(void *context)
{
    produce(context, NULL);
}

static void stop_producing(void *context)
{
    let_go(context);
}

static const struct bight_producer_ops pushing = {
    .pause = pause_pushing, .resume = resume_pushing, .stop = stop_producing
};
static const struct bight_producer_ops pulling = { .resume = pull_piece, .stop = stop_producing };

static void answer_by_producer(struct task *task)
{
    struct audit *audit = &task->world->audit;
    struct bight_http_request *request = task->request;
    bool pushes = draw(audit, 50);
    char id[16];
    (void)snprintf(id, sizeof id, "%lu", (unsigned long)task->id);
    hold(task);
    (void)bight_http_request_hold(request);
    (void)bight_http_respond_set(request, "X-Id", id);
    int64_t length = draw(audit, 50) ? (int64_t)task->question->answer : -1;
    int code = bight_http_respond_begin(request, 200, NULL, length);
    if (code == BIGHT_OK) {
        task->question->is_settled = task->question->is_head; /* nothing is left to be made */
        code = bight_http_respond_register_producer(request, pushes ? &pushing : &pulling, task, pushes);
    }
    look_at(code);
    if (code != BIGHT_OK) {
        let_go(task);
    } else if (pushes) {
        push_piece(task);
    }
    bight_http_request_release(request);
}

/* --------------------------------------------------------------------------------------------- uploads */

static void hear_upload(struct task *task, const uint8_t *data, size_t size)
{
    if (task->read + size > task->question->upload) {
        audit_wrong("more was uploaded than was sent");
    }
    stream_check(UPLOAD_KEY + task->id, task->read, data, size);
    task->read += size;
}

static void upload_is_whole(struct task *task)
{
    if (task->read != task->question->upload) {
        audit_wrong("uploaded are %zu of %zu", task->read, task->question->upload);
    }
    answer_somewhen(task);
}

static void has_collected(struct bight_result *result, void *context)
{
    struct task *task = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        fail(task, failure);
        return;
    }
    struct bight_bytes *bytes = bight_result_take(result, &bight_type_bytes);
    hear_upload(task, bight_bytes_data(bytes), bight_bytes_size(bytes));
    bight_bytes_release(bytes);
    upload_is_whole(task);
}

static void read_more(void *context);

static void has_read(struct bight_result *result, void *context)
{
    struct task *task = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        fail(task, failure);
        return;
    }
    struct bight_bytes *bytes = bight_result_take(result, &bight_type_bytes);
    size_t size = bight_bytes_size(bytes);
    hear_upload(task, bight_bytes_data(bytes), size);
    bight_bytes_release(bytes);
    if (size == 0) {
        upload_is_whole(task);
    } else {
        hold(task);
        after(task, 0.2, read_more);
    }
}

static void await(struct task *task, struct bight_deferred *deferred, bight_handler handler)
{
    (void)bight_deferred_add_both(deferred, handler, task);
    bight_deferred_release(deferred);
}

static void read_more(void *context)
{
    struct task *task = context;
    size_t limit = draw(&task->world->audit, 50) ? 0 : 1000 + draw_size(&task->world->audit, 9000);
    bool was_held = task->is_held;
    task->is_held = false;
    struct bight_http_request *request = task->request;
    await(task, bight_http_request_read(request, limit), has_read);
    if (was_held) {
        bight_http_request_release(request);
    }
}

static void resume_upload(void *context)
{
    bight_http_request_resume(((struct task *)context)->request);
}

static bool consume_piece(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct task *task = context;
    (void)request;
    if (size == 0 || bight_timer_is_pending(task->timer)) {
        audit_wrong("a consumer was given %zu bytes while it %s", size, size == 0 ? "waits" : "pauses");
    }
    hear_upload(task, data, size);
    if (draw(&task->world->audit, 20)) {
        after(task, 0.3, resume_upload);
        return false;
    }
    return true;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)request;
    upload_is_whole(context);
}

static void consume_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    fail(context, bight_failure_hold((struct bight_failure *)(uintptr_t)failure));
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer, .data = consume_piece, .end = consume_end, .failed = consume_failed
};

/* ---------------------------------------------------------------------------------- without an answer */

static void go_without_answer(void *context)
{
    struct task *task = context;
    task->question->is_settled = true;
    let_go(task);
}

/* What is tied to a request of a timed route is cancelled by when its time is over. */
static void time_is_over(struct bight_promise promise, void *context)
{
    struct task *task = context;
    double took = bight_simulation_now(task->world->audit.simulation) - task->began;
    (void)promise;
    if (took > TIMED_SECONDS + 0.01) {
        audit_wrong("a route's time was over after %.3f s", took);
    }
    task->question->is_settled = true;
}

static void is_late(void *context)
{
    struct task *task = context;
    if (bight_http_request_is_open(task->request) ||
        bight_http_respond_text(task->request, 200, "late") != BIGHT_E_CLOSED) {
        audit_wrong("a request is open behind its route's time");
    }
    let_go(task);
}

static void wait_too_long(struct task *task)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, time_is_over, task);
    (void)bight_deferred_tie(deferred, bight_http_request_owner(task->request));
    audit_watch(&task->world->audit, deferred);
    hold(task);
    (void)bight_call_later(task->world->server, HELD_SECONDS, is_late, task, &task->timer);
}

/* --------------------------------------------------------------------------------------------- the site */

/* H4: the question before it, of the same client, has been answered. */
static void check_turn(const struct task *task)
{
    const struct question *question = task->question;
    if (question->handled != 1) {
        audit_wrong("question %lu is handled twice", (unsigned long)task->id);
    }
    if (task->id > 0 && question[-1].asker == question->asker && !question[-1].is_settled) {
        audit_wrong("question %lu is handled before the one before it", (unsigned long)task->id);
    }
}

static struct task *begin_task(struct bight_http_request *request, struct http_world *world)
{
    const char *id = bight_http_request_parameter(request, "id");
    unsigned long number = id == NULL ? ULONG_MAX : strtoul(id, NULL, 10);
    struct task *task = number < world->question_count ? bight_calloc(1, sizeof *task) : NULL;
    if (task == NULL) {
        audit_wrong("a question that nobody asked");
        return NULL;
    }
    *task = (struct task) { .world = world,
        .request = request,
        .id = (uint32_t)number,
        .question = &world->questions[number],
        .began = bight_simulation_now(world->audit.simulation) };
    world->begun++;
    task->question->handled++;
    (void)bight_http_request_attach(request, &task_type, task);
    return task;
}

static void go_on(struct task *task)
{
    struct bight_http_request *request = task->request;
    switch (task->question->way) {
    case COLLECT:
        await(task, bight_http_request_collect(request, 0), has_collected);
        break;
    case CONSUME:
        look_at(bight_http_request_consume(request, 0, &consumer, task));
        break;
    case READ:
        read_more(task);
        break;
    case UNREAD:
        answer_somewhen(task);
        break;
    case LET_GO:
        hold(task);
        after(task, 1, go_without_answer);
        break;
    case TIMED:
        wait_too_long(task);
        break;
    case NOW:
        answer(task);
        break;
    case LATER:
        answer_later(task);
        break;
    case STREAM:
        answer_by_producer(task);
        break;
    case NEVER:
        hold(task);
        bight_http_request_set_gone(request, has_gone, task);
        break;
    }
}

static void handle(struct bight_http_request *request, void *context)
{
    struct http_world *world = context;
    layers_in_handler(&world->audit, bight_http_request_transport(request));
    struct task *task = begin_task(request, world);
    if (task != NULL) {
        if (world->is_freed) {
            audit_wrong("a site that was freed handles a request");
        }
        check_turn(task);
        go_on(task);
    }
}

void make_site(struct http_world *world)
{
    const struct bight_http_site_options options = { .size = sizeof options, .half_close = world->half_close };
    const struct bight_http_route_options timed = { .size = sizeof timed, .seconds = TIMED_SECONDS };
    world->site = bight_http_site_new_full(&options);
    (void)bight_http_route(world->site, "/ask/{id}", handle, world);
    (void)bight_http_route_full(world->site, "/timed/{id}", handle, world, NULL, &timed);
}
