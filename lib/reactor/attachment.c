/* SPDX-License-Identifier: MIT */
/* attachment.c - the list of a reactor's attachments, which stands in the order of their rooms. */
#include "reactor/attachment.h"

#include <bight/memory.h>

#include "reactor/reactor.h"

struct bight_attachment *bight_attachment_find(
    const struct bight_reactor *reactor, const struct bight_attachment_kind *kind)
{
    struct bight_attachment *each = reactor->attachments;
    while (each != NULL && each->kind != kind) {
        each = each->next;
    }
    return each;
}

static struct bight_attachment *make(struct bight_reactor *reactor, const struct bight_attachment_kind *kind)
{
    struct bight_attachment *attachment = bight_calloc(1, kind->size);
    if (attachment == NULL) {
        return NULL;
    }
    attachment->kind = kind;
    attachment->reactor = reactor;
    if (kind->open != NULL && !kind->open(attachment)) {
        bight_free(attachment);
        return NULL;
    }
    struct bight_attachment **link = &reactor->attachments;
    while (*link != NULL && (*link)->kind->order < kind->order) {
        link = &(*link)->next;
    }
    attachment->next = *link;
    *link = attachment;
    return attachment;
}

struct bight_attachment *bight_attachment_of(struct bight_reactor *reactor, const struct bight_attachment_kind *kind)
{
    struct bight_attachment *attachment = bight_attachment_find(reactor, kind);
    return attachment != NULL ? attachment : make(reactor, kind);
}

void bight_attachment_drop(struct bight_attachment *attachment)
{
    struct bight_attachment **link = &attachment->reactor->attachments;
    while (*link != attachment) {
        link = &(*link)->next;
    }
    *link = attachment->next;
    if (attachment->kind->finish != NULL) {
        attachment->kind->finish(attachment);
    }
    bight_free(attachment);
}

void bight_attachments_tell(struct bight_reactor *reactor, enum bight_moment moment)
{
    for (struct bight_attachment *each = reactor->attachments; each != NULL; each = each->next) {
        if (each->kind->at[moment] != NULL) {
            each->kind->at[moment](each);
        }
    }
}

/* Handlers may attach something meanwhile, and drop what stands elsewhere in the list. */
void bight_attachments_handle(struct bight_reactor *reactor, enum bight_moment moment)
{
    for (struct bight_attachment *each = reactor->attachments; each != NULL; each = each->next) {
        if (each->kind->at[moment] != NULL) {
            bight_reactor_enter(reactor);
            each->kind->at[moment](each);
            bight_reactor_leave(reactor);
        }
    }
}

int bight_attachments_after_fork(struct bight_reactor *reactor)
{
    int code = 0;
    struct bight_attachment *next;
    for (struct bight_attachment *each = reactor->attachments; each != NULL; each = next) {
        next = each->next;
        int its_code = each->kind->after_fork != NULL ? each->kind->after_fork(each) : 0;
        code = code != 0 ? code : its_code;
    }
    return code;
}

void bight_attachments_free(struct bight_reactor *reactor)
{
    while (reactor->attachments != NULL) {
        bight_attachment_drop(reactor->attachments);
    }
}
