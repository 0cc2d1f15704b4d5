/* SPDX-License-Identifier: MIT */
/* state.c - queries of a reactor's state: how far its run has come, and which thread it belongs to.
 *
 * Nothing is changed here, and no other file of the room is called, so that each of them may ask. */
#include "reactor/state.h"

bool bi_reactor_is_in_run(const struct bi_reactor_state *state)
{
    return state->phase != BI_PHASE_IDLE && state->phase != BI_PHASE_FREEING;
}

bool bight_reactor_is_running(const struct bight_reactor *reactor)
{
    return bi_reactor_is_in_run(reactor->state) && reactor->state->phase != BI_PHASE_STARTING;
}

bool bi_reactor_is_ending(const struct bight_reactor *reactor)
{
    enum bi_reactor_phase phase = reactor->state->phase;
    return phase == BI_PHASE_ENDING || phase == BI_PHASE_FREEING;
}

bool bi_reactor_is_freeing(const struct bight_reactor *reactor)
{
    return reactor->state->phase == BI_PHASE_FREEING;
}

bool bi_reactor_is_asked_to_stop(const struct bight_reactor *reactor)
{
    return reactor->state->stop_asked;
}

unsigned bi_reactor_thread_limit(const struct bight_reactor *reactor)
{
    return reactor->state->thread_limit;
}

#ifdef BIGHT_DEBUG_CHECKS
int bi_reactor_check_thread_at(const char *place, const struct bight_reactor *reactor, const char *what)
{
    if (!pthread_equal(reactor->state->thread, pthread_self())) {
        return bi_usage_error(
            BIGHT_E_WRONG_THREAD, place, "%s: called in a thread that does not run this reactor", what);
    }
    return 0;
}
#endif

int bi_reactor_check_use_at(const char *place, const struct bight_reactor *reactor, const char *what)
{
    int code = bi_reactor_check_thread_at(place, reactor, what);
    return code == 0 && reactor->state->phase == BI_PHASE_FREEING ? BIGHT_E_SHUTDOWN : code;
}

struct bight_system *bight_reactor_system(const struct bight_reactor *reactor)
{
    return reactor->system;
}
