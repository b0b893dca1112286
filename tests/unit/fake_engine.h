/*
 * An engine without an engine, for tests of control/: what each call comes to is scripted, one
 * character for each time, the last one for all further times:
 *
 *   .  done, or healthy       w  probe: not yet          c  probe: completed
 *   t  transient error        u  unreachable             o  out of time
 *   f  fails for good         h  no answer ever          l  says done, but did nothing
 *                             g  probe: gone
 *
 * Calls are told apart by their target. Answers come from the loop, as a real engine's do.
 */
#ifndef TSE_TESTS_FAKE_ENGINE_H
#define TSE_TESTS_FAKE_ENGINE_H

#include "engines/engine.h"

#define FAKE_TARGETS 32

struct fake_target {
    const char *name, *script;
    int calls;
};

struct fake_engine {
    struct engine engine; /* first */
    struct fake_target targets[FAKE_TARGETS];
    int target_count;
    char log[1024]; /* the targets of calls in their order, one space after each */
    int in_flight, most_in_flight;
    const char *logs;           /* what last_logs gives */
    const char *observe_script; /* of observe() */
    int observations;
    const char *wanted[8]; /* names of the networks that compile() desires, then NULL */
    const char *present[8];
    const char *container_script; /* of the container "redis" at each observation: 'r' it runs, 'x'
                                     it is being restarted; NULL: there is none */
    bool outdated; /* there is an image "image", always to be pulled; the registry has a newer one
                      whatever is pulled */
    bool misnamed; /* what is present has another name on the engine: it is to be replaced */
    void (*on_call)(const char *target); /* or NULL */
};

/* A fake with a client of its own. */
struct fake_engine *fake_engine_new(void);
void fake_engine_free(struct fake_engine *fake);
void fake_script(struct fake_engine *fake, const char *target, const char *script);
int fake_calls(const struct fake_engine *fake, const char *target);

#endif
