/* The flattened environment: its text, and that reading it gives the same environment. */
#include "unit/spec_fixture.h"

#include "base/memory.h"
#include "spec/paths.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(render, .init = fixture_begin, .fini = fixture_end);

static void write_sample(void) {
    mkdir("stacks", 0755);
    mkdir("stacks/redis", 0755);
    fixture_write("stacks/redis/redis.conf", "port 6379\n");
    fixture_write("stacks/token", "from file");
    fixture_write("dev.env", "REDIS_PASSWORD=hunter2\nTAG=7\n");
    fixture_stack("stacks/base.yaml",
                  "  volumes: {data: {}}\n"
                  "  networks: {z: {}, internal: {subnet: 10.0.0.0/8}}\n"
                  "  secrets: {redis-password: {env: REDIS_PASSWORD, default: pass}, token: {file: "
                  "token}}\n"
                  "  services:\n"
                  "    redis:\n"
                  "      mounts: [{target: /data, volume: data}]\n"
                  "      image: redis:${TAG}\n"
                  "      command: [redis-server, \"$${HOME}\", \"5\"]\n"
                  "      environment: {B: {secret: redis-password}, A: \"true\", GONE: 1}\n"
                  "      files:\n"
                  "        - {target: /etc/redis.conf, source: redis/redis.conf}\n"
                  "        - {target: /etc/acl, content: \"a ${secret:redis-password} $$5\\n\", "
                  "interpolate: true}\n"
                  "      networks: {z: {}, internal: {aliases: [r], ipv4Address: 10.0.0.9}}\n"
                  "      restart: no\n"
                  "    chaos: {image: c, when: chaos}\n");
    fixture_environment("  project: shop\n"
                        "  include: [stacks/base.yaml]\n"
                        "  envFiles: [dev.env, {path: ./my.env, required: false}]\n"
                        "  features: {chaos: false}\n"
                        "  services: {redis: {environment: {GONE: null}, when: \"!chaos\"}}\n");
}

static const char expected[] = "apiVersion: tse.io/v1alpha1\n"
                               "kind: Environment\n"
                               "metadata:\n"
                               "  name: dev\n"
                               "spec:\n"
                               "  project: shop\n"
                               "  envFiles:\n"
                               "  - dev.env\n"
                               "  - path: my.env\n"
                               "    required: false\n"
                               "  features:\n"
                               "    chaos: false\n"
                               "  networks:\n"
                               "    internal:\n"
                               "      subnet: 10.0.0.0/8\n"
                               "    z: {}\n"
                               "  volumes:\n"
                               "    data: {}\n"
                               "  secrets:\n"
                               "    redis-password:\n"
                               "      env: REDIS_PASSWORD\n"
                               "      default: pass\n"
                               "    token:\n"
                               "      file: stacks/token\n"
                               "  services:\n"
                               "    redis:\n"
                               "      image: redis:7\n"
                               "      command:\n"
                               "      - redis-server\n"
                               "      - $${HOME}\n"
                               "      - \"5\"\n"
                               "      environment:\n"
                               "        A: \"true\"\n"
                               "        B:\n"
                               "          secret: redis-password\n"
                               "      files:\n"
                               "      - source: stacks/redis/redis.conf\n"
                               "        target: /etc/redis.conf\n"
                               "      - content: |\n"
                               "          a ${secret:redis-password} $$5\n"
                               "        target: /etc/acl\n"
                               "        interpolate: true\n"
                               "      mounts:\n"
                               "      - volume: data\n"
                               "        target: /data\n"
                               "      networks:\n"
                               "        internal:\n"
                               "          ipv4Address: \"10.0.0.9\"\n"
                               "          aliases:\n"
                               "          - r\n"
                               "        z: {}\n"
                               "      restart: \"no\"\n";

Test(render, text) {
    write_sample();
    cr_expect_str_eq(fixture_render(false), expected);
}

static void expect_same_environment(bool json) {
    write_sample();
    cleanup_free char *revision = copy_text(fixture_must_read()->revision);
    cleanup_free char *rendered = copy_text(fixture_render(json));
    fixture_write("dev.yaml", rendered);
    const struct environment *environment = fixture_must_read();
    cr_expect_str_eq(environment->revision, revision);
    const struct service *redis = environment_service(environment, "redis");
    cr_expect_str_eq(redis->command.items[1], "${HOME}");
    cr_expect_str_eq(redis->environment[0].value, "true");
    cr_expect_str_eq(redis->environment[1].value, "hunter2");
    cr_expect_str_eq(redis->files[0].data, "a hunter2 $5\n");
    cr_expect(redis->files[0].secret);
    cr_expect_str_eq(redis->files[1].data, "port 6379\n");
    cr_expect_eq(redis->restart, RESTART_NO);
    cr_expect_null(environment_service(environment, "chaos"));
    cr_expect_str_eq(environment->secrets[1].value, "from file");
    cr_expect_str_eq(fixture_render(json), rendered);
}

Test(render, reads_to_the_same_environment) {
    expect_same_environment(false);
}

Test(render, reads_to_the_same_environment_as_json) {
    expect_same_environment(true);
}

Test(render, json) {
    write_sample();
    json_error_t error;
    json_t *root = json_loads(fixture_render(true), 0, &error);
    cr_assert(root, "%s", error.text);
    const char *image, *restart;
    int wrong = json_unpack(root, "{s:{s:{s:{s:s,s:s}}}}", "spec", "services", "redis", "image",
                            &image, "restart", &restart);
    cr_assert_eq(wrong, 0);
    cr_expect_str_eq(image, "redis:7");
    cr_expect_str_eq(restart, "no");
    json_decref(root);
}

Test(render, shows_no_secret) {
    write_sample();
    cr_expect_not(strstr(fixture_render(false), "hunter2"));
    cr_expect_not(strstr(fixture_printed(), "from file"));
    fixture_environment("  envFiles: [dev.env]\n"
                        "  secrets:\n"
                        "    a: {env: REDIS_PASSWORD}\n"
                        "  services: {x: {image: x}}\n");
    cr_expect_not(strstr(fixture_render(true), "hunter2"));
}

Test(render, shows_no_value_that_a_default_is_made_from) {
    fixture_set("FALLBACK=hunter2");
    fixture_environment("  secrets: {p: {env: PW, default: \"${FALLBACK}\"},\n"
                        "            q: {env: QW, default: \"a$$b\"}}\n"
                        "  services: {x: {image: x, environment: {A: {secret: p}}}}\n");
    cleanup_free char *revision = copy_text(fixture_must_read()->revision);
    cleanup_free char *rendered = copy_text(fixture_render(false));
    cr_expect(strstr(rendered, "default: ${FALLBACK}\n"), "%s", rendered);
    cr_expect(strstr(rendered, "default: a$$b\n"), "%s", rendered);
    cr_expect_not(strstr(rendered, "hunter2"));
    fixture_write("dev.yaml", rendered);
    const struct environment *environment = fixture_must_read();
    cr_expect_str_eq(environment->revision, revision);
    cr_expect_str_eq(environment->secrets[0].value, "hunter2");
    cr_expect(environment->secrets[0].is_default);
    cr_expect_str_eq(environment->secrets[1].value, "a$b");
    /* Nor can it be used where it would be shown. */
    expect_spec_error("  secrets: {p: {env: PW, default: \"${FALLBACK}\"}}\n"
                      "  services: {x: {image: x, environment: {A: \"${FALLBACK}\"}}}\n",
                      "services.x.environment.A: is made from a variable that a secret is read");
}

Test(render, needs_no_secret_values) {
    fixture_environment("  secrets: {a: {env: UNSET}}\n  services: {x: {image: x}}\n");
    cr_expect(strstr(fixture_render(false), "env: UNSET"));
}

Test(render, paths_are_relative_to_the_environment) {
    mkdir("environments", 0755);
    mkdir("manifests", 0755);
    fixture_write("manifests/a.conf", "a");
    fixture_stack("manifests/a.yaml",
                  "  services: {x: {image: x, files: [{source: a.conf, target: /a}, {source: "
                  "/etc/hostname, target: /b}]}}\n");
    fixture_environment("  include: [../manifests/a.yaml]\n");
    cr_assert(rename("dev.yaml", "environments/dev.yaml") == 0 && chdir("environments") == 0);
    const char *text = fixture_render(false);
    cr_expect(strstr(text, "- source: ../manifests/a.conf\n"), "%s", text);
    cr_expect(strstr(text, "- source: /etc/hostname\n"), "%s", text);
    cleanup_free char *revision = copy_text(fixture_must_read()->revision);
    /* Elsewhere it is the same. */
    cr_assert(chdir("..") == 0 && rename("environments", "elsewhere") == 0 &&
              chdir("elsewhere") == 0);
    cr_expect_str_eq(fixture_must_read()->revision, revision);
}

Test(render, paths_as_text) {
    static const struct {
        const char *from, *path, *beside, *back; /* back: as written canonically */
    } cases[] = {
        {"dev.yaml", "a", "a", "a"},
        {"e/dev.yaml", "a", "e/a", "a"},
        {"e/dev.yaml", "../m/a", "m/a", "../m/a"},
        {"e/f/dev.yaml", "../m/a", "e/m/a", "../m/a"},
        {"e/f/dev.yaml", "../../m/a", "m/a", "../../m/a"},
        {"e/dev.yaml", "../../a", "../a", "../../a"},
        {"../e/dev.yaml", "../m/a", "../m/a", "../m/a"},
        {"../e/dev.yaml", "../../a", "../../a", "../../a"},
        {"./e//dev.yaml", "./b/.././a", "e/a", "a"},
        {"/e/dev.yaml", "../m/a", "/m/a", "../m/a"},
        {"/dev.yaml", "../a", "/a", "a"},
        {"e/dev.yaml", "/m/../a", "/a", "/a"},
        {"e/dev.yaml", "..", ".", "../."},
    };
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *beside = path_beside(arena, cases[i].from, cases[i].path);
        cr_expect_str_eq(beside, cases[i].beside, "%s + %s: %s", cases[i].from, cases[i].path,
                         beside);
        const char *back = path_from(arena, cases[i].from, beside);
        cr_expect_str_eq(back, cases[i].back, "%s, %s: %s", cases[i].from, beside, back);
        cr_expect_str_eq(path_beside(arena, cases[i].from, back), beside);
    }
}
