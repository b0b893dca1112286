/* An index of keys on uthash; see keys.h. */
#include "spec/keys.h"

#include "base/memory.h"

#define uthash_malloc(size) memory_alloc(size)
#include <uthash.h>

#include <stdlib.h>
#include <string.h>

#define FEW (sizeof(((struct key_index *)0)->few) / sizeof(char *))

struct key_slot {
    const char *key;
    size_t number;
    UT_hash_handle hh;
};

static void add_slot(struct key_index *index, const char *key, size_t number) {
    struct key_slot *slot = memory_alloc(sizeof *slot);
    slot->key = key;
    slot->number = number;
    HASH_ADD_KEYPTR(hh, index->table, slot->key, strlen(slot->key), slot);
}

size_t key_index_find(const struct key_index *index, const char *key) {
    if (index->count > FEW) {
        struct key_slot *slot;
        HASH_FIND_STR(index->table, key, slot);
        return slot ? slot->number : KEY_NONE;
    }
    for (size_t i = 0; i < index->count; i++) {
        if (strcmp(index->few[i], key) == 0)
            return i;
    }
    return KEY_NONE;
}

void key_index_add(struct key_index *index, const char *key) {
    if (index->count < FEW) {
        index->few[index->count++] = key;
        return;
    }
    if (index->count == FEW) {
        for (size_t i = 0; i < FEW; i++)
            add_slot(index, index->few[i], i);
    }
    add_slot(index, key, index->count++);
}

void key_index_clear(struct key_index *index) {
    struct key_slot *slot = index->table;
    struct key_slot *next;
    HASH_CLEAR(hh, index->table); /* frees the table; the slots stay linked */
    for (; slot; slot = next) {
        next = slot->hh.next;
        free(slot);
    }
    index->count = 0;
}
