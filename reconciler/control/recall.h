/*
 * What one convergence remembers of its earlier passes. Each pass starts from what the engine
 * really holds; this only keeps a pass from doing what an earlier one has shown to be of no use.
 */
#ifndef TSE_CONTROL_RECALL_H
#define TSE_CONTROL_RECALL_H

#include "plan/plan.h"

struct recall_text;

struct recall {                   /* zeroed: nothing */
    struct recall_text *pulled;   /* keys of images */
};

void recall_free(struct recall *recall);

/* An image was pulled: once is enough for a convergence, whatever the registry goes on saying (a
 * mirror may be behind it). */
void recall_pull(struct recall *recall, const struct action *action);
void recall_spare_pulls(const struct recall *recall, struct resource_set *desired);

#endif
