/* SPDX-License-Identifier: MIT */
/* idle.c - the idle timeouts of a reactor's connections (T24). The other deadlines are in timeouts.c.
 *
 * A message costs two words: each read and each send stores the hub's tick, a coarse time, in the connection. Nothing
 * else is touched until the timeout may be over.
 *
 * Connections with the same timeout are of one class. A class cuts its timeout into periods and has a ring of lists,
 * one for each period to come: a connection stands in that of the period in which its time may be over, linked by 32
 * bits each way, for 16 bytes a connection have to do. A timer for each class comes at the end of each period; it
 * advances the tick and looks at the connections of one list: those that were active meanwhile go on to a later one. So
 * a class wakes the loop some sixty times in its timeout, however many connections it has, and not at all when it has
 * none; and a short timeout of one connection costs the others nothing.
 *
 * The tick is of a clock of its own, which does not count the time in which the loop was held up: by a handler, or
 * because the process was stopped. What a peer sent meanwhile is still with the kernel; and the reads of the turn that
 * follows are made before any timer runs, so with the plain clock they would store a tick that is as old as the hold-up
 * was long, and connections would end that were active just now. So the clock takes steps of at most two periods of the
 * shortest timeout, and a stored tick is never further behind than that.
 *
 * Never early, then; late by at most a sixteenth of the timeout and 17 ms: timeouts are rounded up to a 64th, so that
 * there are few classes whatever a program asks for, and of periods, each a 64th, two are lost for the step and one for
 * the ring. */
#include <bight/memory.h>

#include "transport/invariants.h"

/* What the tick counts: 2^22 ns, about 4 ms. Half of its 32 bits are 104 days; longer than that is taken for ever. */
#define TICK_SHIFT 22
#define TICK (UINT64_C(1) << TICK_SHIFT)
#define LONGEST (TICK << 31)

#define STEPS_AN_OCTAVE 64 /* what a timeout is rounded up to */
#define PERIODS_A_TIMEOUT 64
#define PERIODS_A_STEP 2
/* A deadline is at most a timeout, a step and a tick away, which is a period at the most. */
#define LISTS (PERIODS_A_TIMEOUT + PERIODS_A_STEP + 2)

/* So that a thousand ends do not hold up the loop: the rest ends on the next turn. */
#define ENDS_PER_TURN 1024

#define NOBODY UINT32_MAX

struct bi_idle_class {
    struct bi_wheel_entry timer; /* armed while the class has members */
    struct bi_hub *hub;
    uint64_t timeout, period; /* nanoseconds */
    uint64_t next; /* the number of the period whose list is looked at next; it ends at (next + 1) * period */
    size_t members;
    uint32_t first[LISTS]; /* of the period with number n: n % LISTS; index of a slot or NOBODY */
};

/* -------------------------------------------------------------------------------------------- the clock */

/* Of the classes with members; 0 without any: then it does not matter how far the clock goes. */
static uint64_t shortest_period(const struct bi_hub *hub)
{
    uint64_t shortest = 0;
    for (size_t i = 0; i < hub->idle_class_count; i++) {
        const struct bi_idle_class *class = hub->idle_classes[i];
        if (class->members > 0 && (shortest == 0 || class->period < shortest)) {
            shortest = class->period;
        }
    }
    return shortest;
}

/* One step of the clock, and of the tick; returns the time. */
static uint64_t advance(struct bi_hub *hub)
{
    uint64_t now = bi_reactor_now(hub->reactor);
    uint64_t passed = now - hub->idle_seen;
    uint64_t most = PERIODS_A_STEP * hub->idle_shortest;
    hub->idle_seen = now;
    hub->idle_now += most != 0 && passed > most ? most : passed;
    hub->tick = (uint32_t)(hub->idle_now >> TICK_SHIFT);
    return hub->idle_now;
}

/* ------------------------------------------------------------------------------------------- the lists */

static uint32_t index_of(const struct bight_transport *transport)
{
    return (uint32_t)transport->id;
}

static struct bi_idle *at(const struct bi_hub *hub, uint32_t index)
{
    return &bi_hub_at(hub, index)->idle;
}

static struct bi_idle_class *class_of(const struct bight_transport *transport)
{
    return transport->hub->idle_classes[transport->idle.class_number - 1];
}

/* For the end of the period `next`. */
static void arm(struct bi_idle_class *class)
{
    struct bi_hub *hub = class->hub;
    uint64_t end = (class->next + 1) * class->period;
    uint64_t wait = end > hub->idle_now ? end - hub->idle_now : 0;
    bi_reactor_arm(hub->reactor, &class->timer, hub->idle_seen + wait);
}

static void push(struct bi_idle_class *class, struct bight_transport *transport, uint64_t number)
{
    struct bi_idle *idle = &transport->idle;
    idle->list = (uint8_t)(number % LISTS);
    idle->previous = NOBODY;
    idle->next = class->first[idle->list];
    if (idle->next != NOBODY) {
        at(class->hub, idle->next)->previous = index_of(transport);
    }
    class->first[idle->list] = index_of(transport);
}

static void unlink_from(struct bi_idle_class *class, struct bi_idle *idle)
{
    if (idle->previous == NOBODY) {
        class->first[idle->list] = idle->next;
    } else {
        at(class->hub, idle->previous)->next = idle->next;
    }
    if (idle->next != NOBODY) {
        at(class->hub, idle->next)->previous = idle->previous;
    }
}

/* The last moment at which a connection that was active at its tick may really have been so, and its timeout behind
 * that. */
static uint64_t deadline_of(const struct bi_idle_class *class, const struct bight_transport *transport)
{
    const struct bi_hub *hub = class->hub;
    uint32_t age = hub->tick - transport->idle.active;
    uint64_t end_of_tick = ((hub->idle_now >> TICK_SHIFT) - age + 1) << TICK_SHIFT;
    return end_of_tick + PERIODS_A_STEP * class->period + class->timeout;
}

/* Into the list of the period in which its time is over: the first that ends at or behind the deadline. */
static void wait_in(struct bi_idle_class *class, struct bight_transport *transport, uint64_t deadline)
{
    uint64_t number = (deadline - 1) / class->period;
    number = number < class->next ? class->next : number;
    uint64_t last = class->next + LISTS - 1; /* looked at too early is no harm */
    push(class, transport, number > last ? last : number);
}

/* --------------------------------------------------------------------------------------------- looking */

/* Looks at all of one list as it is now; those that wait on are put before its first, where they are not met again.
 * False when so many ended that the rest has to wait for the next turn. */
static bool look_at(struct bi_idle_class *class, uint32_t list, unsigned *ends)
{
    for (uint32_t index = class->first[list]; index != NOBODY;) {
        struct bight_transport *transport = bi_hub_at(class->hub, index);
        index = transport->idle.next;
        uint64_t deadline = deadline_of(class, transport);
        if (deadline > class->hub->idle_now) {
            unlink_from(class, &transport->idle);
            wait_in(class, transport, deadline);
            continue;
        }
        if ((*ends)++ == ENDS_PER_TURN) {
            return false;
        }
        bi_timeouts_end(transport); /* it leaves its class; its protocol is notified on a later turn */
    }
    return true;
}

static void class_timer_ran(struct bi_wheel_entry *timer)
{
    struct bi_idle_class *class = BI_CONTAINER(timer, struct bi_idle_class, timer);
    uint64_t begun = advance(class->hub) / class->period; /* this period is not over */
    unsigned ends = 0;
    uint64_t number = class->next;
    class->next = begun > number ? begun : number; /* no entry is put where the scan has passed */
    while (number < begun && look_at(class, (uint32_t)(number % LISTS), &ends)) {
        number++;
    }
    if (number < begun) {
        class->next = number;
    }
    if (class->members > 0) {
        arm(class);
    }
}

/* --------------------------------------------------------------------------------------------- classes */

/* Up to the next of 64 steps between a power of two and the next. */
static uint64_t rounded(uint64_t nanoseconds)
{
    unsigned bits = 63 - (unsigned)__builtin_clzll(nanoseconds);
    uint64_t step = bits > 6 ? (UINT64_C(1) << bits) / STEPS_AN_OCTAVE : 1;
    return (nanoseconds + step - 1) & ~(step - 1); /* a power of two itself */
}

static struct bi_idle_class *make_class(struct bi_hub *hub, uint64_t timeout)
{
    struct bi_idle_class *class = bight_calloc(1, sizeof *class);
    if (class == NULL) {
        return NULL;
    }
    uint64_t period = timeout / PERIODS_A_TIMEOUT;
    class->timer.function = class_timer_ran;
    class->hub = hub;
    class->timeout = timeout;
    class->period = period < TICK ? TICK : period;
    for (size_t list = 0; list < LISTS; list++) {
        class->first[list] = NOBODY;
    }
    return class;
}

/* The number of the class, counted from 1, for a rounded timeout; 0 when out of memory. There are some two thousand
 * classes at the most, and as a rule one or two, so a search is good enough. Classes stay until the hub goes. */
static uint16_t class_for(struct bi_hub *hub, uint64_t timeout)
{
    for (uint16_t i = 0; i < hub->idle_class_count; i++) {
        if (hub->idle_classes[i]->timeout == timeout) {
            return i + 1;
        }
    }
    size_t size = (hub->idle_class_count + (size_t)1) * sizeof(struct bi_idle_class *);
    struct bi_idle_class **classes = bight_realloc(hub->idle_classes, size);
    if (classes == NULL) {
        return 0;
    }
    hub->idle_classes = classes;
    classes[hub->idle_class_count] = make_class(hub, timeout);
    return classes[hub->idle_class_count] == NULL ? 0 : ++hub->idle_class_count;
}

/* ------------------------------------------------------------------------------------ a connection's part */

static void join(struct bight_transport *transport, uint16_t class_number)
{
    struct bi_hub *hub = transport->hub;
    uint64_t now = advance(hub);
    transport->idle.class_number = class_number;
    transport->idle.active = hub->tick;
    struct bi_idle_class *class = class_of(transport);
    if (class->members++ == 0) {
        hub->idle_shortest = shortest_period(hub);
        class->next = now / class->period;
        arm(class);
    }
    wait_in(class, transport, deadline_of(class, transport));
}

static void leave(struct bight_transport *transport)
{
    struct bi_idle_class *class = class_of(transport);
    unlink_from(class, &transport->idle);
    transport->idle.class_number = 0;
    if (--class->members == 0) {
        bi_reactor_disarm(class->hub->reactor, &class->timer);
        class->hub->idle_shortest = shortest_period(class->hub);
    }
}

int bi_idle_start(struct bight_transport *transport, uint64_t nanoseconds)
{
    uint16_t class_number = 0;
    if (nanoseconds > 0 && nanoseconds < LONGEST) {
        class_number = class_for(transport->hub, rounded(nanoseconds));
        if (class_number == 0) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
    }
    bi_idle_stop(transport);
    if (class_number != 0) {
        join(transport, class_number);
    }
    return BIGHT_OK;
}

uint64_t bi_idle_timeout(const struct bight_transport *transport)
{
    uint16_t class_number = transport->idle.class_number;
    return class_number == 0 ? 0 : transport->hub->idle_classes[class_number - 1]->timeout;
}

void bi_idle_stop(struct bight_transport *transport)
{
    if (transport->idle.class_number != 0) {
        leave(transport);
    }
}

void bi_idle_finish(struct bi_hub *hub)
{
    for (size_t i = 0; i < hub->idle_class_count; i++) {
        bi_reactor_disarm(hub->reactor, &hub->idle_classes[i]->timer);
        bight_free(hub->idle_classes[i]);
    }
    bight_free(hub->idle_classes);
}

/* ---------------------------------------------------------------------------------------- invariants */

/* Returns how many are in the list, or SIZE_MAX when it is no list of the class's. */
static size_t count_list(const struct bi_hub *hub, uint16_t class_number, uint8_t list)
{
    const struct bi_idle_class *class = hub->idle_classes[class_number - 1];
    uint32_t previous = NOBODY;
    size_t count = 0;
    for (uint32_t index = class->first[list]; index != NOBODY; index = at(hub, index)->next) {
        const struct bi_idle *idle = at(hub, index);
        if (idle->class_number != class_number || idle->list != list || idle->previous != previous ||
            count++ == class->members) {
            return SIZE_MAX;
        }
        previous = index;
    }
    return count;
}

static const char *look_at_class(const struct bi_hub *hub, uint16_t class_number)
{
    const struct bi_idle_class *class = hub->idle_classes[class_number - 1];
    size_t members = 0;
    BI_MUST((class->members > 0) == bi_wheel_is_armed(&class->timer), "idle: a class with members has a timer");
    for (uint8_t list = 0; class->members > 0 && list < LISTS; list++) {
        size_t count = count_list(hub, class_number, list);
        BI_MUST(count != SIZE_MAX, "idle: a list has connections of its class and its number, linked both ways");
        members += count;
    }
    BI_MUST(members == class->members, "idle: a class counts its members");
    return NULL;
}

const char *bi_invariants_of_idle(const struct bi_hub *hub)
{
    BI_MUST(hub->idle_shortest == shortest_period(hub), "idle: the shortest period is that of the classes in use");
    for (uint16_t number = 1; number <= hub->idle_class_count; number++) {
        const char *broken = look_at_class(hub, number);
        BI_MUST(broken == NULL, broken);
    }
    return NULL;
}
