/*
 * Reads the one file in the tar that GET /containers/{id}/archive gives: POSIX ustar
 * (IEEE Std 1003.1, pax), with pax and GNU long-name headers before it. Of those only an owner too
 * large for the ustar header matters.
 */
#include "engines/docker/fields.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512

/* Offsets and sizes in a header block. */
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_TYPE = 156,
    AT_MAGIC = 257
};

/* An octal number, or base-256 as GNU tar and Go write large ones. Returns 0 or -1. */
static int read_number(const unsigned char *at, size_t width, uint64_t *number) {
    uint64_t value = 0;
    if (at[0] & 0x80) {
        value = at[0] & 0x7F;
        for (size_t i = 1; i < width; i++) {
            if (value >> 55)
                return -1;
            value = value << 8 | at[i];
        }
        *number = value;
        return 0;
    }
    size_t i = 0;
    while (i < width && at[i] == ' ')
        i++;
    for (; i < width && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(at[i] - '0');
    if (i < width && at[i] != '\0' && at[i] != ' ')
        return -1;
    *number = value;
    return 0;
}

static int read_entry(const unsigned char *header, uint64_t *size, struct docker_archived *file) {
    uint64_t mode, uid, gid, mtime;
    if (memcmp(header + AT_MAGIC, "ustar", 5) != 0 ||
        read_number(header + AT_SIZE, 12, size) != 0 ||
        read_number(header + AT_MODE, 8, &mode) != 0 ||
        read_number(header + AT_UID, 8, &uid) != 0 || read_number(header + AT_GID, 8, &gid) != 0 ||
        read_number(header + AT_MTIME, 12, &mtime) != 0)
        return -1;
    file->mode = (unsigned)(mode & 07777);
    file->uid = (unsigned)uid;
    file->gid = (unsigned)gid;
    file->mtime = (int64_t)mtime;
    return 0;
}

/* Owners in pax records, "LENGTH KEY=VALUE\n" each. */
struct owners {
    bool has_uid, has_gid;
    unsigned uid, gid;
};

static void read_record(const char *record, size_t size, struct owners *owners) {
    char text[32]; /* longer ones are none of these */
    const char *space = memchr(record, ' ', size);
    size_t length = space ? size - (size_t)(space + 1 - record) : 0;
    if (!length || length >= sizeof text)
        return;
    memcpy(text, space + 1, length);
    text[length] = '\0';
    if (sscanf(text, "uid=%u", &owners->uid) == 1)
        owners->has_uid = true;
    else if (sscanf(text, "gid=%u", &owners->gid) == 1)
        owners->has_gid = true;
}

static void read_records(const char *records, size_t size, struct owners *owners) {
    while (size) {
        size_t length = 0, digits = 0;
        while (digits < size && digits < 9 && records[digits] >= '0' && records[digits] <= '9')
            length = length * 10 + (size_t)(records[digits++] - '0');
        if (length <= digits || length > size)
            return;
        read_record(records, length, owners);
        records += length;
        size -= length;
    }
}

/* A header entry that tells of the next one. */
static bool is_extension(char type) {
    return type && strchr("xgLK", type) != NULL;
}

static void use(struct docker_archived *file, const char *data, size_t size,
                const struct owners *owners) {
    file->data = data;
    file->size = size;
    if (owners->has_uid)
        file->uid = owners->uid;
    if (owners->has_gid)
        file->gid = owners->gid;
}

int docker_archive_read(const char *archive, size_t size, struct docker_archived *file) {
    size_t at = 0;
    struct owners owners = {0};
    while (size - at >= BLOCK) {
        const unsigned char *header = (const unsigned char *)archive + at;
        uint64_t length;
        if (read_entry(header, &length, file) != 0)
            return -1;
        at += BLOCK;
        size_t padded = ((size_t)length + BLOCK - 1) / BLOCK * BLOCK;
        if (length > size - at || padded > size - at)
            return -1;
        char type = (char)header[AT_TYPE];
        if (type == '0' || type == '\0') {
            use(file, archive + at, (size_t)length, &owners);
            return 0;
        }
        if (!is_extension(type))
            return -1;
        if (type == 'x')
            read_records(archive + at, (size_t)length, &owners);
        at += padded;
    }
    return -1;
}
