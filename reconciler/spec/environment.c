/* Looking things up in an environment. */
#include "spec/environment.h"
#include "base/memory.h"
#include "spec/spec.h"

#include <stdlib.h>
#include <string.h>

/* All three structs start with their name. */
static int compare_name(const void *name, const void *item) {
    return strcmp(name, *(const char *const *)item);
}

static const void *find(const char *name, const void *items, size_t count, size_t size) {
    return count ? bsearch(name, items, count, size, compare_name) : NULL;
}

_Static_assert(offsetof(struct service, name) == 0, "found by their first member");
_Static_assert(offsetof(struct network, name) == 0, "found by their first member");
_Static_assert(offsetof(struct volume, name) == 0, "found by their first member");

const struct service *environment_service(const struct environment *environment, const char *name) {
    return find(name, environment->services, environment->service_count, sizeof(struct service));
}

const struct network *environment_network(const struct environment *environment, const char *name) {
    return find(name, environment->networks, environment->network_count, sizeof(struct network));
}

const struct volume *environment_volume(const struct environment *environment, const char *name) {
    return find(name, environment->volumes, environment->volume_count, sizeof(struct volume));
}

void environment_free(struct environment *environment) {
    /* The environment itself lives in its arena. */
    if (environment)
        arena_free(environment->arena);
}
