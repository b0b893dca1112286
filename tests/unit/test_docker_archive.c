/* The archive of a service's files, judged by tar itself. */
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool lacks(const char *text, const char *part) {
    return strstr(text, part) == NULL;
}

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

/* What `tar OPTIONS` prints of an archive. */
static char *tar(const char *options, const char *archive, size_t size) {
    char path[] = "/tmp/dockt-archive-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0 && write(descriptor, archive, size) == (ssize_t)size);
    close(descriptor);
    cleanup_free char *command = format_text(
        "TZ=UTC LC_ALL=C tar --numeric-owner --warning=all %s -f %s 2>&1", options, path);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe != NULL);
    char *output = memory_alloc(1 << 16);
    size_t length = fread(output, 1, (1 << 16) - 1, pipe);
    output[length] = '\0';
    cr_expect(pclose(pipe) == 0, "tar fails: %s", output);
    unlink(path);
    return output;
}

static char *list(const struct service *service, const char *target) {
    size_t size = 0;
    cleanup_free char *archive = docker_archive_at(service, target, "/", &size);
    cr_expect(size % 512 == 0);
    return tar("-tv --full-time", archive, size);
}

#define FILE_OF(path, text)                                                                        \
    { .target = path, .data = text, .size = sizeof(text) - 1, .mode = 0644 }

Test(docker_archive, fields) {
    struct file files[] = {FILE_OF("/etc/a.conf", "hello\n"), FILE_OF("/etc/b", "")};
    files[0].mode = 0640;
    files[0].uid = 999;
    files[0].gid = 1000;
    files[1].mode = 04755;
    struct service service = {.files = files, .file_count = 2};
    cleanup_free char *found = list(&service, NULL);
    cr_expect(contains(found, "-rw-r----- 999/1000 "), "%s", found);
    cr_expect(contains(found, " etc/a.conf\n"), "%s", found);
    cr_expect(contains(found, "-rwsr-xr-x 0/0 "), "%s", found);
    cr_expect(contains(found, " etc/b\n"), "%s", found);
    cr_expect(lacks(found, "drw"), "directories would change those of the image: %s", found);
}

Test(docker_archive, time) {
    struct file files[] = {FILE_OF("/a", "x")};
    struct service service = {.files = files, .file_count = 1};
    time_t expected = (time_t)docker_file_mtime(files);
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&expected));
    cleanup_free char *found = list(&service, NULL);
    cr_expect(contains(found, text), "%s is not in %s", text, found);
}

Test(docker_archive, one_file) {
    struct file files[] = {FILE_OF("/a", "1"), FILE_OF("/b", "2")};
    struct service service = {.files = files, .file_count = 2};
    cleanup_free char *found = list(&service, "/b");
    cr_expect(contains(found, " b\n") && lacks(found, " a\n"), "%s", found);
    cleanup_free char *none = list(&service, "/c");
    cr_expect(eq(str, none, (char *)""));
}

/* Names around the 100 bytes of ustar, and owners beyond its seven octal digits. */
Test(docker_archive, long_names) {
    for (size_t length = 90; length < 300; length += length < 110 ? 1 : 40) {
        char target[400] = "/";
        for (size_t i = 1; i <= length; i++)
            target[i] = i % 50 == 25 ? '/' : 'n';
        struct file files[] = {FILE_OF(target, "x"), FILE_OF("/after", "y")};
        struct service service = {.files = files, .file_count = 2};
        cleanup_free char *found = list(&service, NULL);
        cleanup_free char *expected = format_text(" %s\n", target + 1);
        cr_expect(contains(found, expected), "%zu: %s", length, found);
        cr_expect(contains(found, " after\n"), "%zu: %s", length, found);
    }
}

Test(docker_archive, large_owners) {
    struct file files[] = {FILE_OF("/a", "x"), FILE_OF("/b", "x")};
    files[0].uid = 2097151;
    files[0].gid = 2097152;
    files[1].uid = 4294967294u;
    struct service service = {.files = files, .file_count = 2};
    cleanup_free char *found = list(&service, NULL);
    cr_expect(contains(found, "2097151/2097152"), "%s", found);
    cr_expect(contains(found, "4294967294/0"), "%s", found);
}

Test(docker_archive, content) {
    char data[1025];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)i;
    for (size_t size = 0; size <= sizeof data; size++) {
        struct file file = {.target = "/a/\xc3\xa4 b", .data = data, .size = size, .mode = 0600};
        struct service service = {.files = &file, .file_count = 1};
        size_t archived = 0;
        cleanup_free char *archive = docker_archive_at(&service, NULL, "/", &archived);
        cr_assert(eq(sz, archived, 512 + (size + 511) / 512 * 512 + 1024));
        cr_assert(memcmp(archive + 512, data, size) == 0);
    }
    struct file file = {.target = "/a/\xc3\xa4 b", .data = "text\n", .size = 5, .mode = 0600};
    struct service service = {.files = &file, .file_count = 1};
    size_t size = 0;
    cleanup_free char *archive = docker_archive_at(&service, NULL, "/", &size);
    cleanup_free char *found = tar("-xO", archive, size);
    cr_expect(eq(str, found, (char *)"text\n"));
}

/* --- read-only services --------------------------------------------------------------------------
 */

static char *places(const struct service *service, const char *target) {
    cleanup_arena struct arena *arena = arena_new();
    const char **found;
    char text[512] = "";
    size_t count = docker_upload_places(arena, service, target, &found);
    for (size_t i = 0; i < count; i++) {
        size_t size = 0;
        cleanup_free char *archive = docker_archive_at(service, target, found[i], &size);
        cleanup_free char *names = tar("-t", archive, size);
        for (char *at = names; *at; at++)
            *at = *at == '\n' ? ' ' : *at;
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s: %s", found[i], names);
    }
    return copy_text(text);
}

Test(docker_archive, places) {
    struct file files[] = {FILE_OF("/data/sub/d", "1"), FILE_OF("/etc/app/a", "2"),
                           FILE_OF("/etc/app/more/b", "3"), FILE_OF("/etc/c", "4")};
    struct mount mounts[] = {{.kind = MOUNT_VOLUME, .target = "/data/"}};
    struct service service = {.files = files, .file_count = 4, .mounts = mounts, .mount_count = 1};
    cleanup_free char *writable = places(&service, NULL);
    cr_expect(eq(str, writable, (char *)"/: data/sub/d etc/app/a etc/app/more/b etc/c "));
    service.read_only = true;
    cleanup_free char *several = places(&service, NULL);
    cr_expect(eq(str, several, (char *)"/data: sub/d /etc: app/a app/more/b c "));
    cleanup_free char *one = places(&service, "/data/sub/d");
    cr_expect(eq(str, one, (char *)"/data: sub/d "));
    service.file_count = 3;
    cleanup_free char *deeper = places(&service, NULL);
    cr_expect(eq(str, deeper, (char *)"/data: sub/d /etc/app: a more/b "));
}
