/*
 * The connection to PostgreSQL on the loop: libpq without blocking, one statement at a time from a
 * queue, connects again by itself. A statement that was sent has a deadline, after which the
 * connection is given up; one that waits for its turn too long fails alone.
 */
#ifndef REGISTRY_POSTGRES_H
#define REGISTRY_POSTGRES_H

#include "registry/link.h"

#include <libpq-fe.h>

/* The result of a statement, which is cleared after; NULL when it was not sent (`unsent`), or the
 * connection was lost or too slow. */
typedef void postgres_done(void *data, PGresult *result);

struct postgres {
    struct link link;
    PGconn *connection;
    struct postgres_statement *queue; /* oldest first; that one is running when `running` */
    PGresult *result; /* of the running statement, until PostgreSQL says it is done */
    bool running;
    bool unsent; /* while `done` is called with NULL: PostgreSQL never saw the statement */
    void (*up)(void *data);
    void (*down)(void *data);
    void *data;
};

/* Prepares the connection (libpq reads PGHOST and the others) and begins to connect. */
void postgres_start(struct postgres *postgres, struct loop *loop, void (*up)(void *),
                    void (*down)(void *), void *data);

/* Queues a statement with up to 8 text parameters (NULL is SQL's). `done` is called exactly once:
 * at once, with NULL, when the connection is down. */
void postgres_query(struct postgres *postgres, postgres_done *done, void *data, const char *sql,
                    int count, const char *const *parameters);

/* The same, before all that wait: for checks. */
void postgres_query_first(struct postgres *postgres, postgres_done *done, void *data,
                          const char *sql);

void postgres_stop(struct postgres *postgres);

#endif
