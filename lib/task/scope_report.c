/* SPDX-License-Identifier: MIT */
/* scope_report.c - debug mode's warnings of what tries to outlive its scope (D37).
 *
 * One line for each thing, with where it was made; the event's place is where the scope was made. Scopes inside speak
 * for themselves. Nothing is allocated, and nothing changes but that a scope reports its left-overs once. */
#include "task/scope.h"

#include <bight/log.h>

#include "deferred/deferred.h"

#define MAX_LINES 16

struct report {
    const struct bight_scope *scope;
    const char *when;
    size_t count;
};

static const char *known(const char *place)
{
    return place != NULL ? place : "an unknown place";
}

static void write_one(struct report *report, const char *kind, const char *made_at)
{
    report->count++;
    if (report->count <= MAX_LINES) {
        bight_log_at(report->scope->made_at, BIGHT_LOG_WARNING, "scope", NULL, "left in a scope %s: a %s (made at %s)",
            report->when, kind, known(made_at));
    }
}

static const char *kind_of(const struct bight_scope_member_ops *ops)
{
    return ops->kind != NULL ? ops->kind : "member";
}

static const char *place_of(const struct bight_scope_member *member, const struct bight_scope_member_ops *ops)
{
    return ops->made_at != NULL ? ops->made_at(member) : NULL;
}

static const char *place_of_deferred(const struct bight_deferred *deferred)
{
    return (deferred->flags & BI_DEFERRED_HAS_PLACES) != 0 ? deferred->made_at : NULL;
}

static void write_ring(struct report *report, const struct bight_scope_member *head)
{
    for (const struct bight_scope_member *each = head->next; each != head; each = each->next) {
        if (!bi_scope_is_inner(each)) {
            write_one(report, kind_of(each->ops), place_of(each, each->ops));
        }
    }
}

static void write_all(struct report *report)
{
    const struct bight_scope *scope = report->scope;
    const struct bight_deferred *tied = scope->owner.first_tied;
    for (; tied != NULL; tied = tied->next_tied) {
        write_one(report, "Deferred", place_of_deferred(tied));
    }
    for (const struct bi_link *link = scope->timers.next; link != &scope->timers; link = link->next) {
        write_one(report, "call", BI_CONTAINER(link, struct bi_scope_timer, link)->made_at);
    }
    write_ring(report, &scope->fresh);
    write_ring(report, &scope->closing);
    write_ring(report, &scope->aborting);
}

void bi_scope_report_left(struct bight_scope *scope, const char *when)
{
    if (scope->is_reported || !bi_deferred_debug()) {
        return;
    }
    scope->is_reported = true;
    struct report report = { scope, when, 0 };
    write_all(&report);
    if (report.count > MAX_LINES) {
        bight_log_at(scope->made_at, BIGHT_LOG_WARNING, "scope", NULL, "left in a scope %s: %zu more", when,
            report.count - MAX_LINES);
    }
}

void bi_scope_report_late(const struct bight_scope *scope, const char *kind, const char *made_at)
{
    if (bi_deferred_debug()) {
        bight_log_at(scope->made_at, BIGHT_LOG_WARNING, "scope", NULL,
            "started in a scope that is closing: a %s (made at %s)", kind, known(made_at));
    }
}

void bi_scope_report_late_member(
    const struct bight_scope *scope, const struct bight_scope_member *member, const struct bight_scope_member_ops *ops)
{
    bi_scope_report_late(scope, kind_of(ops), place_of(member, ops));
}

void bi_scope_report_late_tie(struct bight_owner *owner, const struct bight_deferred *deferred)
{
    bi_scope_report_late(BI_CONTAINER(owner, struct bight_scope, owner), "Deferred", place_of_deferred(deferred));
}
