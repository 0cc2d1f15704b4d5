/* SPDX-License-Identifier: MIT */
/* time.c - three ticks, a pause, a long sum in small pieces, attempts until one succeeds. An argument scales the time:
 * 0.001 for milliseconds. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

struct program {
    struct bight_reactor *reactor;
    struct bight_clock *clock;
    struct bight_cooperator *cooperator;
    double second;
    int ticks, attempts;
    long next, sum;
};

static struct bight_deferred *tick(struct bight_looping_call *call, void *context)
{
    struct program *program = context;
    printf("tick %d\n", ++program->ticks);
    if (program->ticks == 3) {
        bight_looping_call_stop(call);
    }
    return NULL;
}

static void rest(struct bight_result *result, void *context)
{
    struct program *program = context;
    printf("stopped\n");
    bight_result_chain(result, bight_sleep(program->clock, 2 * program->second));
}

static enum bight_step add_some(struct bight_cooperative_task *task, void *context)
{
    struct program *program = context;
    (void)task;
    for (int i = 0; i < 1000; i++) {
        program->sum += program->next++;
    }
    return program->next < 1000000 ? BIGHT_STEP_MORE : BIGHT_STEP_DONE;
}

static void compute(struct bight_result *result, void *context)
{
    struct program *program = context;
    printf("two seconds later\n");
    struct bight_cooperative_task *task = bight_cooperate(program->cooperator, add_some, program);
    bight_result_chain(result, bight_cooperative_task_when_done(task));
    bight_cooperative_task_release(task);
}

static void say_sum(struct bight_result *result, void *context)
{
    struct program *program = context;
    (void)result;
    printf("the sum is %ld\n", program->sum);
}

static struct bight_deferred *knock(void *context)
{
    struct program *program = context;
    if (++program->attempts < 3) {
        return bight_fail(bight_failure_new(BIGHT_E_CONNECT, 0, NULL, "nobody is at home"));
    }
    printf("answered at attempt %d\n", program->attempts);
    return NULL;
}

static void visit(struct bight_result *result, void *context)
{
    struct program *program = context;
    struct bight_retry_policy policy = { .size = sizeof policy, .first = program->second };
    bight_result_chain(result, bight_retry(program->clock, 5, &policy, knock, program));
}

static void stop(struct bight_result *result, void *context)
{
    struct program *program = context;
    (void)result;
    bight_reactor_stop(program->reactor);
}

int main(int argc, char **argv)
{
    struct program program = { .second = argc > 1 ? atof(argv[1]) : 1 };
    program.reactor = bight_reactor_new();
    program.clock = bight_reactor_clock(program.reactor);
    program.cooperator = bight_cooperator_new(program.clock);
    struct bight_looping_call *call = bight_looping_call_new(program.clock, tick, &program);
    struct bight_deferred *done = bight_looping_call_start(call, program.second, true);
    bight_deferred_add_callback(done, rest, &program);
    bight_deferred_add_callback(done, compute, &program);
    bight_deferred_add_callback(done, say_sum, &program);
    bight_deferred_add_callback(done, visit, &program);
    bight_deferred_add_both(done, stop, &program);
    bight_deferred_release(done);
    int status = bight_reactor_run(program.reactor);
    bight_looping_call_free(call);
    bight_cooperator_free(program.cooperator);
    bight_reactor_free(program.reactor);
    return status;
}
