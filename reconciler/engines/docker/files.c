/*
 * Files the reconciler uploads: their values as fields, and how their state in a container is read
 * from a look at size, mode and time alone. The time is derived from content, mode and owner (any
 * program that changes the file later leaves another one), so that no content has to be fetched to
 * compare it. Secret files have a time that says nothing, and are fetched. A file that is staged,
 * because the signal that makes the program read it is yet to be sent, has its time moved back out
 * of that range.
 */
#include "engines/docker/fields.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2000-01-01 until 2020-01-01: long enough for few collisions, over before this program was. As
 * long before that are the times of staged files. */
#define FIRST_TIME INT64_C(946684800)
#define TIME_SPAN  INT64_C(631152000)

void docker_digest(char digest[DOCKER_DIGEST_SIZE], const void *data, size_t size) {
    static const char hex[] = "0123456789abcdef";
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256(data ? data : "", size, hash);
    for (size_t i = 0; i < DOCKER_DIGEST_SIZE / 2; i++) {
        digest[2 * i] = hex[hash[i] >> 4];
        digest[2 * i + 1] = hex[hash[i] & 15];
    }
    digest[DOCKER_DIGEST_SIZE - 1] = '\0';
}

const char *docker_file_prefix(const struct file *file) {
    return file->reload_signal ? "reloadable" : "files";
}

char *docker_file_value(struct arena *arena, const struct file *file) {
    char digest[DOCKER_DIGEST_SIZE];
    docker_digest(digest, file->data, file->size);
    return docker_text_file(arena, digest, file->mode, file->uid, file->gid);
}

bool docker_path_inside(const char *path, const char *directory) {
    size_t length = strlen(directory);
    if (strcmp(directory, "/") == 0)
        return *path == '/';
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The time that stands for a value as docker_text_file() writes it. */
static int64_t value_time(const char *value) {
    char digest[DOCKER_DIGEST_SIZE];
    docker_digest(digest, value, strlen(value));
    unsigned long long bits = strtoull(digest, NULL, 16);
    return FIRST_TIME + (int64_t)(bits % (unsigned long long)TIME_SPAN);
}

long long docker_file_mtime(const struct file *file, bool staged) {
    cleanup_arena struct arena *arena = arena_new();
    int64_t time = file->secret ? FIRST_TIME : value_time(docker_file_value(arena, file));
    return staged ? time - TIME_SPAN : time;
}

bool docker_is_staged(int64_t mtime) {
    return mtime >= FIRST_TIME - TIME_SPAN && mtime < FIRST_TIME;
}

/* Go's os.FileMode: permission bits as usual, the others are high bits of its own. */
static unsigned mode_from_go(json_int_t mode) {
    unsigned bits = (unsigned)(mode & 0777);
    if (mode & (1 << 23))
        bits |= 04000;
    if (mode & (1 << 22))
        bits |= 02000;
    if (mode & (1 << 20))
        bits |= 01000;
    return bits;
}

/* Neither directory, link, device, pipe, socket, character device nor irregular. */
static bool regular_in_go(json_int_t mode) {
    const json_int_t types =
        INT64_C(1) << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
    return (mode & types) == 0;
}

/* RFC 3339, in any zone (the engine's own), parts of seconds dropped. */
static int parse_time(const char *text, int64_t *seconds) {
    struct tm broken = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &broken);
    if (!rest)
        return -1;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    struct tm zone = {0};
    if (strcmp(rest, "Z") != 0 && !strptime(rest, "%z", &zone))
        return -1;
    *seconds = (int64_t)timegm(&broken) - zone.tm_gmtoff;
    return 0;
}

int docker_path_stat_read(const char *header, struct docker_path_stat *stat) {
    size_t length = header ? strlen(header) : 0;
    if (!length || length > 65536)
        return -1;
    cleanup_free unsigned char *text = memory_alloc(length + 1);
    int size = EVP_DecodeBlock(text, (const unsigned char *)header, (int)length);
    if (size < 0)
        return -1;
    /* Padding is decoded to NUL bytes, and what follows the document does not matter. */
    json_auto_t *document =
        json_loadb((const char *)text, (size_t)size, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *mode = json_object_get(document, "mode");
    const char *time = json_string_value(json_object_get(document, "mtime"));
    if (!json_is_integer(mode) || !time || parse_time(time, &stat->mtime) != 0)
        return -1;
    stat->size = json_integer_value(json_object_get(document, "size"));
    stat->mode = mode_from_go(json_integer_value(mode));
    stat->regular = regular_in_go(json_integer_value(mode));
    return 0;
}

/* Whether a value as docker_text_file() writes it fits what is there. */
static bool looks_like(const char *value, const struct docker_path_stat *stat) {
    unsigned mode;
    if (!value || sscanf(value, "sha256:%*16[0-9a-f] %o", &mode) != 1)
        return false;
    return stat->regular && stat->mode == mode && stat->mtime == value_time(value);
}

const char *docker_file_observed(const struct file *file, const char *declared, const char *applied,
                                 const struct docker_path_stat *stat, bool *earlier) {
    *earlier = false;
    if (file && looks_like(declared, stat) && (uint64_t)stat->size == file->size)
        return declared;
    bool same = declared && applied && strcmp(declared, applied) == 0;
    if (!same && looks_like(applied, stat))
        return applied;
    if (!stat->regular)
        return "not a regular file";
    *earlier = docker_is_staged(stat->mtime);
    if (*earlier)
        return DOCKER_STAGED;
    *earlier = stat->mtime >= FIRST_TIME && stat->mtime < FIRST_TIME + TIME_SPAN && !same;
    return *earlier ? "uploaded earlier" : "modified outside";
}
