/*
 * What one convergence remembers of its earlier passes. Each pass starts from what the engine
 * really holds; this only keeps a pass from doing what an earlier one has shown to be of no use.
 */
#ifndef TSE_CONTROL_RECALL_H
#define TSE_CONTROL_RECALL_H

#include "plan/plan.h"

struct error;
struct recall_text;

struct recall {                   /* zeroed: nothing */
    struct recall_text *pulled;   /* keys of images */
    struct recall_text *replaced; /* what the last pass replaced resources for */
};

void recall_free(struct recall *recall);

/* An image was pulled: once is enough for a convergence, whatever the registry goes on saying (a
 * mirror may be behind it). */
void recall_pull(struct recall *recall, const struct action *action);
void recall_spare_pulls(const struct recall *recall, struct resource_set *desired);

/* A pass has succeeded with this plan, or (NULL) has not. */
void recall_pass(struct recall *recall, const struct plan *plan);

/* -1 and the error when the plan is to replace something that the last pass has replaced, for the
 * same difference: the engine, or somebody, does not keep the value, and would not the next time.
 */
int recall_check(const struct recall *recall, const struct plan *plan, struct error *error);

#endif
