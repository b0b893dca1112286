/*
 * Collecting problems, sorted from the start so that printing and reading them by index agree.
 * At most DIAGNOSTICS_MAX are kept: nobody reads more, and hostile input must not make memory grow.
 */
#include "base/memory.h"

/* uthash has no way to report that memory ran out other than ending the program, as we do. */
#define uthash_malloc(size) memory_alloc(size)
#include "spec/diagnostics_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 4000 /* bytes of a message, a path or a help */

struct diagnostics *diagnostics_new(void) {
    return memory_alloc(sizeof(struct diagnostics));
}

static void free_diagnostic(struct diagnostic *diagnostic) {
    free((char *)diagnostic->at.file);
    free((char *)diagnostic->path);
    free((char *)diagnostic->message);
    free((char *)diagnostic->help);
    free(diagnostic);
}

void diagnostics_free(struct diagnostics *diagnostics) {
    if (!diagnostics)
        return;
    for (size_t i = 0; i < diagnostics->count; i++)
        free_diagnostic(diagnostics->items[i]);
    struct diagnostics_file *file = diagnostics->files;
    struct diagnostics_file *next;
    HASH_CLEAR(hh, diagnostics->files); /* frees the table; the files stay linked */
    for (; file; file = next) {
        next = file->hh.next;
        free(file->name);
        free(file->text);
        free(file->hidden_lines);
        free(file);
    }
    free(diagnostics);
}

static int compare_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_number(unsigned a, unsigned b) {
    return (a > b) - (a < b);
}

static int compare_position(const struct position *a, const struct position *b) {
    int order = compare_text(a->file, b->file);
    if (order == 0)
        order = compare_number(a->line, b->line);
    if (order == 0)
        order = compare_number(a->column, b->column);
    return order;
}

static bool is_kept(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic) {
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *other = diagnostics->items[i];
        if (compare_position(&other->at, &diagnostic->at) == 0 &&
            strcmp(other->message, diagnostic->message) == 0)
            return true;
    }
    return false;
}

static void remove_at(struct diagnostics *diagnostics, size_t index) {
    free_diagnostic(diagnostics->items[index]);
    diagnostics->count--;
    for (size_t i = index; i < diagnostics->count; i++)
        diagnostics->items[i] = diagnostics->items[i + 1];
}

/* Makes a place for an error by giving up the last warning. Returns whether there is a place. */
static bool make_place(struct diagnostics *diagnostics, enum severity severity) {
    if (diagnostics->count < DIAGNOSTICS_MAX)
        return true;
    if (severity != SEVERITY_ERROR)
        return false;
    for (size_t i = diagnostics->count; i-- > 0;) {
        if (diagnostics->items[i]->severity == SEVERITY_WARNING) {
            remove_at(diagnostics, i);
            return true;
        }
    }
    return false;
}

/* A copy that is cut if it is longer than anybody reads: a key of a hostile file can have
 * megabytes, and would be quoted in every message about what is below it. */
static char *cut_text(const char *text) {
    if (!text || strlen(text) <= MAX_TEXT)
        return copy_text(text);
    size_t length = MAX_TEXT;
    while (length > 0 && ((unsigned char)text[length] & 0xC0u) == 0x80)
        length--; /* not in the middle of a character */
    return format_text("%.*s...", (int)length, text);
}

static struct diagnostic *copy_of(const struct diagnostic *diagnostic) {
    struct diagnostic *copy = memory_alloc(sizeof *copy);
    *copy = *diagnostic;
    copy->at.file = copy_text(diagnostic->at.file);
    copy->path = cut_text(diagnostic->path);
    copy->message = cut_text(diagnostic->message ? diagnostic->message : "unknown problem");
    copy->help = cut_text(diagnostic->help);
    if (copy->width == 0)
        copy->width = 1;
    return copy;
}

void diagnostics_add(struct diagnostics *diagnostics, const struct diagnostic *diagnostic) {
    struct diagnostic *copy = copy_of(diagnostic);
    if (is_kept(diagnostics, copy)) {
        free_diagnostic(copy);
        return;
    }
    if (diagnostic->severity == SEVERITY_ERROR)
        diagnostics->errors++;
    else
        diagnostics->warnings++;
    if (!make_place(diagnostics, diagnostic->severity)) {
        free_diagnostic(copy);
        return;
    }
    size_t place = diagnostics->count++;
    for (; place > 0 && compare_position(&diagnostics->items[place - 1]->at, &copy->at) > 0;
         place--)
        diagnostics->items[place] = diagnostics->items[place - 1];
    diagnostics->items[place] = copy;
}

void diagnostics_add_all(struct diagnostics *to, const struct diagnostics *from) {
    to->errors += from->errors;
    to->warnings += from->warnings;
    for (size_t i = 0; i < from->count; i++) {
        /* Counted above, like those that `from` did not keep. */
        if (from->items[i]->severity == SEVERITY_ERROR)
            to->errors--;
        else
            to->warnings--;
        diagnostics_add(to, from->items[i]);
    }
}

size_t diagnostics_errors(const struct diagnostics *diagnostics) {
    return diagnostics->errors;
}

size_t diagnostics_warnings(const struct diagnostics *diagnostics) {
    return diagnostics->warnings;
}

size_t diagnostics_count(const struct diagnostics *diagnostics) {
    return diagnostics->count;
}

const struct diagnostic *diagnostics_get(const struct diagnostics *diagnostics, size_t index) {
    return diagnostics->items[index];
}

const struct diagnostics_file *diagnostics_file(const struct diagnostics *diagnostics,
                                                const char *name) {
    struct diagnostics_file *file;
    HASH_FIND_STR(diagnostics->files, name, file);
    return file;
}

static struct diagnostics_file *file_entry(struct diagnostics *diagnostics, const char *name) {
    struct diagnostics_file *file;
    HASH_FIND_STR(diagnostics->files, name, file);
    if (!file) {
        file = memory_alloc(sizeof *file);
        file->name = copy_text(name);
        HASH_ADD_KEYPTR(hh, diagnostics->files, file->name, strlen(file->name), file);
    }
    return file;
}

void diagnostics_keep_text(struct diagnostics *diagnostics, const char *file, const char *text,
                           size_t size) {
    struct diagnostics_file *entry = file_entry(diagnostics, file);
    free(entry->text);
    entry->text = memory_alloc(size + 1);
    memcpy(entry->text, text, size);
    entry->size = size;
}

void diagnostics_keep_identity(struct diagnostics *diagnostics, const char *file,
                               const struct stat *identity) {
    struct diagnostics_file *entry = file_entry(diagnostics, file);
    entry->identity = *identity;
    entry->has_identity = true;
}

void diagnostics_hide_lines(struct diagnostics *diagnostics, const char *file, unsigned first,
                            unsigned last) {
    struct diagnostics_file *entry = file_entry(diagnostics, file);
    /* Trees are walked in the order of lines, so a run of them stays one entry. */
    struct hidden_lines *latest =
        entry->hidden_count ? &entry->hidden_lines[entry->hidden_count - 1] : NULL;
    if (latest && first >= latest->first && first <= latest->last + 1) {
        latest->last = last > latest->last ? last : latest->last;
        return;
    }
    entry->hidden_lines = memory_resize(entry->hidden_lines,
                                        (entry->hidden_count + 1) * sizeof entry->hidden_lines[0]);
    entry->hidden_lines[entry->hidden_count++] = (struct hidden_lines){first, last};
}

void diagnostics_hide_file(struct diagnostics *diagnostics, const char *file) {
    file_entry(diagnostics, file)->hidden = true;
}

bool diagnostics_line_hidden(const struct diagnostics *diagnostics, const char *file,
                             unsigned line) {
    const struct diagnostics_file *entry = file ? diagnostics_file(diagnostics, file) : NULL;
    if (!entry)
        return false;
    if (entry->hidden)
        return true;
    for (size_t i = 0; i < entry->hidden_count; i++) {
        if (line >= entry->hidden_lines[i].first && line <= entry->hidden_lines[i].last)
            return true;
    }
    return false;
}
