/*
 * A real Docker engine for tests: skips the test, loudly, when none answers. What a test makes has
 * the test's own project as prefix and label, and is removed at the end.
 */
#ifndef TSE_TESTS_DOCKER_LIVE_H
#define TSE_TESTS_DOCKER_LIVE_H

#include "docker_sample.h"

struct live {
    struct http_client *client;
    struct engine *engine;
    char project[32], image[48], image_id[80], subnet[32], address[32];
    uint16_t port;
};

/* Finds the engine and makes an image whose Config fills in every field a container can take from
 * one. */
void live_begin(struct live *live);
void live_end(struct live *live); /* removes everything */
struct docker_sample_options live_options(const struct live *live);

/* One request; `body` may be NULL. Returns the status; *answer (if asked for) is malloc'd. */
long live_call(struct live *live, const char *method, const char *path, const char *type,
               const char *body, size_t size, char **answer);
/* As JSON; asserts that it succeeds. A new reference, or NULL for an empty answer. */
json_t *live_json(struct live *live, const char *method, const char *path, const char *body);
/* Performs an action as the executor would; asserts success. */
void live_act(struct live *live, const struct environment *environment, struct action action);
struct resource_set live_observe(struct live *live, struct arena *arena,
                                 const struct environment *environment,
                                 const struct resource_set *desired);

#endif
