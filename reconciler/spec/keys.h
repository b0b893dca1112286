/*
 * Finding keys of a map in constant time while it is being built or merged, so that an environment
 * of ten thousand services is read in linear time. Maps of a few keys are searched one by one,
 * which is faster than hashing.
 */
#ifndef TSE_SPEC_KEYS_H
#define TSE_SPEC_KEYS_H

#include <stddef.h>

struct key_slot;

struct key_index {
    const char *few[16];
    struct key_slot *table;
    size_t count;
};

#define KEY_INDEX_INIT                                                                             \
    { {0}, 0, 0 }
#define KEY_NONE ((size_t)-1)

/* The number of a key, counting from 0 in the order they were added, or KEY_NONE. */
size_t key_index_find(const struct key_index *index, const char *key);
/* Adds a key, which must not be there yet and must outlive the index. */
void key_index_add(struct key_index *index, const char *key);
void key_index_clear(struct key_index *index);

#define cleanup_key_index __attribute__((cleanup(key_index_clear)))

#endif
