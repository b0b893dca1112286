/*
 * An environment that uses every field of a service, and its way through the Docker engine's code:
 * shared by the tests of that engine.
 */
#ifndef TSE_TESTS_DOCKER_SAMPLE_H
#define TSE_TESTS_DOCKER_SAMPLE_H

#include "engines/docker/inspect.h"

struct docker_sample_options {
    const char *project; /* default "tse-sample" */
    const char *image;   /* default "tse-sample:1": an image whose Config fills in every field */
    const char *subnet;  /* default "10.231.77.0/24" */
    const char *address; /* of service full in it: default "10.231.77.10" */
    const char *bind;    /* host directory to bind; default "/etc" */
    uint16_t port;       /* host port; default 28731 */
};

/* Services "full" (every field), "locked" (read-only with files), "plain" (nothing but the image);
 * networks "internal" and "back"; volume "data". Lives as long as the arena. */
struct environment *docker_sample_environment(struct arena *arena,
                                              const struct docker_sample_options *options);
struct service *docker_sample_service(struct environment *environment, const char *name);

/* Compiles; asserts success. */
struct resource_set docker_sample_compile(struct arena *arena,
                                          const struct environment *environment);
const struct resource *docker_sample_resource(const struct resource_set *set, const char *key);

/* Reads tests/unit/data/docker/NAME, asserting that it is JSON. */
json_t *docker_sample_data(const char *name);

/* "path: from -> to" lines of what differs, "" for nothing; in the arena. */
char *docker_sample_diff(struct arena *arena, const struct resource *desired,
                         const struct resource *observed);

#endif
