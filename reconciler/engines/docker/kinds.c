/*
 * The kinds of resource a Docker engine holds, and what it takes to change each of their fields
 * there (tried on Docker Engine 20.10; the update endpoint is the same in later ones).
 */
#include "engines/docker/internal.h"

/* A network's settings are fixed when it is made. What the engine picked is not drift. */
static const struct field_rule network_rules[] = {
    {"subnet", CHANGE_BY_REPLACE, false, true},
    {"gateway", CHANGE_BY_REPLACE, false, true},
    {NULL, CHANGE_BY_REPLACE, false, false},
};

/* So are a volume's, but a new one would be empty. */
static const struct field_rule volume_rules[] = {
    {"driver", CHANGE_BY_NOTHING, false, false},
    {"driverOptions", CHANGE_BY_NOTHING, false, false},
    {"labels", CHANGE_BY_NOTHING, false, false},
    {NULL, CHANGE_BY_NOTHING, false, false},
};

/*
 * POST /containers/{id}/update takes a zero for "leave it as it is", so that a limit can be changed
 * but not lifted; the number of processes (0 lifts it) and the CPU quota (-1) are exceptions, the
 * limit of swap follows that of memory, and every restart policy has a name. A reservation could be
 * set to -1, but on cgroup v2 that reserves everything.
 */
static const struct field_rule service_rules[] = {
    {"resources.limits.pids", CHANGE_BY_UPDATE, false, false},
    {"resources.memorySwap", CHANGE_BY_UPDATE, false, false},
    {"resources.cpuQuota", CHANGE_BY_UPDATE, false, false},
    {"resources", CHANGE_BY_UPDATE, true, false},
    {"restart", CHANGE_BY_UPDATE, false, false},
    {"networks", CHANGE_BY_ATTACH, false, false},
    {"reloadable", CHANGE_BY_UPLOAD, true, false}, /* nothing in the API deletes a file */
    {"effective", CHANGE_BY_RESTART, false, false},
    {"logging", CHANGE_BY_REPLACE, false, true},
    {"ulimits", CHANGE_BY_REPLACE, false, true},
    {"shmSize", CHANGE_BY_REPLACE, false, true},
    {NULL, CHANGE_BY_REPLACE, false, false},
};

static const struct field_rule no_rules[] = {{NULL, CHANGE_BY_REPLACE, false, false}};

const struct resource_kind docker_kind_network = {"network", LIFECYCLE_OBJECT, 0, network_rules};
const struct resource_kind docker_kind_volume = {"volume", LIFECYCLE_DATA, 1, volume_rules};
const struct resource_kind docker_kind_files = {"files", LIFECYCLE_OBJECT, 2, no_rules};
const struct resource_kind docker_kind_image = {"image", LIFECYCLE_IMAGE, 3, no_rules};
const struct resource_kind docker_kind_service = {"service", LIFECYCLE_CONTAINER, 4, service_rules};
