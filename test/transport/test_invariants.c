/* SPDX-License-Identifier: MIT */
/* test_invariants.c - what must be true of connections: each kind of what is broken is seen and named. */
#include "transport/state.h"

#include <signal.h>

#include "layer_support.h"

/* What is in order: two layers, output that the peer does not read, an idle timeout. */
static void set_up_much(void)
{
    const struct bight_transport *whose;
    set_up();
    push("low", 1);
    push("high", 2);
    bight_string_set_window(peer, 10);
    ck_assert_int_eq(bight_transport_set_idle_timeout(transport, 60), BIGHT_OK);
    ck_assert_int_eq(bight_transport_write(transport, "a line that is longer", 21), BIGHT_OK);
    settle();
    ck_assert_ptr_null(bi_invariants_find(reactor, true, &whose));
}

static void plant_layered(void)
{
    transport->state &= ~BI_LAYERED;
}

static void plant_switching(void)
{
    transport->state |= BI_SWITCHING;
}

static void plant_producing(void)
{
    transport->state |= BI_PRODUCING;
}

static void plant_waiting(void)
{
    transport->state |= BI_WAITING;
}

static void plant_held(void)
{
    transport->state |= BI_HELD;
}

static void plant_bracket(void)
{
    transport->state |= BI_IN_CALL;
}

static void plant_changed(void)
{
    transport->output->task.run = NULL;
    transport->state |= BI_CHANGED;
}

static void plant_new(void)
{
    bi_set_life(transport, BI_NEW);
}

static void plant_losing(void)
{
    bi_set_life(transport, BI_LOSING);
}

static void plant_end(void)
{
    bi_set_write_end(transport, BI_END_ASKED);
}

static void plant_not_read(void)
{
    transport->state &= ~BI_READING;
}

static void plant_queued(void)
{
    transport->output->queued++;
}

static void plant_not_watching(void)
{
    transport->output->watching = false;
    transport->output->held = 0;
}

static void plant_last(void)
{
    transport->output->last = (struct bi_chunk *)transport->output;
}

static void plant_marks(void)
{
    transport->extension->low = transport->extension->high;
}

static void plant_link(void)
{
    transport->extension->top = transport->extension->lowest;
}

static void plant_popped(void)
{
    transport->extension->popped = transport->extension->top;
}

static void plant_before(void)
{
    transport->extension->facade.before = 7;
}

static void plant_pressed(void)
{
    transport->state = (transport->state & ~BI_PRESSURE_ON) | BI_THROTTLED;
}

static void plant_doubted(void)
{
    transport->state ^= BI_DOUBTED;
}

static void plant_cap(void)
{
    transport->hub->held++;
}

static void plant_figure(void)
{
    reactor->traffic.open++;
}

static void plant_factory(void)
{
    probe_factory.connections++;
}

static void plant_class(void)
{
    transport->idle.list ^= 1;
}

static void plant_sequence(void)
{
    transport->hub->sequence = transport;
}

static const struct {
    void (*plant)(void);
    const char *name;
} plants[] = {
    { plant_layered, "layers: LAYERED says that there are some" },
    { plant_switching, "switch: SWITCHING says to whom" },
    { plant_producing, "producer: PRODUCING says that there is one" },
    { plant_waiting, "levels: WAITING says that something waits" },
    { plant_held, "held: HELD ends with what was held" },
    { plant_bracket, "brackets: each that was entered has been left" },
    { plant_changed, "brackets: what has changed will be decided" },
    { plant_new, "life: what is new has not been started" },
    { plant_losing, "life: a closing one has ended its output" },
    { plant_end, "end: who asks for an end has it, but for a producer or a file" },
    { plant_not_read, "reading: who wants input is reading" },
    { plant_queued, "output: what is queued is what the chunks have" },
    { plant_not_watching, "output: what is queued will be sent" },
    { plant_last, "output: the last chunk comes last" },
    { plant_marks, "flow: the low mark is below the high one" },
    { plant_link, "layers: nothing is above the top one" },
    { plant_popped, "layers: a popped one stays while one is entered" },
    { plant_before, "levels: before a secured layer came part of what waits" },
    { plant_pressed, "flow: only who wants backpressure is pressed" },
    { plant_doubted, "doubts: who is doubted was noted, once" },
    { plant_cap, "cap: what all hold is the sum of what each holds" },
    { plant_figure, "hub: the figure of open connections is right" },
    { plant_factory, "factory: it counts its connections" },
    { plant_class, "idle: a list has connections of its class and its number, linked both ways" },
    { plant_sequence, "hub: no long write is under way" },
};

START_TEST(what_is_broken_is_named)
{
    const struct bight_transport *whose;
    set_up_much();
    struct bight_transport saved = *transport;
    struct bi_extension saved_extension = *transport->extension;
    struct bi_output saved_output = *transport->output;
    struct bi_hub saved_hub = *transport->hub;
    uint32_t connections = probe_factory.connections;
    uint64_t open = reactor->traffic.open;
    plants[_i].plant();
    const char *broken = bi_invariants_find(reactor, true, &whose);
    *saved.hub = saved_hub;
    *transport = saved;
    *transport->extension = saved_extension;
    *transport->output = saved_output;
    probe_factory.connections = connections;
    reactor->traffic.open = open;
    ck_assert_pstr_eq(broken, plants[_i].name);
    tear_down();
}
END_TEST

START_TEST(what_is_taken_from_a_pool_is_somebodys)
{
    const struct bight_transport *whose;
    set_up_much();
    void *taken = bi_pool_take(&transport->hub->extensions);
    ck_assert_pstr_eq(bi_invariants_find(reactor, true, &whose), "pools: each extension is a connection's");
    bi_pool_give(&transport->hub->extensions, taken);
    taken = bi_pool_take(&transport->hub->references);
    ck_assert_pstr_eq(bi_invariants_find(reactor, true, &whose), "pools: each reference is in a queue");
    bi_pool_give(&transport->hub->references, taken);
    ck_assert_ptr_null(bi_invariants_find(reactor, true, &whose));
    tear_down();
}
END_TEST

/* The words are there, and then abort ends the process: without them this test succeeds, and so fails. */
static void read_words(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (strstr(event->message, "broken invariant: producer: PRODUCING says that there is one (connection ") == NULL ||
        strstr(event->message, ": OPEN, output open; ACCEPTED") == NULL ||
        strstr(event->message, "; output: 11 queued, 11 counted, 11 held, watching; facade: 0 bytes; layer: 0 bytes") ==
            NULL) {
        _Exit(EXIT_SUCCESS);
    }
}

START_TEST(a_broken_invariant_ends_the_process_with_the_state_in_words)
{
    set_up_much();
    bight_log_set_observer(read_words, NULL);
    transport->state |= BI_PRODUCING;
    settle();
}
END_TEST

static void break_marks(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    p->transport->extension->low = p->transport->extension->high;
}

START_TEST(what_a_handler_breaks_ends_the_process)
{
    on.data = break_marks;
    set_up();
    push("low", 0);
    bight_string_feed_text(peer, "a");
    settle();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("invariants");
    TCase *tests = tcase_create("invariants");
    tcase_add_loop_test(tests, what_is_broken_is_named, 0, sizeof plants / sizeof *plants);
    tcase_add_test(tests, what_is_taken_from_a_pool_is_somebodys);
    tcase_add_test_raise_signal(tests, a_broken_invariant_ends_the_process_with_the_state_in_words, SIGABRT);
    tcase_add_test_raise_signal(tests, what_a_handler_breaks_ends_the_process, SIGABRT);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
