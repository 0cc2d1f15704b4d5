/* SPDX-License-Identifier: MIT */
/* flight.c - datagrams on their way: leaving, lost, doubled, overtaken, arriving, and refused.
 *
 * A datagram belongs to the simulation from when it is sent until a socket has it. It leaves when those before it have
 * (at once where bandwidth is unlimited), and comes in the order of sending unless it is late on purpose: each that is
 * out of order is a fault with a number. What is under way while its way is cut is lost and does not wait. One that
 * finds no socket is answered by a refusal, ICMP's "port unreachable", which travels as any other and may be lost too.
 */
#include <errno.h>
#include <string.h>

#include "testing/simulation/simulation.h"
#include "testing/kit/testing.h"

#define LATE_BY_AT_MOST (40 * BIGHT_SIM_MILLISECOND)

/* ------------------------------------------------------------------------------------ making and ending */

struct bight_sim_datagram *bight_sim_datagram_make(struct bight_host *source, struct bight_host *target, size_t size)
{
    struct bight_sim_datagram *datagram = bight_testing_plain_realloc(NULL, sizeof *datagram + size);
    if (datagram == NULL) {
        return NULL;
    }
    *datagram = (struct bight_sim_datagram) { .source = source, .target = target, .size = size };
    bight_list_init(&datagram->of_sender);
    bight_list_append(&source->simulation->datagrams, &datagram->link);
    return datagram;
}

void bight_sim_datagram_free(struct bight_sim_datagram *datagram)
{
    bight_sim_event_disarm(&datagram->event);
    bight_list_remove(&datagram->link);
    bight_list_remove(&datagram->of_sender);
    bight_testing_plain_free(datagram);
}

void bight_sim_finish_datagrams(struct bight_simulation *simulation)
{
    while (!bight_list_is_empty(&simulation->datagrams)) {
        bight_sim_datagram_free(BIGHT_CONTAINER(simulation->datagrams.next, struct bight_sim_datagram, link));
    }
}

static void lose(struct bight_sim_datagram *datagram)
{
    bight_sim_trace(datagram->target, BIGHT_SIM_loss, datagram->to.port, (int64_t)datagram->size, 0);
    bight_sim_datagram_free(datagram);
}

/* -------------------------------------------------------------------------------------------- arriving */

/* Nobody hears of it when there is no memory for it: so it is with refusals. */
static void refuse(const struct bight_sim_datagram *datagram)
{
    struct bight_sim_datagram *refusal = bight_sim_datagram_make(datagram->target, datagram->source, 0);
    if (refusal != NULL) {
        refusal->from = datagram->to;
        refusal->to = datagram->from;
        refusal->is_refusal = true;
        bight_sim_datagram_carry(refusal);
    }
}

/* Only a connected socket is told. */
static void tell_refusal(struct bight_sim_socket *socket)
{
    if (socket != NULL && socket->state == BIGHT_SIM_CONNECTED) {
        socket->error = ECONNREFUSED;
        bight_sim_socket_update(socket);
    }
}

static void arrives(struct bight_sim_event *event)
{
    struct bight_sim_datagram *datagram = BIGHT_CONTAINER(event, struct bight_sim_datagram, event);
    if (bight_sim_is_cut(datagram->source, datagram->target)) {
        lose(datagram);
        return;
    }
    struct bight_sim_socket *socket = bight_sim_datagrams_at(datagram->target, &datagram->to, &datagram->from);
    if (socket != NULL && !datagram->is_refusal) {
        bight_list_remove(&datagram->link);
        bight_sim_datagram_came(socket, datagram);
        return;
    }
    if (datagram->is_refusal) {
        tell_refusal(socket);
    } else {
        refuse(datagram);
    }
    bight_sim_datagram_free(datagram);
}

/* --------------------------------------------------------------------------------------------- leaving */

/* It goes no way in the sense of an event, which would wait for a way that is cut. */
static void arm(struct bight_sim_datagram *datagram, void (*run)(struct bight_sim_event *event), uint64_t when)
{
    bight_sim_event_init(&datagram->event, datagram->source->simulation, NULL, NULL, run);
    bight_sim_event_arm(&datagram->event, when);
}

static void leave(struct bight_sim_datagram *datagram)
{
    if (datagram->is_lost || bight_sim_is_cut(datagram->source, datagram->target)) {
        lose(datagram);
    } else {
        arm(datagram, arrives, datagram->arrival);
    }
}

static void leaves(struct bight_sim_event *event)
{
    struct bight_sim_datagram *datagram = BIGHT_CONTAINER(event, struct bight_sim_datagram, event);
    bight_sim_datagram_left(datagram);
    leave(datagram);
}

static void send_copy(const struct bight_sim_datagram *datagram, uint64_t when)
{
    struct bight_sim_datagram *copy = bight_sim_datagram_make(datagram->source, datagram->target, datagram->size);
    if (copy == NULL) {
        return;
    }
    copy->from = datagram->from;
    copy->to = datagram->to;
    copy->is_refusal = datagram->is_refusal;
    memcpy(copy->bytes, datagram->bytes, datagram->size);
    arm(copy, arrives, when);
}

/* All that may happen is drawn before any of it does: a fault that is left out does not move the draws after it. */
void bight_sim_datagram_carry(struct bight_sim_datagram *datagram)
{
    struct bight_simulation *simulation = datagram->source->simulation;
    struct bight_sim_way *way = bight_sim_way(datagram->source, datagram->target);
    const struct bight_link_conditions *conditions = &way->conditions;
    bool is_dropped = bight_sim_fault(simulation, conditions->drop, "dropped datagram");
    bool is_double = bight_sim_fault(simulation, conditions->duplicate, "duplicated datagram");
    uint64_t copy_late_by = is_double ? bight_sim_detail(simulation, LATE_BY_AT_MOST) : 0;
    bool is_late = bight_sim_fault(simulation, conditions->reorder, "reordered datagram");
    uint64_t late_by = is_late ? 1 + bight_sim_detail(simulation, LATE_BY_AT_MOST) : 0;

    uint64_t arrival = bight_sim_arrival(datagram->source, datagram->target, datagram->size);
    arrival = arrival > way->last_datagram ? arrival : way->last_datagram;
    way->last_datagram = is_late || is_dropped ? way->last_datagram : arrival;
    datagram->arrival = arrival + late_by;
    datagram->is_lost = is_dropped;
    if (is_double && !is_dropped) {
        send_copy(datagram, arrival + copy_late_by);
    }
    if (conditions->bytes_per_second > 0 && way->busy_until > simulation->now) {
        arm(datagram, leaves, way->busy_until);
        return;
    }
    bight_sim_datagram_left(datagram);
    leave(datagram);
}
