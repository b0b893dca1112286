/*
 * What an engine is to the rest of the program: a small table of functions. Nothing outside
 * engines/ knows an engine's URLs or JSON. All I/O goes through the engine's http_client; functions
 * that take a callback return at once, the others run the loop themselves until they are done.
 */
#ifndef TSE_ENGINES_ENGINE_H
#define TSE_ENGINES_ENGINE_H

#include "base/error.h"
#include "base/http.h"
#include "plan/plan.h"

struct engine;

/* How an action ended. `error` is set unless ok. Not-retryable codes mean that repeating the same
 * call cannot pass; ERROR_TRANSIENT and ERROR_UNREACHABLE mean that it may. */
typedef void engine_done(void *context, bool ok, const struct error *error);

/* A line of progress of a long action ("pulling redis:7-alpine", 41 of 100); total 0: unknown. */
typedef void engine_progress(void *context, const char *text, long long current, long long total);

enum probe_result {
    PROBE_HEALTHY,   /* the check passed; with no check: the container runs */
    PROBE_COMPLETED, /* it exited with code 0 */
    PROBE_WAITING,   /* not yet, but it may still become so */
    PROBE_FAILED,    /* it exited with another code: only its restart policy can mend that */
    PROBE_HOPELESS   /* nothing can: it is gone, or there is no way to check it */
};

/* `detail` says what was seen in a few words: "connection refused", "exited with code 1"; for a
 * failing test its output's last line. */
typedef void probe_done(void *context, enum probe_result result, const char *detail);

/* Where a container is right now. */
struct engine_location {
    struct pair_list addresses;   /* network (name in the environment) → IPv4 address, sorted */
    const char *const *reachable; /* "host:port" at which the TCP port asked for can be reached from
                                     this process, the best first; NULL-terminated, maybe empty */
    bool checked;                 /* the engine checks its health */
};

/* `location` is valid during the call; NULL with an error: there is no such container, or no answer
 * from the engine. */
typedef void engine_located(void *context, const struct engine_location *location,
                            const struct error *error);

struct engine_operations {
    const char *name; /* "docker" */

    /* Environment → desired resources, in `arena`. Pure. NULL environment: nothing is desired. */
    int (*compile)(struct engine *engine, struct arena *arena,
                   const struct environment *environment, struct resource_set *desired,
                   struct error *error);

    /* What really is there: everything owned by (project, environment), and the foreign resources
     * whose names `desired` wants. Engine-filled values that `desired` does not declare are left
     * out. `images` named by desired are observed too. Retries nothing: errors say whether a retry
     * may pass. */
    int (*observe)(struct engine *engine, struct arena *arena, const char *project,
                   const char *environment, const struct resource_set *desired,
                   struct resource_set *observed, struct error *error);

    /* Performs one action with one request; never for VERB_AWAIT and VERB_REFUSE. Calls done once,
     * from the loop. Idempotent: "already so" is ok. The call ends after the engine's own limit for
     * the verb, or after timeout_ms where that is not 0 and shorter. */
    void (*act)(struct engine *engine, const struct environment *environment,
                const struct action *action, long timeout_ms, engine_progress *progress,
                engine_done *done, void *context);

    /* Runs the health check of a service once, in the container `target` (name or id), or probes
     * it. With condition DEPENDS_STARTED only looks whether it runs, with DEPENDS_COMPLETED whether
     * it exited. */
    void (*probe)(struct engine *engine, const struct service *service, const char *target,
                  enum depends_condition condition, probe_done *done, void *context);

    /* Looks where the container `target` (name or id) is, and where its TCP port `port` (0: none is
     * asked for) can be reached. */
    void (*locate)(struct engine *engine, const struct environment *environment, const char *target,
                   uint16_t port, engine_located *done, void *context);

    /* The last `lines` lines a container printed: malloc'd text, possibly empty, or NULL. */
    char *(*last_logs)(struct engine *engine, const char *target, int lines);

    void (*free)(struct engine *engine);
};

/* What ends the waiting of functions that run the loop themselves. Set while converging. */
struct engine_limits {
    long long deadline_ms;           /* http_now_ms() at which it is over; 0: never */
    const volatile int *interrupted; /* becomes non-zero when the user wants to stop; or NULL */
};

struct engine {
    const struct engine_operations *operations;
    struct http_client *client; /* not owned */
    struct plan_options capabilities;
    char *description; /* for people: "Docker Engine 20.10.24 (API 1.41) at unix:///…"; owned */
    struct engine_limits limits;
};

/* How long a function that runs the loop may wait before it asks again whether it is over. */
#define ENGINE_WAIT_MS 200

static inline bool engine_is_interrupted(const struct engine *engine) {
    return engine->limits.interrupted && *engine->limits.interrupted;
}

static inline bool engine_is_over(const struct engine *engine) {
    return engine_is_interrupted(engine) ||
           (engine->limits.deadline_ms && http_now_ms() >= engine->limits.deadline_ms);
}

#endif
