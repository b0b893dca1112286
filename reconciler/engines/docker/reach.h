/* Where a port of a container can be reached from this process; see reach.c. */
#ifndef TSE_ENGINES_DOCKER_REACH_H
#define TSE_ENGINES_DOCKER_REACH_H

#include "engines/docker/internal.h"

struct docker_place {
    char *address; /* "172.20.0.40:9090", "[::1]:9090" */
};
struct docker_places {
    struct docker_place *items;
    size_t count;
};

/* Addresses to try, the best first, for TCP port `port` of a container as GET /containers/{id}/json
 * reports it. Free with docker_places_clear(). Pure. */
struct docker_places docker_places(const struct docker_engine *engine, const json_t *container,
                                   uint16_t port);
void docker_places_clear(struct docker_places *places);

#endif
