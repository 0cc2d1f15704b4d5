/* SPDX-License-Identifier: MIT */
/* bight/bight.h - the core in one include: what a program needs to serve and to connect.
 *
 * Protocols (bight/protocols/), the testing kit (bight/testing.h) and the headers for implementers (bight/sys/) are
 * included by those who use them. */
#ifndef BIGHT_BIGHT_H
#define BIGHT_BIGHT_H

#include <bight/address.h>
#include <bight/bytes.h>
#include <bight/clock.h>
#include <bight/combine.h>
#include <bight/coroutine.h>
#include <bight/debug.h>
#include <bight/deferred.h>
#include <bight/endpoint.h>
#include <bight/error.h>
#include <bight/failure.h>
#include <bight/figures.h>
#include <bight/file_lock.h>
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/port.h>
#include <bight/process.h>
#include <bight/process_output.h>
#include <bight/protocol.h>
#include <bight/queue.h>
#include <bight/reactor.h>
#include <bight/result.h>
#include <bight/scope.h>
#include <bight/stream.h>
#include <bight/sync.h>
#include <bight/task.h>
#include <bight/thread.h>
#include <bight/tls.h>
#include <bight/transport.h>
#include <bight/version.h>
#include <bight/worker.h>
#include <bight/worker_pool.h>

#endif
