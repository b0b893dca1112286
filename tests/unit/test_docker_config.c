/* Image references, and which credentials belong to a registry. */
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_image(const char *reference, const char *expected) {
    cleanup_arena struct arena *arena = arena_new();
    struct docker_image image = docker_image_parse(arena, reference);
    cleanup_free char *found = format_text("%s %s %s", image.registry, image.repository, image.tag);
    cr_expect(eq(str, found, (char *)expected));
}

Test(docker_config, references) {
    expect_image("redis", "docker.io redis latest");
    expect_image("redis:7-alpine", "docker.io redis 7-alpine");
    expect_image("prom/prometheus:v2", "docker.io prom/prometheus v2");
    expect_image("docker.io/prom/prometheus:v2", "docker.io docker.io/prom/prometheus v2");
    expect_image("index.docker.io/redis", "docker.io index.docker.io/redis latest");
    expect_image("ghcr.io/a/b:1", "ghcr.io ghcr.io/a/b 1");
    expect_image("localhost/a", "localhost localhost/a latest");
    expect_image("localhost:5000/a:2", "localhost:5000 localhost:5000/a 2");
    expect_image("redis@sha256:ab", "docker.io redis sha256:ab");
    expect_image("h:1/r:t@sha256:ab", "h:1 h:1/r sha256:ab");
    expect_image("", "docker.io  latest");
}

/* The decoded X-Registry-Auth, or "none". */
static char *auth_of(const char *config, const char *image) {
    struct docker_engine engine = {.config = config ? json_loads(config, 0, NULL) : NULL};
    cr_assert(config == NULL || engine.config != NULL);
    cleanup_free char *encoded = docker_registry_auth(&engine, image);
    json_decref(engine.config);
    json_decref(engine.credentials);
    if (!encoded)
        return copy_text("none");
    cr_assert(eq(int, strlen(encoded) % 4, 0));
    cr_assert(strpbrk(encoded, "+/\n") == NULL);
    for (char *at = encoded; *at; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    char *plain = memory_alloc(strlen(encoded) + 1);
    int size =
        EVP_DecodeBlock((unsigned char *)plain, (unsigned char *)encoded, (int)strlen(encoded));
    cr_assert(size > 0);
    return plain;
}

static void expect_auth(const char *config, const char *image, const char *expected) {
    cleanup_free char *found = auth_of(config, image);
    cr_expect(eq(str, found, (char *)expected));
}

/* base64 of "me:pass:word" */
#define AUTHS "{\"auths\":{\"%s\":{\"auth\":\"bWU6cGFzczp3b3Jk\"}}}"

static void expect_found(const char *key, const char *image, const char *server) {
    cleanup_free char *config = format_text(AUTHS, key);
    cleanup_free char *expected = format_text(
        "{\"username\":\"me\",\"password\":\"pass:word\",\"serveraddress\":\"%s\"}", server);
    expect_auth(config, image, server ? expected : "none");
}

Test(docker_config, auths) {
    expect_auth(NULL, "redis", "none");
    expect_auth("{}", "redis", "none");
    expect_found("https://index.docker.io/v1/", "redis", "https://index.docker.io/v1/");
    expect_found("index.docker.io", "docker.io/a/b", "https://index.docker.io/v1/");
    expect_found("docker.io", "redis", "https://index.docker.io/v1/");
    expect_found("ghcr.io", "redis", NULL);
    expect_found("ghcr.io", "ghcr.io/a", "ghcr.io");
    expect_found("https://ghcr.io/v2/", "ghcr.io/a", "ghcr.io");
    expect_found("GHCR.io", "ghcr.io/a", "ghcr.io");
    expect_found("ghcr.io.evil.example", "ghcr.io/a", NULL);
    expect_found("localhost:5000", "localhost:5000/a", "localhost:5000");
    expect_found("localhost:5001", "localhost:5000/a", NULL);
}

Test(docker_config, other_forms) {
    expect_auth("{\"auths\":{\"r.io\":{\"identitytoken\":\"T\"}}}", "r.io/a",
                "{\"identitytoken\":\"T\",\"serveraddress\":\"r.io\"}");
    expect_auth("{\"auths\":{\"r.io\":{\"username\":\"u\",\"password\":\"p\"}}}", "r.io/a",
                "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r.io\"}");
    /* Not base64, no colon, wrong types: as if it were not there. */
    expect_auth("{\"auths\":{\"r.io\":{\"auth\":\"***\"}}}", "r.io/a", "none");
    expect_auth("{\"auths\":{\"r.io\":{\"auth\":\"bWU=\"}}}", "r.io/a", "none");
    expect_auth("{\"auths\":{\"r.io\":{\"auth\":\"\"}}}", "r.io/a", "none");
    expect_auth("{\"auths\":{\"r.io\":7}}", "r.io/a", "none");
    expect_auth("{\"auths\":[]}", "r.io/a", "none");
    expect_auth("{\"auths\":{\"r.io\":{}}, \"credsStore\":7}", "r.io/a", "none");
}

/* --- credential helpers --------------------------------------------------------------------------
 */

static char folder[64];

static int unlink_one(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void setup(void) {
    strcpy(folder, "/tmp/dockt-config-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    cleanup_free char *path = format_text("%s:%s", folder, getenv("PATH"));
    setenv("PATH", path, 1);
}

static void teardown(void) {
    nftw(folder, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(docker_helper, .init = setup, .fini = teardown);

static void write_helper(const char *name, const char *script) {
    cleanup_free char *path = format_text("%s/docker-credential-%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    chmod(path, 0755);
}

Test(docker_helper, store) {
    write_helper("fake", "test \"$1\" = get || exit 1\n"
                         "printf '{\"ServerURL\":\"x\",\"Username\":\"%s\",\"Secret\":\"s3\"}' "
                         "\"$(cat)\"");
    expect_auth("{\"credsStore\":\"fake\"}", "redis",
                "{\"username\":\"https://index.docker.io/v1/\",\"password\":\"s3\","
                "\"serveraddress\":\"https://index.docker.io/v1/\"}");
    expect_auth("{\"credsStore\":\"fake\"}", "ghcr.io/a",
                "{\"username\":\"ghcr.io\",\"password\":\"s3\",\"serveraddress\":\"ghcr.io\"}");
}

Test(docker_helper, one_registry) {
    write_helper("one", "echo '{\"Username\":\"<token>\",\"Secret\":\"tok\"}'");
    write_helper("all", "echo '{\"Username\":\"all\",\"Secret\":\"s\"}'");
    const char *config = "{\"credsStore\":\"all\",\"credHelpers\":{\"ghcr.io\":\"one\"}}";
    expect_auth(config, "ghcr.io/a", "{\"identitytoken\":\"tok\",\"serveraddress\":\"ghcr.io\"}");
    expect_auth(config, "quay.io/a",
                "{\"username\":\"all\",\"password\":\"s\",\"serveraddress\":\"quay.io\"}");
}

static void expect_calls(const char *file, long calls) {
    struct stat status;
    cr_expect(eq(long, stat(file, &status) == 0 ? (long)status.st_size : 0, calls));
}

/* One that is slow, or hangs, is asked once for each registry, not for each image and pass. */
Test(docker_helper, is_asked_once_for_each_registry) {
    cleanup_free char *calls = format_text("%s/calls", folder);
    cleanup_free char *script = format_text("printf . >>%s\ntest \"$(cat)\" = r.io || exit 1\n"
                                            "echo '{\"Username\":\"u\",\"Secret\":\"s\"}'",
                                            calls);
    write_helper("counted", script);
    struct docker_engine engine = {.config = json_pack("{s:s}", "credsStore", "counted")};
    static const char *const images[] = {"r.io/a", "r.io/b:2", "q.io/a", "q.io/b", "r.io/a"};
    for (size_t i = 0; i < 5; i++) {
        cleanup_free char *auth = docker_registry_auth(&engine, images[i]);
        cr_expect(eq(int, auth != NULL, images[i][0] == 'r'));
    }
    expect_calls(calls, 2);
    docker_registry_forget(&engine, "q.io/z");
    for (size_t i = 0; i < 5; i++)
        free(docker_registry_auth(&engine, images[i]));
    expect_calls(calls, 3);
    json_decref(engine.config);
    json_decref(engine.credentials);
}

Test(docker_helper, failures) {
    write_helper("none", "echo 'credentials not found in native keychain'; exit 1");
    write_helper("garbage", "echo '{\"Username\":'");
    write_helper("wrong", "echo '[1]'");
    write_helper("fails", "echo '{\"Username\":\"u\",\"Secret\":\"s\"}'; exit 3");
    write_helper("flood", "yes");
    const char *names[] = {"none", "garbage", "wrong", "fails", "flood", "missing", "../none", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cleanup_free char *config = format_text("{\"credsStore\":\"%s\"}", names[i]);
        expect_auth(config, "ghcr.io/a", "none");
    }
    /* What the file has is then used. */
    expect_auth("{\"credsStore\":\"none\",\"auths\":{\"r.io\":{\"identitytoken\":\"T\"}}}",
                "r.io/a", "{\"identitytoken\":\"T\",\"serveraddress\":\"r.io\"}");
}

/* Whether the process of the id in a file has ended; a zombie has. */
static bool has_ended(const char *file) {
    long process = 0;
    char stat[64], state = 'Z';
    FILE *opened = fopen(file, "r");
    cr_assert(opened && fscanf(opened, "%ld", &process) == 1);
    fclose(opened);
    snprintf(stat, sizeof stat, "/proc/%ld/stat", process);
    opened = fopen(stat, "r");
    if (opened) {
        int read = fscanf(opened, "%*d (sleep) %c", &state);
        fclose(opened);
        return read != 1 || state == 'Z';
    }
    return true;
}

/* One that hangs with its output open, and one that has closed it, are ended at the deadline, with
 * what they started. */
Test(docker_helper, hangs, .timeout = 60) {
    cleanup_free char *file = format_text("%s/pid", folder);
    cleanup_free char *script = format_text("sleep 1000 & echo $! >%s; wait", file);
    write_helper("open", script);
    write_helper("closed", "exec >&-; sleep 1000");
    cr_expect(docker_credential_get("open", "x", 1000) == NULL);
    while (!has_ended(file)) /* SIGKILL is sent, and takes effect in its own time */
        usleep(1000);
    cr_expect(docker_credential_get("closed", "x", 200) == NULL);
}
