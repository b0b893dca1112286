/*
 * Removing what is overdue: a script does it as the next deadline passes, and at least each second;
 * being one atomic step, exactly one of several registries announces an expiry. After an outage of
 * Redis, during which nobody could renew, what is overdue is first granted its TTL anew.
 */
#ifndef REGISTRY_EXPIRY_H
#define REGISTRY_EXPIRY_H

struct server;

void expiry_start(struct server *server);
void expiry_stop(struct server *server);

/* Redis is there (again): grants, then expires. */
void expiry_redis_up(struct server *server);

#endif
