/* What each route does with a request (http.h); each answers it, at once or later. */
#ifndef REGISTRY_HANDLERS_H
#define REGISTRY_HANDLERS_H

#include "registry/http.h"

typedef void handler(struct request *request);

/* answers.c: reads, from the cache */
handler answer_services, answer_service, answer_instance, answer_config, answer_value,
    answer_openapi, answer_health, answer_live, answer_metrics, answer_watch;

/* writes.c: registrations, by scripts */
handler write_instance, remove_instance, write_heartbeat;

/* config.c: configuration, in PostgreSQL and then Redis */
handler write_value, remove_value, answer_version, answer_history;

/* Configuration: prepares; PostgreSQL came up, Redis came up (both bring Redis up to date). */
void config_start(struct server *server);
void config_stop(struct server *server);
void config_postgres_up(struct server *server);
void config_redis_up(struct server *server);

#endif
