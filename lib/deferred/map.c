/* SPDX-License-Identifier: MIT */
/* map.c - a function that returns Deferreds, over many, with a limit on how many are under way.
 *
 * A group (group.c) with as many slots as may be under way; a slot whose result has come serves the next. New ones are
 * begun in one loop, and a result that comes while that runs only frees its slot: neither Deferreds that have fired
 * already nor a function that fires earlier ones cost any stack. */
#include "deferred/group.h"

struct map {
    struct bi_group group;
    bight_map_function function;
    void *context;
    bight_release_function release;
    size_t count;
    size_t next;       /* to be begun */
    size_t done;       /* whose result has been collected */
    size_t first_free; /* slot; a free slot's index is the next free one's */
    bool is_beginning;
};

static void free_slot(struct map *map, struct bi_member *member)
{
    member->index = map->first_free;
    map->first_free = (size_t)(member - map->group.members);
}

static struct bi_member *take_slot(struct map *map)
{
    struct bi_member *member = &map->group.members[map->first_free];
    map->first_free = member->index;
    return member;
}

static void begin_more(struct map *map)
{
    struct bi_group *group = &map->group;
    if (map->is_beginning || group->is_cancelling) {
        return;
    }
    map->is_beginning = true;
    while (!group->is_over && map->next < map->count && map->first_free < group->slot_count) {
        struct bi_member *member = take_slot(map);
        size_t index = map->next++;
        struct bight_deferred *deferred = map->function(index, map->context);
        bi_group_join(group, member, index, deferred != NULL ? deferred : bight_succeed(NULL, NULL));
    }
    map->is_beginning = false;
}

static struct bight_deferred *on_result(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    struct map *map = (struct map *)group;
    bool failed = result->type == &bight_type_failure;
    if (failed && (group->traits & BI_GROUP_ENDS_ON_FAILURE) != 0 && !group->is_cancelling) {
        return bi_group_fire_first_error(group, member, result);
    }
    bi_group_collect(group, member, result);
    if (member->deferred != NULL) {
        group->kept--;
        bi_group_let_go_heard(member);
    }
    free_slot(map, member);
    map->done++;
    if (map->done == map->count) {
        return bi_group_fire_all(group);
    }
    begin_more(map);
    return NULL;
}

static void finish(struct bi_group *group)
{
    struct map *map = (struct map *)group;
    if (map->release != NULL) {
        map->release(map->context);
    }
}

static const struct bi_group_ops map_ops = { .on_result = on_result, .finish = finish };

static struct map *make(size_t count, size_t limit, unsigned flags)
{
    unsigned traits = BI_GROUP_CANCELS_REST;
    traits |= (flags & BIGHT_ALL_OUTCOMES) != 0 ? 0 : BI_GROUP_ENDS_ON_FAILURE;
    size_t slots = limit < count ? limit : count;
    struct bi_group *group = bi_group_new(&map_ops, sizeof(struct map), traits, slots, count);
    if (group == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < slots; i++) {
        group->members[i].index = i + 1;
    }
    return (struct map *)group;
}

/* An answer without beginning anything. */
static struct bight_deferred *end_at_once(
    struct bight_deferred *deferred, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return deferred;
}

struct bight_deferred *bight_map_limited_at(const char *place, bight_map_function function, size_t count, size_t limit,
    unsigned flags, void *context, bight_release_function release)
{
    if (function == NULL || limit == 0 || (flags & ~(unsigned)BIGHT_ALL_OUTCOMES) != 0) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place,
            function == NULL ? "bight_map_limited: there is no function"
            : limit == 0     ? "bight_map_limited: the limit is 0"
                             : "bight_map_limited: there are no such flags");
        return end_at_once(bight_fail_at(place, bight_failure_of(code)), context, release);
    }
    if (count == 0) {
        return end_at_once(bi_group_give_none(place), context, release);
    }
    struct map *map = make(count, limit, flags);
    if (map == NULL) {
        struct bight_failure *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return end_at_once(bight_fail_at(place, failure), context, release);
    }
    struct bight_deferred *outer = bi_group_make_outer(&map->group, place);
    if (bight_deferred_has_fired(outer)) {
        return end_at_once(outer, context, release);
    }
    map->function = function;
    map->context = context;
    map->release = release;
    map->count = count;
    bi_group_enter(&map->group);
    begin_more(map);
    bi_group_leave(&map->group);
    return outer;
}
