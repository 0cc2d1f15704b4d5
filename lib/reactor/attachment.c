/* SPDX-License-Identifier: MIT */
/* attachment.c - the list of a reactor's attachments, which stands in the order of their rooms.
 *
 * Making, finding, notifying and dropping them. When they are notified is decided in reactor.c and shutdown.c, and what
 * they do then is their rooms' own matter. */
#include "reactor/attachment.h"

#include <bight/memory.h>

#include "reactor/reactor.h"

struct bi_attachment *bi_attachment_find(const struct bight_reactor *reactor, const struct bi_attachment_kind *kind)
{
    struct bi_attachment *each = reactor->attachments;
    while (each != NULL && each->kind != kind) {
        each = each->next;
    }
    return each;
}

static struct bi_attachment *make(struct bight_reactor *reactor, const struct bi_attachment_kind *kind)
{
    struct bi_attachment *attachment = bight_calloc(1, kind->size);
    if (attachment == NULL) {
        return NULL;
    }
    attachment->kind = kind;
    attachment->reactor = reactor;
    if (kind->open != NULL && !kind->open(attachment)) {
        bight_free(attachment);
        return NULL;
    }
    struct bi_attachment **link = &reactor->attachments;
    while (*link != NULL && (*link)->kind->order < kind->order) {
        link = &(*link)->next;
    }
    attachment->next = *link;
    *link = attachment;
    return attachment;
}

struct bi_attachment *bi_attachment_of(struct bight_reactor *reactor, const struct bi_attachment_kind *kind)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, kind);
    return attachment != NULL ? attachment : make(reactor, kind);
}

void bi_attachment_drop(struct bi_attachment *attachment)
{
    struct bi_attachment **link = &attachment->reactor->attachments;
    while (*link != attachment) {
        link = &(*link)->next;
    }
    *link = attachment->next;
    if (attachment->kind->finish != NULL) {
        attachment->kind->finish(attachment);
    }
    bight_free(attachment);
}

void bi_attachments_tell(struct bight_reactor *reactor, enum bi_moment moment)
{
    for (struct bi_attachment *each = reactor->attachments; each != NULL; each = each->next) {
        if (each->kind->at[moment] != NULL) {
            each->kind->at[moment](each);
        }
    }
}

/* Handlers may attach something meanwhile, and drop what stands elsewhere in the list. */
void bi_attachments_handle(struct bight_reactor *reactor, enum bi_moment moment)
{
    for (struct bi_attachment *each = reactor->attachments; each != NULL; each = each->next) {
        if (each->kind->at[moment] != NULL) {
            bi_reactor_enter(reactor);
            each->kind->at[moment](each);
            bi_reactor_leave(reactor);
        }
    }
}

int bi_attachments_after_fork(struct bight_reactor *reactor)
{
    int code = 0;
    struct bi_attachment *next;
    for (struct bi_attachment *each = reactor->attachments; each != NULL; each = next) {
        next = each->next;
        int its_code = each->kind->after_fork != NULL ? each->kind->after_fork(each) : 0;
        code = code != 0 ? code : its_code;
    }
    return code;
}

void bi_attachments_free(struct bight_reactor *reactor)
{
    while (reactor->attachments != NULL) {
        bi_attachment_drop(reactor->attachments);
    }
}
