/*
 * One reading of an Environment, from its file to struct environment: what the steps share. The
 * order of the steps is in spec.c.
 */
#ifndef TSE_SPEC_READING_H
#define TSE_SPEC_READING_H

#include "spec/decode.h"
#include "spec/spec.h"

#include <uthash.h>

struct variables;

struct document { /* a file that was read, by its path */
    const char *file;
    struct position included_at; /* nowhere for the Environment itself */
    bool open;                   /* its includes are being read: naming it again is a cycle */
    UT_hash_handle hh;
};

struct switched_off { /* a service that `when` leaves out, by name */
    const char *name, *when;
    UT_hash_handle hh;
};

struct reading {
    const struct spec_options *options;
    struct arena *arena; /* the environment's */
    struct arena *trees; /* of nodes, dropped after reading */
    struct diagnostics *diagnostics;
    struct decoder decoder;
    const char *file;
    const char *text; /* of the Environment when it is not read from the file, or NULL */
    size_t text_size;
    struct document *documents;
    size_t document_count;
    bool incomplete; /* a file could not be read: what follows from it is not reported */
    struct variables *variables;
    struct node *root; /* the Environment with `spec` overlaid and interpolated */
    struct node *spec;
    struct environment_draft draft;
    struct switched_off *switched_off;
    size_t file_bytes; /* content of files loaded so far */
    struct environment *environment;
};

/* --- include.c: reads the Environment, its envFiles and includes; leaves the overlaid tree in
 * root and spec. Returns 0, or -1 when there is nothing to go on with. */
int load_documents(struct reading *reading);

/* --- overlay.c ----------------------------------------------------------------------------------
 */
/* Calls `visit` for every field that is declared, down to the smallest, with where its value is. */
typedef void visit_field(void *context, const struct field_spec *field, struct node **slot);
void visit_fields(const struct kind_spec *kind, struct node *node, visit_field *visit,
                  void *context);
/* Reports nulls in `patch` that remove nothing from `target` (which may be NULL): a value was
 * meant, which for tmpfs is put in their place. */
void check_removals(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                    const struct node *target, struct node *patch);
/* Marks the variables of secrets, then replaces ${…} in the whole tree but verbatim fields. */
void interpolate_environment(struct reading *reading);

/* --- secrets.c: resolves secrets, and the variables that come from them. */
void resolve_secrets(struct reading *reading);
void resolve_variables(struct reading *reading);
const struct secret *environment_secret(const struct environment *environment, const char *name);

/* --- files.c: loads the content of a service's files into service->files. */
void load_files(struct reading *reading, const struct service_draft *draft,
                struct service *service);

/* --- features.c: moves the services that are switched on into the environment. */
void apply_features(struct reading *reading);

/* --- render.c: the flattened tree, in canonical order; in the trees' arena. */
struct node *render_tree(struct reading *reading);
/* The same of one field's value, without what is confidential; in `arena`. */
struct node *render_for_revision(struct reading *reading, struct arena *arena,
                                 const struct field_spec *field, const struct node *node);
/* --- revision.c */
void compute_revision(struct reading *reading);

/* --- validate.c: everything between fields, after all are decoded. */
void validate_environment(struct reading *reading);

/* As spec_read(), of an Environment that is in memory; `file` names it in messages, and paths in it
 * are relative to `file`. */
struct environment *spec_read_text(const char *file, const char *text, size_t size,
                                   const struct spec_options *options,
                                   struct diagnostics *diagnostics);

#endif
