/* Dependencies: conditions that can never come true, and services that wait for each other. */
#include "base/memory.h"
#include "spec/validate.h"

#include <stdint.h>
#include <stdlib.h>

static void check_condition(struct reading *reading, const struct service *service,
                            const struct dependency *dependency) {
    const struct service *other = environment_service(reading->environment, dependency->service);
    struct place place = {{"services", service->name, "dependsOn", dependency->service},
                          dependency->at};
    if (!other)
        return;
    if (other->replicas == 0)
        problem_in(reading, &place, "take the line out, or give it replicas",
                   "\"%s\" has 0 replicas, so it never starts", other->name);
    /* One that declares nothing was given `no` by derive_completes(). */
    if (dependency->condition == DEPENDS_COMPLETED &&
        (other->restart == RESTART_ALWAYS || other->restart == RESTART_UNLESS_STOPPED))
        problem_in(reading, &place, "declare restart: no or on-failure there",
                   "\"%s\" never completes: it is restarted %s", other->name,
                   other->restart == RESTART_ALWAYS ? "always" : "unless stopped");
    if (dependency->condition == DEPENDS_HEALTHY && other->healthcheck.kind == CHECK_DISABLED)
        warning_in(reading, &place, "write started, or declare a check there",
                   "the health check of \"%s\" is disabled: healthy only means started",
                   other->name);
}

/* --- cycles: depth-first search with a stack of our own, for chains may be as long as there are
 * services ------------------------------------------------------------------------------------- */

enum colour { WHITE, GREY, BLACK }; /* not seen, on the path that is followed, done */

struct step {
    size_t service, next; /* next of its dependencies */
};

struct search {
    struct reading *reading;
    unsigned char *colours;
    struct step *stack;
    size_t depth;
};

static void problem_cycle(struct search *search, const struct dependency *dependency,
                          size_t target) {
    const struct service *services = search->reading->environment->services;
    cleanup_arena struct arena *scratch = arena_new();
    size_t start = search->depth;
    while (search->stack[start - 1].service != target)
        start--;
    const char *text = services[target].name;
    /* The longest cycle is not worth a message of a megabyte. */
    size_t length = search->depth - start;
    for (size_t i = start; i < search->depth && i < start + 20; i++)
        text = arena_format(scratch, "%s → %s", text, services[search->stack[i].service].name);
    text =
        arena_format(scratch, "%s%s → %s", text, length > 20 ? " → …" : "", services[target].name);
    const struct service *last = &services[search->stack[search->depth - 1].service];
    struct place place = {{"services", last->name, "dependsOn", dependency->service},
                          dependency->at};
    problem_in(search->reading, &place, "take one of these dependencies out",
               "services wait for each other: %s", text);
}

static void push(struct search *search, size_t service) {
    search->colours[service] = GREY;
    search->stack[search->depth++] = (struct step){service, 0};
}

static void follow(struct search *search, size_t start) {
    const struct environment *environment = search->reading->environment;
    push(search, start);
    while (search->depth > 0) {
        struct step *top = &search->stack[search->depth - 1];
        const struct service *service = &environment->services[top->service];
        if (top->next == service->depends_on_count) {
            search->colours[top->service] = BLACK;
            search->depth--;
            continue;
        }
        const struct dependency *dependency = &service->depends_on[top->next++];
        size_t target = service_index(environment, dependency->service);
        if (target == SIZE_MAX || search->colours[target] == BLACK)
            continue;
        if (search->colours[target] == GREY)
            problem_cycle(search, dependency, target);
        else
            push(search, target);
    }
}

static void check_cycles(struct reading *reading) {
    size_t count = reading->environment->service_count;
    cleanup_free unsigned char *colours = memory_alloc(count);
    cleanup_free struct step *stack = memory_alloc(count * sizeof *stack);
    struct search search = {reading, colours, stack, 0};
    for (size_t i = 0; i < count; i++)
        if (colours[i] == WHITE)
            follow(&search, i);
}

void validate_depends(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        for (size_t j = 0; j < service->depends_on_count; j++)
            check_condition(reading, service, &service->depends_on[j]);
    }
    check_cycles(reading);
}
