/*
 * Random environments, and random drift. An environment is read off a genome, so that a second one
 * can be a mutation of the first; whatever the genome says, the environment is valid.
 */
#ifndef TSE_TESTS_MODEL_WORLD_H
#define TSE_TESTS_MODEL_WORLD_H

#include "model_engine.h"

#define GENES 232

struct genome {
    unsigned char genes[GENES];
};

void genome_fill(struct genome *genome, struct model *model);
void genome_mutate(struct genome *genome, struct model *model);
/* Lives in the model's arena. */
struct environment *genome_environment(const struct genome *genome, struct model *model);

/* Something outside changes the engine. Returns words for it. Sets *lossy when a container's own
 * data may be lost by it. */
const char *model_drift(struct model *model, bool *lossy);
/* Containers, networks and volumes of somebody else's, under names that are not wanted. */
void model_add_strangers(struct model *model);

#endif
