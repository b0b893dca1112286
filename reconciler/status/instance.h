/*
 * An instance as the registry's keys hold it (docs/redis-keys.md): its name, its document, and what
 * is to be done about one that is there. Pure: time is given.
 */
#ifndef TSE_STATUS_INSTANCE_H
#define TSE_STATUS_INSTANCE_H

#include "plan/resource.h"

#include <jansson.h>

/* A container's name as an instance's: [a-z0-9-], at most 63 characters; what does not fit ends in
 * a hash of the whole. malloc'd. */
char *instance_id(const char *container);

/* "trading-ecosystem-redis" → "registry:services:redis:trading-ecosystem-redis"; malloc'd. */
char *instance_key(const char *service, const char *id);

/* The tag of an image, "latest" without one; of a digest "sha256:" and 12 digits; malloc'd. */
char *image_version(const char *image);

/* Milliseconds since 1970 as "2026-11-25T10:00:00.000Z"; malloc'd. */
char *instance_time(long long milliseconds);

/* The address to register of those that a container has, on `internal` if it is there, else on the
 * first of the service's networks; NULL when it has none. */
const char *instance_host(const struct service *service, const struct pair_list *addresses);

/* The document of a desired container, without times; a new reference. `host` may be NULL. */
json_t *instance_document(const struct environment *environment, const struct resource *container,
                          const char *host, const char *health);

/* What an instance is to be. */
struct instance_wish {
    json_t *document;    /* not owned; NULL: it is to be gone */
    const char *project; /* whose it is; what another one registered is left alone */
    bool only_update;    /* it is registered only if it was before */
    bool unlisted;       /* it is known to be missing in the environment's set */
};

enum instance_step {
    INSTANCE_KEEP,   /* it is as it should be, or nobody's business of ours */
    INSTANCE_LIST,   /* only its place in the environment's set is missing */
    INSTANCE_WRITE,  /* `event` says whether it is "registered" or "updated" */
    INSTANCE_REMOVE, /* `document` is what it was last */
    INSTANCE_UNLIST  /* only its place in the environment's set goes */
};

struct instance_decision {
    enum instance_step step;
    const char *event;
    json_t *document; /* a new reference, or NULL */
};

/* Compares with what is there: the text of its key, or NULL. What came through the registry's API
 * is left alone; what is no instance at all counts as not there. `now` becomes updatedAt. */
struct instance_decision instance_decide(const struct instance_wish *wish, const char *present,
                                         const char *now);

#endif
