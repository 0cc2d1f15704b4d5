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

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define LATE_BY_AT_MOST (40 * BI_SIM_MILLISECOND)

/* ------------------------------------------------------------------------------------ making and ending */

struct bi_sim_datagram *bi_sim_datagram_make(struct bight_host *source, struct bight_host *target, size_t size)
{
    struct bi_sim_datagram *datagram = bi_testing_plain_realloc(NULL, sizeof *datagram + size);
    if (datagram == NULL) {
        return NULL;
    }
    *datagram = (struct bi_sim_datagram) { .source = source, .target = target, .size = size };
    bi_list_init(&datagram->of_sender);
    bi_list_append(&source->simulation->datagrams, &datagram->link);
    return datagram;
}

void bi_sim_datagram_free(struct bi_sim_datagram *datagram)
{
    bi_sim_event_disarm(&datagram->event);
    bi_list_remove(&datagram->link);
    bi_list_remove(&datagram->of_sender);
    bi_testing_plain_free(datagram);
}

void bi_sim_finish_datagrams(struct bight_simulation *simulation)
{
    while (!bi_list_is_empty(&simulation->datagrams)) {
        bi_sim_datagram_free(BI_CONTAINER(simulation->datagrams.next, struct bi_sim_datagram, link));
    }
}

static void lose(struct bi_sim_datagram *datagram)
{
    bi_sim_trace(datagram->target, BI_SIM_loss, datagram->to.port, (int64_t)datagram->size, 0);
    bi_sim_datagram_free(datagram);
}

/* -------------------------------------------------------------------------------------------- arriving */

/* If out of memory the sender is not notified: refusals may be lost. */
static void refuse(const struct bi_sim_datagram *datagram)
{
    struct bi_sim_datagram *refusal = bi_sim_datagram_make(datagram->target, datagram->source, 0);
    if (refusal != NULL) {
        refusal->from = datagram->to;
        refusal->to = datagram->from;
        refusal->is_refusal = true;
        bi_sim_datagram_carry(refusal);
    }
}

/* Only a connected socket is told. */
static void tell_refusal(struct bi_sim_socket *socket)
{
    if (socket != NULL && socket->state == BI_SIM_CONNECTED) {
        socket->error = ECONNREFUSED;
        bi_sim_socket_update(socket);
    }
}

static void arrives(struct bi_sim_event *event)
{
    struct bi_sim_datagram *datagram = BI_CONTAINER(event, struct bi_sim_datagram, event);
    if (bi_sim_is_cut(datagram->source, datagram->target)) {
        lose(datagram);
        return;
    }
    struct bi_sim_socket *socket = bi_sim_datagrams_at(datagram->target, &datagram->to, &datagram->from);
    if (socket != NULL && !datagram->is_refusal) {
        bi_list_remove(&datagram->link);
        bi_sim_datagram_came(socket, datagram);
        return;
    }
    if (datagram->is_refusal) {
        tell_refusal(socket);
    } else {
        refuse(datagram);
    }
    bi_sim_datagram_free(datagram);
}

/* --------------------------------------------------------------------------------------------- leaving */

/* It goes no way in the sense of an event, which would wait for a way that is cut. */
static void arm(struct bi_sim_datagram *datagram, void (*run)(struct bi_sim_event *event), uint64_t when)
{
    bi_sim_event_init(&datagram->event, datagram->source->simulation, NULL, NULL, run);
    bi_sim_event_arm(&datagram->event, when);
}

static void leave(struct bi_sim_datagram *datagram)
{
    if (datagram->is_lost || bi_sim_is_cut(datagram->source, datagram->target)) {
        lose(datagram);
    } else {
        arm(datagram, arrives, datagram->arrival);
    }
}

static void leaves(struct bi_sim_event *event)
{
    struct bi_sim_datagram *datagram = BI_CONTAINER(event, struct bi_sim_datagram, event);
    bi_sim_datagram_left(datagram);
    leave(datagram);
}

static void send_copy(const struct bi_sim_datagram *datagram, uint64_t when)
{
    struct bi_sim_datagram *copy = bi_sim_datagram_make(datagram->source, datagram->target, datagram->size);
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
void bi_sim_datagram_carry(struct bi_sim_datagram *datagram)
{
    struct bight_simulation *simulation = datagram->source->simulation;
    struct bi_sim_way *way = bi_sim_way(datagram->source, datagram->target);
    const struct bight_link_conditions *conditions = &way->conditions;
    bool is_dropped = bi_sim_fault(simulation, conditions->drop, "dropped datagram");
    bool is_double = bi_sim_fault(simulation, conditions->duplicate, "duplicated datagram");
    uint64_t copy_late_by = is_double ? bi_sim_detail(simulation, LATE_BY_AT_MOST) : 0;
    bool is_late = bi_sim_fault(simulation, conditions->reorder, "reordered datagram");
    uint64_t late_by = is_late ? 1 + bi_sim_detail(simulation, LATE_BY_AT_MOST) : 0;

    uint64_t arrival = bi_sim_arrival(datagram->source, datagram->target, datagram->size);
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
    bi_sim_datagram_left(datagram);
    leave(datagram);
}
