/* The identity of a desired state: a SHA-256 over its rendering and its files, without anything a
 * secret went into. */
#include "base/memory.h"
#include "spec/reading.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct hasher {
    struct reading *reading;
    EVP_MD_CTX *digest;
    unsigned char buffer[4096]; /* each update of a digest costs more than a short text does */
    size_t used;
};

static void flush(struct hasher *hasher) {
    EVP_DigestUpdate(hasher->digest, hasher->buffer, hasher->used);
    hasher->used = 0;
}

static void add_bytes(struct hasher *hasher, const void *bytes, size_t size) {
    if (hasher->used + size > sizeof hasher->buffer)
        flush(hasher);
    if (size > sizeof hasher->buffer) {
        EVP_DigestUpdate(hasher->digest, bytes, size);
        return;
    }
    memcpy(hasher->buffer + hasher->used, bytes, size);
    hasher->used += size;
}

/* With what it is and its length before it, so that no two sequences look the same. */
static void add_head(struct hasher *hasher, char what, size_t length) {
    unsigned char head[9] = {(unsigned char)what};
    for (size_t i = 1; i < sizeof head; i++)
        head[i] = (unsigned char)((uint64_t)length >> (8 * (i - 1)));
    add_bytes(hasher, head, sizeof head);
}

static void add_text(struct hasher *hasher, char what, const char *text, size_t length) {
    add_head(hasher, what, length);
    add_bytes(hasher, text, length);
}

static void add_node(struct hasher *hasher, const struct node *node) {
    static const char kinds[] = {
        [NODE_NULL] = '0', [NODE_SCALAR] = 's', [NODE_LIST] = 'l', [NODE_MAP] = 'm'};
    if (node->kind == NODE_SCALAR) {
        add_text(hasher, kinds[node->kind], node->text, strlen(node->text));
        return;
    }
    add_head(hasher, kinds[node->kind], node->count);
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        add_node(hasher, node->items[i]);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        add_text(hasher, 'k', node->entries[i].key, strlen(node->entries[i].key));
        add_node(hasher, node->entries[i].value);
    }
}

/* --- the rendering, piece by piece: its copy of the tree would be the most that reading takes ----
 */

static void add_value(struct hasher *hasher, const struct field_spec *field,
                      const struct node *node) {
    cleanup_arena struct arena *scratch = arena_new();
    const struct node *rendered = render_for_revision(hasher->reading, scratch, field, node);
    /* The map of a service that is switched off is rendered empty. */
    if (node->count == 0 || rendered->count > 0)
        add_node(hasher, rendered);
}

/* A map of networks, services …: each entry as a map of its own. */
static void add_map(struct hasher *hasher, const struct field_spec *field,
                    const struct node *node) {
    cleanup_free struct entry *entries = memory_alloc(node->count * sizeof *entries);
    for (size_t i = 0; i < node->count; i++)
        entries[i] = node->entries[i];
    node_sort_entries(entries, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct node alone = *node;
        alone.entries = &entries[i];
        alone.count = 1;
        add_value(hasher, field, &alone);
    }
}

static void add_rendering(struct hasher *hasher, const struct kind_spec *kind,
                          const struct node *node) {
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        const struct node *value = node_get(node, field->name);
        if (!value || value->kind == NODE_NULL || field->flags & FIELD_APPLIED)
            continue;
        add_text(hasher, 'f', field->name, strlen(field->name));
        if (field->flags & FIELD_INLINE)
            add_rendering(hasher, field->kind, value);
        else if (field->kind && value->kind == NODE_MAP && field->type->shape == SHAPE_OBJECT_MAP)
            add_map(hasher, field, value);
        else
            add_value(hasher, field, value);
    }
}

static void add_files(struct hasher *hasher, const struct service *service) {
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        add_text(hasher, 't', file->target, strlen(file->target));
        if (!file->secret)
            add_text(hasher, 'd', file->data, file->size);
    }
}

static void free_digest(EVP_MD_CTX **digest) {
    EVP_MD_CTX_free(*digest);
}

void compute_revision(struct reading *reading) {
    __attribute__((cleanup(free_digest))) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        abort(); /* only when memory ran out */
    struct hasher hasher = {.reading = reading, .digest = digest};
    add_rendering(&hasher, &kind_environment, reading->root);
    struct environment *environment = reading->environment;
    for (size_t i = 0; i < environment->service_count; i++)
        add_files(&hasher, &environment->services[i]);
    flush(&hasher);
    EVP_DigestFinal_ex(digest, hash, NULL);
    for (size_t i = 0; i < 8; i++)
        snprintf(environment->revision + 2 * i, 3, "%02x", hash[i]);
}
