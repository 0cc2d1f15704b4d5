/* SPDX-License-Identifier: MIT */
/* unix.c - names of UNIX sockets on a host: paths, which stay behind when their socket is closed, and abstract
 * names, which do not; connecting by name.
 *
 * A path is a text that names something or not, in no directory; it may also be a file's (disk.c). A connection is
 * made inside connect(2), or refused there (unix(7)). A node is counted, as an inode is: sockets tell its name after it
 * was removed. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)

/* The name in an address: a path to its NUL, or an abstract name with all its bytes. 0: none. */
static size_t read_name(const struct sockaddr *address, socklen_t size, char name[108])
{
    size_t length = size > NAME_OFFSET ? size - NAME_OFFSET : 0;
    if (length == 0 || length > 108 || address->sa_family != AF_UNIX) {
        return 0;
    }
    memcpy(name, (const char *)address + NAME_OFFSET, length);
    return name[0] == '\0' ? length : strnlen(name, length);
}

static struct bi_sim_node *find(const struct bight_host *host, const char *name, size_t size)
{
    for (struct bi_link *link = host->nodes.next; link != &host->nodes; link = link->next) {
        struct bi_sim_node *node = BI_CONTAINER(link, struct bi_sim_node, link);
        if (node->size == size && memcmp(node->name, name, size) == 0) {
            return node;
        }
    }
    return NULL;
}

struct bi_sim_node *bi_sim_find_path(struct bight_host *host, const char *path)
{
    return find(host, path, strlen(path));
}

void bi_sim_release_node(struct bi_sim_node *node)
{
    if (node != NULL && --node->holds == 0) {
        bi_testing_plain_free(node);
    }
}

static void unlist(struct bi_sim_node *node)
{
    if (node->listed) {
        node->listed = false;
        bi_list_remove(&node->link);
        bi_sim_release_node(node);
    }
}

int bi_sim_unlink(struct bight_host *host, const char *path)
{
    struct bi_sim_node *node = bi_sim_find_path(host, path);
    if (node == NULL) {
        return -ENOENT;
    }
    unlist(node);
    return 0;
}

struct bi_sim_node *bi_sim_node_new(struct bight_host *host, const char *name, size_t size, mode_t mode)
{
    struct bi_sim_node *node = bi_sim_allocate(sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    memcpy(node->name, name, size);
    node->size = (socklen_t)size;
    node->inode = ++host->last_inode;
    node->mode = mode;
    node->holds = 1;
    node->listed = true;
    bi_list_append(&host->nodes, &node->link);
    return node;
}

int bi_sim_bind_unix(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    struct bight_host *host = socket->file.host;
    char name[108];
    size_t length = read_name(address, size, name);
    if (length == 0) {
        return -EINVAL; /* autobind, which bight does not use */
    }
    if (find(host, name, length) != NULL) {
        return -EADDRINUSE;
    }
    struct bi_sim_node *node = bi_sim_node_new(host, name, length, S_IFSOCK | 0755);
    if (node == NULL) {
        return -ENOMEM;
    }
    node->socket = socket;
    node->holds++;
    socket->node = node;
    socket->bound = true;
    return 0;
}

/* An accepted socket shares its listener's node and does not own it. */
void bi_sim_unbind_unix(struct bi_sim_socket *socket)
{
    struct bi_sim_node *node = socket->node;
    if (node != NULL && node->socket == socket) {
        node->socket = NULL;
        if (node->name[0] == '\0') {
            unlist(node);
        }
    }
    bi_sim_release_node(node);
    bi_sim_release_node(socket->remote_node);
}

int bi_sim_connect_unix(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    struct bight_host *host = socket->file.host;
    char name[108];
    size_t length = read_name(address, size, name);
    struct bi_sim_node *node = length == 0 ? NULL : find(host, name, length);
    if (length == 0) {
        return -EINVAL;
    }
    if (node == NULL) {
        return name[0] == '\0' ? -ECONNREFUSED : -ENOENT;
    }
    struct bi_sim_socket *listener = node->socket;
    if (listener == NULL || listener->state != BI_SIM_LISTENING) {
        return -ECONNREFUSED;
    }
    if (bi_sim_fault(host->simulation, bi_sim_way(host, host)->conditions.refuse, "refused connection")) {
        return -ECONNREFUSED;
    }
    if (bi_sim_socket_is_full(listener)) {
        return -EAGAIN;
    }
    if (bi_sim_socket_child(listener, socket) == NULL) {
        return -ENOMEM;
    }
    node->holds++;
    socket->remote_node = node;
    socket->state = BI_SIM_CONNECTED;
    bi_sim_socket_update(socket);
    return 0;
}

socklen_t bi_sim_node_address(const struct bi_sim_node *node, struct sockaddr *address, socklen_t room)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    socklen_t used = (socklen_t)NAME_OFFSET;
    if (node == NULL) {
        used = (socklen_t)sizeof(sa_family_t);
    } else {
        memcpy(un.sun_path, node->name, node->size);
        used += node->size + (node->name[0] != '\0' && node->size < sizeof un.sun_path ? 1 : 0);
    }
    memcpy(address, &un, used < room ? used : room);
    return used;
}
