/* Where the Docker engine is found, and which API version is agreed on. No engine is needed. */
#include "docker_server.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool lacks(const char *text, const char *part) {
    return strstr(text, part) == NULL;
}

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static char home[64];

static void setup(void) {
    static const char *const variables[] = {
        "DOCKER_HOST",       "DOCKER_CONTEXT",   "DOCKER_CONFIG",     "DOCKER_TLS",
        "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    strcpy(home, "/tmp/dockt-connect-XXXXXX");
    cr_assert(mkdtemp(home) != NULL);
    setenv("HOME", home, 1);
}

static int unlink_one(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void teardown(void) {
    nftw(home, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(docker_connect, .init = setup, .fini = teardown);

static void write_file(const char *path, const char *text) {
    cleanup_free char *full = format_text("%s/%s", home, path);
    for (char *slash = strchr(full + strlen(home) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void clear(struct docker_engine *engine) {
    char *owned[] = {engine->host,    engine->config_dir, engine->url,     engine->unix_socket,
                     engine->ca_file, engine->cert_file,  engine->key_file};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    json_decref(engine->config);
    *engine = (struct docker_engine){0};
}

/* The address found, or the error's text. */
static char *find(const char *host, const char *context) {
    struct docker_engine engine = {0};
    cleanup_error struct error error = ERROR_INIT;
    struct docker_options options = {.host = host, .context = context};
    char *result;
    if (docker_find_host(&engine, &options, &error) < 0) {
        cr_assert(error.code == ERROR_USAGE || error.code == ERROR_INPUT);
        result = format_text("error: %s", error_text(&error));
    } else {
        cleanup_free char *address = docker_address(&engine);
        result = format_text(
            "%s%s%s%s", address, strncmp(engine.url, "https", 5) == 0 ? " tls" : "",
            engine.endpoint.skip_verify ? " unverified" : "", engine.local ? " local" : "");
    }
    clear(&engine);
    return result;
}

static void expect(const char *host, const char *context, const char *expected) {
    cleanup_free char *found = find(host, context);
    cr_expect(eq(str, found, (char *)expected));
}

static void expect_error(const char *host, const char *context, const char *part) {
    cleanup_free char *found = find(host, context);
    cr_expect(strncmp(found, "error: ", 7) == 0 && contains(found, part), "\"%s\" lacks \"%s\"",
              found, part);
}

Test(docker_connect, default_socket) {
    expect(NULL, NULL, "unix:///var/run/docker.sock local");
}

Test(docker_connect, hosts) {
    expect("unix:///tmp/x.sock", NULL, "unix:///tmp/x.sock local");
    expect("unix://", NULL, "unix:///var/run/docker.sock local");
    expect("tcp://10.0.0.5:1234", NULL, "tcp://10.0.0.5:1234");
    expect("tcp://engine", NULL, "tcp://engine:2375");
    expect("engine:99", NULL, "tcp://engine:99");
    expect("tcp://[::1]:2375", NULL, "tcp://[::1]:2375");
    expect("tcp://engine:1/base/", NULL, "tcp://engine:1/base");
    expect("http://engine:1", NULL, "tcp://engine:1");
    expect("https://engine", NULL, "tcp://engine:2376 tls");
}

Test(docker_connect, bad_hosts) {
    expect_error("ssh://me@there", NULL, "ssh -nNT -L");
    expect_error("/var/run/docker.sock", NULL, "did you mean unix:///var/run/docker.sock");
    expect_error("npipe:////./pipe/docker", NULL, "not an engine's address that is supported");
    expect_error("tcp://", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://host:0", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://host:70000", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://host:", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://host:12x", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://a b:1", NULL, "write tcp://HOST:PORT");
    expect_error("tcp://user@host:1", NULL, "write tcp://HOST:PORT");
    expect_error("", NULL, "write tcp://HOST:PORT");
    char lengthy[200] = "unix:///";
    memset(lengthy + 8, 'x', 150);
    expect_error(lengthy, NULL, "107 bytes");
}

Test(docker_connect, variables) {
    setenv("DOCKER_HOST", "tcp://there:2000", 1);
    expect(NULL, NULL, "tcp://there:2000");
    expect("tcp://here:1", NULL, "tcp://here:1");
    setenv("DOCKER_HOST", "", 1);
    expect(NULL, NULL, "unix:///var/run/docker.sock local");
}

Test(docker_connect, tls_variables) {
    write_file("certs/ca.pem", "");
    write_file("certs/cert.pem", "");
    write_file("certs/key.pem", "");
    cleanup_free char *certs = format_text("%s/certs", home);
    cleanup_free char *ca = format_text("%s/ca.pem", certs);
    setenv("DOCKER_CERT_PATH", certs, 1);
    setenv("DOCKER_HOST", "tcp://there", 1);
    expect(NULL, NULL, "tcp://there:2375");
    setenv("DOCKER_TLS", "1", 1);
    expect(NULL, NULL, "tcp://there:2376 tls unverified");
    setenv("DOCKER_TLS_VERIFY", "1", 1);
    expect(NULL, NULL, "tcp://there:2376 tls");
    struct docker_engine engine = {0};
    cr_assert(docker_find_host(&engine, NULL, NULL) == 0);
    cr_expect(eq(str, (char *)engine.endpoint.ca_file, ca));
    cr_expect(engine.endpoint.cert_file && engine.endpoint.key_file);
    cr_expect(eq(str, engine.host, (char *)"there"));
    clear(&engine);
    cleanup_free char *key = format_text("%s/key.pem", certs);
    remove(key);
    expect_error(NULL, NULL, "only one of cert.pem and key.pem");
    setenv("DOCKER_HOST", "unix:///x", 1);
    expect(NULL, NULL, "unix:///x local");
}

static char *context_path(const char *name, const char *part, const char *file) {
    char command[128], id[65] = "";
    snprintf(command, sizeof command, "printf %%s '%s' | sha256sum", name);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe && fscanf(pipe, "%64s", id) == 1);
    pclose(pipe);
    return format_text(".docker/contexts/%s/%s/%s", part, id, file);
}

static void write_context(const char *name, const char *endpoint) {
    cleanup_free char *path = context_path(name, "meta", "meta.json");
    cleanup_free char *text = format_text(
        "{\"Name\":\"%s\",\"Metadata\":{},\"Endpoints\":{\"docker\":%s}}", name, endpoint);
    write_file(path, text);
}

Test(docker_connect, contexts) {
    write_context("remote", "{\"Host\":\"tcp://remote:5\",\"SkipTLSVerify\":false}");
    write_context("other", "{\"Host\":\"unix:///other.sock\"}");
    expect(NULL, "remote", "tcp://remote:5");
    setenv("DOCKER_CONTEXT", "remote", 1);
    expect(NULL, NULL, "tcp://remote:5");
    expect(NULL, "other", "unix:///other.sock local");
    expect("tcp://flag:1", NULL, "tcp://flag:1");
    expect_error("tcp://flag:1", "other", "give one of them");
    setenv("DOCKER_HOST", "tcp://variable:1", 1);
    expect(NULL, NULL, "tcp://variable:1");
    expect(NULL, "other", "unix:///other.sock local");
    expect(NULL, "default", "tcp://variable:1");
}

Test(docker_connect, configured_context) {
    write_file(".docker/config.json", "{\"currentContext\":\"remote\"}");
    expect_error(NULL, NULL, "context \"remote\" is not known");
    write_context("remote", "{\"Host\":\"tcp://remote\",\"SkipTLSVerify\":true}");
    expect(NULL, NULL, "tcp://remote:2376 tls unverified");
    write_context("remote", "{\"Host\":\"tcp://remote\"}");
    expect(NULL, NULL, "tcp://remote:2375");
    cleanup_free char *ca = context_path("remote", "tls", "docker/ca.pem");
    write_file(ca, "");
    expect(NULL, NULL, "tcp://remote:2376 tls");
    setenv("DOCKER_CONTEXT", "default", 1);
    expect(NULL, NULL, "unix:///var/run/docker.sock local");
}

Test(docker_connect, broken_files) {
    write_context("remote", "{}");
    expect_error(NULL, "remote", "has no docker endpoint");
    write_context("remote", "{\"Host\":\"ssh://me@there\"}");
    expect_error(NULL, "remote", "ssh -nNT -L");
    cleanup_free char *meta = context_path("remote", "meta", "meta.json");
    write_file(meta, "[]");
    expect_error(NULL, "remote", "not valid JSON");
    write_file(".docker/config.json", "{\n\"auths\": {\"x\": {\"auth\": \"cGFzcw==\"}");
    expect_error(NULL, NULL, "config.json:2:");
    cleanup_free char *found = find(NULL, NULL);
    cr_expect(lacks(found, "cGFzcw"), "shows what may be a password: %s", found);
    write_file("elsewhere/config.json", "{}");
    cleanup_free char *elsewhere = format_text("%s/elsewhere", home);
    setenv("DOCKER_CONFIG", elsewhere, 1);
    expect(NULL, NULL, "unix:///var/run/docker.sock local");
}

static void expect_version(const char *offered, const char *wanted, int minor) {
    cleanup_error struct error error = ERROR_INIT;
    cr_expect(eq(int, docker_negotiate(offered, wanted, &error), minor), "%s", error_text(&error));
    cr_expect(eq(int, minor < 0, error.code != ERROR_NONE));
}

Test(docker_connect, versions) {
    expect_version("1.41", NULL, 41);
    expect_version("1.44", "", 44);
    expect_version("1.54", NULL, 54);
    expect_version("1.60", NULL, 54);
    expect_version("1.54", "1.52", 52);
    expect_version("1.60", "1.54", 54);
    expect_version("1.60", "1.55", -1);
    expect_version("1.40", NULL, -1);
    expect_version("2.0", NULL, -1);
    expect_version(NULL, NULL, -1);
    expect_version("1.", NULL, -1);
    expect_version("1.4x", NULL, -1);
    expect_version("1.-4", NULL, -1);
    expect_version("1.99999999999", NULL, -1);
    expect_version("1.48", "1.43", 43);
    expect_version("1.43", "1.48", -1);
    expect_version("1.43", "1.40", -1);
    expect_version("1.99", "1.99", -1);
    expect_version("1.43", "newest", -1);
}

/* As it answers /_ping, podman 4 and 5. */
Test(docker_connect, podman_is_refused) {
    static const char *const headers[] = {
        "Api-Version: 1.41\r\nLibpod-API-Version: 4.3.1\r\nServer: Libpod/4.3.1 (linux)\r\n",
        "Api-Version: 1.41\r\nServer: Libpod/5.0.0 (linux)\r\n",
        "Api-Version: 1.41\r\nLibpod-API-Version: 4.3.1\r\nServer: nginx\r\n"};
    struct docker_server *server = docker_server_start();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct docker_answer_rule rules[] = {{"/_ping", 200, "OK", headers[i], NULL}, {0}};
        docker_server_say(server, rules);
        struct http_client *client = http_client_new(NULL);
        cleanup_error struct error error = ERROR_INIT;
        cr_expect(docker_engine_new(client, NULL, &error) == NULL);
        cr_expect(error.code == ERROR_FAILED && contains(error_text(&error), "is Podman"), "%s",
                  error_text(&error));
        http_client_free(client);
        docker_server_say(server, NULL);
    }
    unlink(server->path);
    rmdir(server->folder);
}
