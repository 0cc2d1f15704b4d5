/* SPDX-License-Identifier: MIT */
/* resolver.c - host names to addresses: getaddrinfo in threads of its own, so that no look-up blocks the loop (E5).
 *
 * What needs no look-up is answered before any resolver is asked: literals, and names that cannot be names. The
 * built-in resolver is made when it is first needed. A look-up carries all it uses with it, so the resolver may be
 * replaced while one is under way. getaddrinfo cannot be stopped, and a name server that does not answer holds it for
 * long: so its threads are those of a pool that forgets, apart from those that programs use.
 * Dealing with the addresses one by one (RFC 8305) is the endpoints'. */
#include "thread/resolver.h"

#include <bight/memory.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "thread/pool.h"

/* RFC 1035, section 2.3.4, as text. */
#define NAME_LIMIT 253

/* More than a connection attempt would ever get to; the answer may come from anywhere. */
#define ADDRESS_LIMIT 64

struct threaded_resolver {
    struct bight_resolver resolver; /* first */
    struct bight_reactor *reactor;
    struct bi_look_up look_up;
};

/* One look-up: the job's context. */
struct question {
    struct bi_look_up look_up;
    uint16_t port;
    char name[NAME_LIMIT + 1];
};

const struct bight_type bight_type_address_list = { .name = "address list", .destroy = bight_free };

struct bight_address_list *bight_address_list_new(size_t count)
{
    struct bight_address_list *list;
    if (count > (SIZE_MAX - sizeof *list) / sizeof list->addresses[0]) {
        return NULL;
    }
    list = bight_calloc(1, sizeof *list + count * sizeof list->addresses[0]);
    if (list != NULL) {
        list->count = count;
        list->addresses = (struct bight_address *)(list + 1);
    }
    return list;
}

/* ------------------------------------------------------------------------------------ in a thread for names */

static int code_of(int answer)
{
    switch (answer) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return BIGHT_E_NAME_NOT_FOUND;
    default:
        return BIGHT_E_NAME_UNAVAILABLE;
    }
}

/* The C library reads files and asks over sockets. When it cannot have them it may say that there is no such name. */
static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
}

/* `number`: the errno that the call left, 0 if none. */
static struct bight_failure *failure_of(const char *name, int answer, int number)
{
    if (answer != EAI_SYSTEM && !is_shortage(number)) {
        return bight_failure_new(code_of(answer), 0, NULL, "cannot look up %s: %s", name, gai_strerror(answer));
    }
    return bight_failure_new(BIGHT_E_NAME_UNAVAILABLE, number, bight_failure_from_errno(number, "looking up a name"),
        "cannot look up %s: %s", name, gai_strerror(EAI_SYSTEM));
}

static size_t count_found(const struct addrinfo *found)
{
    size_t count = 0;
    for (; found != NULL && count < ADDRESS_LIMIT; found = found->ai_next) {
        count++;
    }
    return count;
}

/* NULL when out of memory. Families that are not bight's are left out. */
static struct bight_address_list *list_of(const struct addrinfo *found, uint16_t port)
{
    size_t limit = count_found(found);
    struct bight_address_list *list = bight_address_list_new(limit);
    if (list == NULL) {
        return NULL;
    }
    list->count = 0;
    for (; found != NULL && list->count < limit; found = found->ai_next) {
        struct bight_address *address = &list->addresses[list->count];
        if (bight_address_from_sockaddr(address, found->ai_addr, found->ai_addrlen) == 0) {
            address->port = port;
            list->count++;
        }
    }
    return list;
}

static void answer_with(struct bight_result *result, const struct question *question, const struct addrinfo *found)
{
    struct bight_address_list *list = list_of(found, question->port);
    if (list == NULL) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (list->count == 0) {
        bight_free(list);
        bight_result_fail(result, failure_of(question->name, EAI_NODATA, 0));
    } else {
        bight_result_set(result, &bight_type_address_list, list);
    }
}

/* RFC 6761, section 6.3. */
static bool is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    size_t length = strlen(name);
    length -= length != 0 && name[length - 1] == '.';
    if (length < sizeof localhost - 1) {
        return false;
    }
    const char *tail = name + length - (sizeof localhost - 1);
    return strncasecmp(tail, localhost, sizeof localhost - 1) == 0 && (tail == name || tail[-1] == '.');
}

/* AI_ADDRCONFIG spares looking for addresses of a family that this machine does not speak. It counts a loopback
 * address as not speaking it, which is wrong for this machine's own name. */
static void ask(struct bight_result *result, void *context)
{
    const struct question *question = context;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    hints.ai_flags = is_localhost(question->name) ? 0 : AI_ADDRCONFIG;
    struct addrinfo *found = NULL;
    errno = 0;
    int answer = question->look_up.look_up(question->name, NULL, &hints, &found);
    if (answer != 0) {
        bight_result_fail(result, failure_of(question->name, answer, errno));
        return;
    }
    answer_with(result, question, found);
    question->look_up.let_go(found);
}

/* ----------------------------------------------------------------------------------- the built-in resolver */

static struct bight_deferred *threaded_resolve(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    struct threaded_resolver *threaded = (struct threaded_resolver *)(void *)resolver;
    struct question *question = bight_malloc(sizeof *question);
    if (question == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    question->look_up = threaded->look_up;
    question->port = port;
    memcpy(question->name, name, strlen(name) + 1); /* bight_resolve has measured it */
    return bight_thread_pool_defer_full(bi_reactor_name_pool(threaded->reactor), ask, question, bight_free);
}

static void threaded_free(struct bight_resolver *resolver)
{
    bight_free(resolver);
}

struct bight_resolver *bi_resolver_threaded_new(struct bight_reactor *reactor, const struct bi_look_up *look_up)
{
    static const struct bight_resolver_ops ops = {
        .size = sizeof ops, .resolve = threaded_resolve, .free = threaded_free
    };
    struct threaded_resolver *threaded = bight_malloc(sizeof *threaded);
    if (threaded == NULL) {
        return NULL;
    }
    threaded->resolver.ops = &ops;
    threaded->reactor = reactor;
    threaded->look_up = *look_up;
    return &threaded->resolver;
}

/* --------------------------------------------------------------------------------- the reactor's resolver */

struct name_hub {
    struct bi_attachment attachment;
    struct bight_resolver *resolver; /* the built-in one or the user's; NULL: none yet */
    bool is_installed;               /* by the user */
};

static void let_go(struct name_hub *hub)
{
    struct bight_resolver *resolver = hub->resolver;
    hub->resolver = NULL;
    hub->is_installed = false;
    if (resolver != NULL) {
        resolver->ops->free(resolver);
    }
}

/* While the loop's parts are all there still. */
static void end_with_reactor(struct bi_attachment *attachment)
{
    if (bi_reactor_is_freeing(attachment->reactor)) {
        let_go(BI_CONTAINER(attachment, struct name_hub, attachment));
    }
}

static const struct bi_attachment_kind names = {
    .order = BI_ORDER_NAMES,
    .size = sizeof(struct name_hub),
    .at = { [BI_DISCONNECTED] = end_with_reactor },
};

/* NULL when out of memory. */
static struct name_hub *hub_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &names);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct name_hub, attachment);
}

static struct bight_resolver *resolver_of(struct bight_reactor *reactor)
{
    static const struct bi_look_up system_s = { .look_up = getaddrinfo, .let_go = freeaddrinfo };
    struct name_hub *hub = hub_of(reactor);
    if (hub != NULL && hub->resolver == NULL) {
        hub->resolver = bi_resolver_threaded_new(reactor, &system_s);
    }
    return hub == NULL ? NULL : hub->resolver;
}

static struct bight_deferred *give_literal(const struct bight_address *address)
{
    struct bight_address_list *list = bight_address_list_new(1);
    if (list == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    list->addresses[0] = *address;
    return bight_succeed(&bight_type_address_list, list);
}

struct bight_deferred *bight_resolve(struct bight_reactor *reactor, const char *name, uint16_t port)
{
    struct bight_address literal;
    size_t length = strnlen(name, NAME_LIMIT + 1);
    if (length == 0 || length > NAME_LIMIT) {
        return bight_fail(bight_failure_new(BIGHT_E_NAME_NOT_FOUND, 0, NULL, "%s",
            length == 0 ? "cannot look up a host name that is empty"
                        : "cannot look up a host name of more than 253 bytes"));
    }
    if (bight_address_parse_ip(&literal, name, port) == 0) {
        return give_literal(&literal);
    }
    if (bi_reactor_is_freeing(reactor)) {
        return bight_fail(bight_failure_of(BIGHT_E_SHUTDOWN));
    }
    struct bight_resolver *resolver = resolver_of(reactor);
    if (resolver == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return resolver->ops->resolve(resolver, name, port);
}

int bight_reactor_set_resolver(struct bight_reactor *reactor, struct bight_resolver *resolver)
{
    if (resolver != NULL && resolver->ops == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_reactor_set_resolver: the resolver has no table of functions");
    }
    struct name_hub *hub = hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    let_go(hub);
    hub->resolver = resolver;
    hub->is_installed = resolver != NULL;
    return BIGHT_OK;
}

struct bight_resolver *bight_reactor_get_resolver(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &names);
    const struct name_hub *hub = attachment == NULL ? NULL : BI_CONTAINER(attachment, struct name_hub, attachment);
    return hub != NULL && hub->is_installed ? hub->resolver : NULL;
}
