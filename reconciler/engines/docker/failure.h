/* What the engine's refusals of actions mean to a person; see failure.c. */
#ifndef TSE_ENGINES_DOCKER_FAILURE_H
#define TSE_ENGINES_DOCKER_FAILURE_H

#include "engines/docker/internal.h"

/* The kind of resource an action is about. */
const struct resource_kind *docker_action_kind(const struct action *action);

/* "create container \"trading-ecosystem-redis\"": malloc'd. */
char *docker_action_text(const struct action *action);

/* If the answer to `action` has a meaning of its own, fills the error and returns true; false
 * leaves it to docker_error(). `message` is the engine's. Pure. */
bool docker_action_failure(const struct action *action, long status, const char *message,
                           struct error *error);

#endif
