/* SPDX-License-Identifier: MIT */
/* listening.c - what server types share: making a port of a descriptor that listens, or a failure of the errno.
 *
 * How the descriptor came to be is each type's own matter (types/); the port itself is in transport/port.c. */
#include "endpoint/listening.h"

#include "endpoint/failures.h"
#include "transport/transport.h"

struct bight_deferred *bi_listening(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path)
{
    if (fd < 0) {
        return bight_fail(bi_listen_failure(-fd, path != NULL));
    }
    struct bight_failure *failure = NULL;
    struct bight_port *port = bi_port_new(reactor, factory, fd, options, path, &failure);
    return port == NULL ? bight_fail(failure) : bight_succeed(&bight_type_port, port);
}
