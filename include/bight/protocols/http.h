/* SPDX-License-Identifier: MIT */
/* bight/protocols/http.h - HTTP/1.1: sites, requests, answers. Link with `pkg-config bight-http`.
 *
 * RFC 9110, RFC 9112. The statements H, A of docs/semantics.md are the contract. */
#ifndef BIGHT_PROTOCOLS_HTTP_H
#define BIGHT_PROTOCOLS_HTTP_H

#include <bight/protocols/http_client.h>
#include <bight/protocols/http_client_bodies.h>
#include <bight/protocols/http_client_cookies.h>
#include <bight/protocols/http_client_hooks.h>
#include <bight/protocols/http_compression.h>
#include <bight/protocols/http_cookie.h>
#include <bight/protocols/http_download.h>
#include <bight/protocols/http_events.h>
#include <bight/protocols/http_files.h>
#include <bight/protocols/http_form.h>
#include <bight/protocols/http_hub.h>
#include <bight/protocols/http_json.h>
#include <bight/protocols/http_middleware.h>
#include <bight/protocols/http_provided.h>
#include <bight/protocols/http_request.h>
#include <bight/protocols/http_respond.h>
#include <bight/protocols/http_session.h>
#include <bight/protocols/http_site.h>

#endif
