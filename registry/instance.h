/*
 * An instance of a service (docs/redis-keys.md): the body of a registration, checked and brought
 * into the pieces that the script stores, and what filtering needs of a stored one. Pure.
 */
#ifndef REGISTRY_INSTANCE_H
#define REGISTRY_INSTANCE_H

#include "registry/problem.h"

#include <stddef.h>
#include <stdint.h>

enum health { HEALTH_UNKNOWN, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_COUNT };

/* The health of that name, or -1. */
int health_parse(const char *text);

const char *health_name(enum health health);

/* A registration as text: the stored document is HEAD HEALTH TAIL TIMES, where the script decides
 * on health (when none is given, the present one stays) and times. Two registrations are the same
 * exactly when these texts are. */
struct registration {
    char *head;         /* {"service": … "health": " */
    char *tail;         /* ", "tags": … "ttl": 30 */
    const char *health; /* static text, "" when not given */
    int64_t ttl;        /* seconds; 0: none */
};

/* Frees what a registration holds. */
void registration_clear(struct registration *registration);

/* Reads the body of a PUT. On failure `registration` is empty and `problem` says which field. */
int registration_read(const char *body, size_t size, const char *service, const char *id,
                      struct registration *registration, struct problem *problem);

/* Reads the body of a heartbeat: nothing, {} or {"health": …}. *health is static text, "" if none.
 */
int heartbeat_read(const char *body, size_t size, const char **health, struct problem *problem);

/* Reads the body of a configuration's PUT, {"value": …}. The value's text is the caller's to free;
 * NULL on failure. */
char *value_read(const char *body, size_t size, struct problem *problem);

/* What filtering needs of a stored instance. */
struct instance_facts {
    enum health health;
    char *tags; /* each tag with its NUL, then one more NUL; the caller frees it */
    size_t tags_size;
};

/* Reads a stored instance; -1 when it is not an object that says its service and id as given. */
int instance_facts(const char *json, size_t size, const char *service, const char *id,
                   struct instance_facts *facts);

/* The version of a stored configuration value, or -1 when it is none. */
int64_t value_version(const char *json, size_t size);

#endif
