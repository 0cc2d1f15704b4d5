/* SPDX-License-Identifier: MIT */
/* facts.h - what a session tells: bight_transport_tls. */
#ifndef BI_TLS_FACTS_H
#define BI_TLS_FACTS_H

#include <bight/sys/layer.h>

struct bi_tls_facts;

/* As the slot of struct bight_layer_ops. */
const void *bi_tls_tell_facts(const struct bight_layer *layer, const void *key);
void bi_tls_facts_free(struct bi_tls_facts *facts);

#endif
