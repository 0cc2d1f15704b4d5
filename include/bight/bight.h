/* SPDX-License-Identifier: MIT */
/* bight/bight.h - the core in one include: what a program needs to serve and to connect, to wait and to log.
 *
 * Processes, workers, file locks, figures and debugging have headers of their own, to be included beside it; so have
 * protocols (bight/protocols/), the testing kit (bight/testing.h) and what is for implementers (bight/sys/). */
#ifndef BIGHT_BIGHT_H
#define BIGHT_BIGHT_H

#include <bight/address.h>
#include <bight/bytes.h>
#include <bight/clock.h>
#include <bight/combine.h>
#include <bight/coroutine.h>
#include <bight/deferred.h>
#include <bight/endpoint.h>
#include <bight/error.h>
#include <bight/failure.h>
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/port.h>
#include <bight/protocol.h>
#include <bight/queue.h>
#include <bight/reactor.h>
#include <bight/result.h>
#include <bight/retry.h>
#include <bight/scope.h>
#include <bight/service.h>
#include <bight/stream.h>
#include <bight/sync.h>
#include <bight/task.h>
#include <bight/thread.h>
#include <bight/tls.h>
#include <bight/transport.h>
#include <bight/version.h>

#endif
