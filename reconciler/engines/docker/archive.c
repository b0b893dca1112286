/*
 * A service's files as a tar archive for PUT /containers/{id}/archive: POSIX.1-2001 (pax), which is
 * ustar plus a header of its own for what ustar has no room for. Only the files are in it, not the
 * directories they are in: the engine makes missing ones (root, 0755) and leaves those of the image
 * alone, whose owner and mode an entry would overwrite. The bytes depend on the files only.
 */
#include "engines/docker/fields.h"
#include "engines/docker/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utstring.h>

#define BLOCK     512
#define OCTAL_MAX 07777777u /* of the seven octal digits of uid and gid */

struct tar_header { /* POSIX.1-1988 ustar */
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == BLOCK, "a tar header is one block");

struct entry {
    const char *name;
    char type;
    unsigned mode, uid, gid;
    long long mtime;
    const char *data;
    size_t size;
};

/* Octal, zero-padded, NUL-terminated, in a field of `size` bytes. */
static void octal(char *field, size_t size, unsigned long long value) {
    for (size_t i = size - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
    field[size - 1] = '\0';
}

static void pad(UT_string *tar) {
    static const char zeros[BLOCK];
    size_t over = utstring_len(tar) % BLOCK;
    if (over)
        utstring_bincpy(tar, zeros, BLOCK - over);
}

static void append_entry(UT_string *tar, const struct entry *entry) {
    struct tar_header header = {.type = entry->type};
    memcpy(header.name, entry->name, strnlen(entry->name, sizeof header.name));
    octal(header.mode, sizeof header.mode, entry->mode & 07777);
    octal(header.uid, sizeof header.uid, entry->uid > OCTAL_MAX ? 0 : entry->uid);
    octal(header.gid, sizeof header.gid, entry->gid > OCTAL_MAX ? 0 : entry->gid);
    octal(header.size, sizeof header.size, entry->size);
    octal(header.mtime, sizeof header.mtime,
          entry->mtime < 0 ? 0 : (unsigned long long)entry->mtime);
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    memset(header.checksum, ' ', sizeof header.checksum);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++)
        sum += ((const unsigned char *)&header)[i];
    octal(header.checksum, 7, sum); /* six digits, NUL, space */
    utstring_bincpy(tar, &header, sizeof header);
    utstring_bincpy(tar, entry->data, entry->size);
    pad(tar);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void append_record(UT_string *records, const char *key, const char *value) {
    size_t rest = strlen(key) + strlen(value) + 3;
    size_t length = rest + 1;
    for (;;) {
        size_t counted = rest + (size_t)snprintf(NULL, 0, "%zu", length);
        if (counted == length)
            break;
        length = counted;
    }
    utstring_printf(records, "%zu %s=%s\n", length, key, value);
}

static void append_number(UT_string *records, const char *key, unsigned value) {
    char text[16];
    if (value <= OCTAL_MAX)
        return;
    snprintf(text, sizeof text, "%u", value);
    append_record(records, key, text);
}

/* The extended header before an entry that needs one. */
static void append_extension(UT_string *tar, const struct entry *entry) {
    UT_string records;
    utstring_init(&records);
    if (strlen(entry->name) > sizeof((struct tar_header *)0)->name)
        append_record(&records, "path", entry->name);
    append_number(&records, "uid", entry->uid);
    append_number(&records, "gid", entry->gid);
    if (utstring_len(&records)) {
        struct entry extension = {.name = "././@PaxHeader",
                                  .type = 'x',
                                  .mode = 0644,
                                  .data = utstring_body(&records),
                                  .size = utstring_len(&records)};
        append_entry(tar, &extension);
    }
    utstring_done(&records);
}

static void append_file(UT_string *tar, const struct file *file, const char *name) {
    struct entry entry = {.name = name,
                          .type = '0',
                          .mode = file->mode,
                          .uid = file->uid,
                          .gid = file->gid,
                          .mtime = docker_file_mtime(file),
                          .data = file->data ? file->data : "",
                          .size = file->data ? file->size : 0};
    append_extension(tar, &entry);
    append_entry(tar, &entry);
}

/* --- places --------------------------------------------------------------------------------------
 */

/* The engine refuses to upload into a read-only root file system, but not into a volume mounted in
 * it, named as the path to extract at: the innermost one a file is in. */
static const char *place_of(struct arena *arena, const struct service *service,
                            const struct file *file) {
    if (!service->read_only)
        return "/";
    const char *best = "/";
    const char *path = docker_clean_path(arena, file->target);
    const char **directories;
    size_t count = docker_files_directories(arena, service, &directories);
    for (size_t i = 0; i < count + service->mount_count; i++) {
        const char *place = i < count ? directories[i]
                                      : docker_clean_path(arena, service->mounts[i - count].target);
        if (docker_path_inside(path, place) && strlen(place) > strlen(best))
            best = place;
    }
    return best;
}

char *docker_archive_at(const struct service *service, const char *target, const char *place,
                        size_t *size) {
    cleanup_arena struct arena *arena = arena_new();
    UT_string tar;
    utstring_init(&tar);
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        if (target && strcmp(target, file->target) != 0)
            continue;
        if (strcmp(place, place_of(arena, service, file)) != 0)
            continue;
        const char *name = docker_clean_path(arena, file->target);
        if (strcmp(place, "/") != 0)
            name += strlen(place);
        append_file(&tar, file, name + strspn(name, "/"));
    }
    static const char end[2 * BLOCK];
    utstring_bincpy(&tar, end, sizeof end);
    *size = utstring_len(&tar);
    return utstring_body(&tar); /* malloc'd by utstring; ours now */
}

size_t docker_upload_places(struct arena *arena, const struct service *service, const char *target,
                            const char ***places) {
    size_t count = 0;
    *places = arena_array(arena, const char *, service->file_count + 1);
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        if (target && strcmp(target, file->target) != 0)
            continue;
        const char *place = place_of(arena, service, file);
        bool known = false;
        for (size_t j = 0; j < count && !known; j++)
            known = strcmp((*places)[j], place) == 0;
        if (!known)
            (*places)[count++] = place;
    }
    return count;
}
