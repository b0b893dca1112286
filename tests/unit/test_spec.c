/* From files to an environment: includes, overlays, variables, secrets, features, revisions. */
#include "unit/spec_fixture.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(spec, .init = fixture_begin, .fini = fixture_end);

/* --- includes and overlays -------------------------------------------------------------------- */

Test(spec, overlays_keep_the_positions_of_the_files) {
    mkdir("stacks", 0755);
    fixture_stack("stacks/base.yaml", "  networks: {internal: {}}\n"
                                      "  services:\n"
                                      "    redis:\n"
                                      "      image: redis:7\n"
                                      "      replicas: 0\n"
                                      "      environment: {A: 1, B: 2}\n"
                                      "      ports: [\"1:1\", \"2:2\"]\n");
    fixture_stack("stacks/more.yaml", "  services:\n"
                                      "    redis: {user: redis, environment: {B: 3, C: 4}}\n");
    fixture_environment("  include: [stacks/base.yaml, stacks/more.yaml]\n"
                        "  networks: {internal: {subnet: 10.0.0.0/8}}\n"
                        "  services:\n"
                        "    redis: {ports: [\"3:3\"], environment: {A: null}}\n");
    const struct environment *environment = fixture_must_read();
    const struct service *redis = environment_service(environment, "redis");
    cr_expect_str_eq(redis->image, "redis:7");
    cr_expect_str_eq(redis->user, "redis");
    cr_assert_eq(redis->environment_count, 2);
    cr_expect_str_eq(redis->environment[0].value, "3");
    cr_expect_str_eq(redis->environment[0].at.file, "stacks/more.yaml");
    cr_assert_eq(redis->port_count, 1);
    cr_expect_str_eq(redis->ports[0].at.file, "dev.yaml");
    cr_expect_str_eq(environment->networks[1].subnet, "10.0.0.0/8");
    /* What is wrong is said where it was written. */
    fixture_environment("  include: [stacks/base.yaml]\n"
                        "  services: {x: {image: x, dependsOn: [redis]}, redis: {user: \"\"}}\n");
    fixture_stack("stacks/base.yaml", "  services:\n    redis: {image: R}\n");
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:6:63: error: services.redis.user: \"\" is not a user such as 999, "
        "redis or 999:999\n"
        "    6 |   services: {x: {image: x, dependsOn: [redis]}, redis: {user: \"\"}}\n"
        "      |                                                               ^~\n"
        "stacks/base.yaml:6:20: error: services.redis.image: \"R\" is not an image "
        "such as redis:7-alpine (lower case, [HOST[:PORT]/]PATH[:TAG][@DIGEST])\n"
        "    6 |     redis: {image: R}\n"
        "      |                    ^\n");
}

Test(spec, errors_of_all_files_in_one_run) {
    fixture_stack("a.yaml", "  project: p\n  services: {a: {image: a, foo: 1}}\n");
    fixture_stack("b.yaml", "  services: {b: {imag: b}}\n");
    fixture_environment("  include: [a.yaml, b.yaml, c.yaml]\n  servces: {}\n");
    const char *printed = fixture_errors();
    cr_expect(strstr(printed, "a.yaml:5:3: error: \"project\" does not belong into a Stack\n"));
    cr_expect(strstr(printed, "help: declare it in the Environment that includes this\n"));
    cr_expect(strstr(printed, "a.yaml:6:28: error: services.a: unknown field \"foo\"\n"));
    cr_expect(strstr(printed, "b.yaml:5:18: error: services.b: unknown field \"imag\"\n"));
    cr_expect(strstr(printed,
                     "dev.yaml:5:29: error: include[2]: \"c.yaml\" cannot be read: no such "
                     "file, or no permission\n"));
    cr_expect(strstr(printed, "dev.yaml:6:3: error: unknown field \"servces\"\n"));
}

Test(spec, includes_of_includes) {
    mkdir("s", 0755);
    mkdir("s/t", 0755);
    fixture_stack("s/outer.yaml", "  include: [t/inner.yaml]\n"
                                  "  services: {x: {user: outer}}\n");
    fixture_stack("s/t/inner.yaml", "  services: {x: {image: x, user: inner, hostname: inner}}\n");
    fixture_environment("  include: [./s/../s/outer.yaml]\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    cr_expect_str_eq(x->user, "outer");
    cr_expect_str_eq(x->hostname, "inner");
}

/* Each Stack was laid over a copy of all before it, which took gigabytes. */
Test(spec, many_includes_of_much, .timeout = 20) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("  volumes:\n", out);
    for (int i = 0; i < 60000; i++)
        fprintf(out, "    v%d: {}\n", i);
    fclose(out);
    fixture_stack("big.yaml", text);
    free(text);
    out = open_memstream(&text, &size);
    fputs("  include: [big.yaml", out);
    for (int i = 0; i < 250; i++) {
        char name[32], spec[64];
        snprintf(name, sizeof name, "s%d.yaml", i);
        snprintf(spec, sizeof spec, "  volumes: {w%d: {}}\n", i);
        fixture_stack(name, spec);
        fprintf(out, ", %s", name);
    }
    fputs("]\n", out);
    fclose(out);
    fixture_environment(text);
    free(text);
    cr_expect_eq(fixture_must_read()->volume_count, 60250);
}

Test(spec, wrong_includes) {
    fixture_stack("a.yaml", "  include: [b.yaml]\n");
    fixture_stack("b.yaml", "  include: [a.yaml]\n");
    fixture_environment("  include: [a.yaml]\n");
    cr_expect_str_eq(fixture_errors(),
                     "b.yaml:5:13: error: include[0]: \"a.yaml\" includes itself, directly or "
                     "through others\n"
                     "    5 |   include: [a.yaml]\n"
                     "      |             ^~~~~~\n"
                     "      help: remove one of the includes\n");
    fixture_stack("b.yaml", "  services: {}\n");
    fixture_environment("  include: [a.yaml, b.yaml]\n");
    cr_expect(strstr(fixture_errors(), "dev.yaml:5:21: error: include[1]: \"b.yaml\" is already "
                                       "included at a.yaml:5\n"));
    fixture_environment("  include: [b.yaml, ./c/../b.yaml]\n");
    cr_expect(strstr(fixture_errors(), "include[1]: \"b.yaml\" is already included"));
    fixture_environment("  include: [dev.yaml]\n");
    cr_expect(strstr(fixture_errors(), "\"dev.yaml\" includes itself"));
    fixture_write("e.yaml", "apiVersion: tse.io/v1alpha1\nkind: Environment\nmetadata: {name: e}\n"
                            "spec: {}\n");
    fixture_environment("  include: [e.yaml]\n");
    cr_expect(strstr(fixture_errors(), "e.yaml:2:7: error: kind: this is an Environment, and only "
                                       "a Stack can be included\n"));
    fixture_environment("  include: a.yaml\n");
    cr_expect(strstr(fixture_errors(), "include: expected a list"));
    fixture_environment("  include: [[a]]\n");
    cr_expect(strstr(fixture_errors(), "include[0]: expected a path relative to this file"));
    mkdir("folder", 0755);
    fixture_environment("  include: [folder]\n");
    fixture_errors();
}

Test(spec, a_broken_include_hides_what_follows_from_it) {
    fixture_write("a.yaml", "a: [\n");
    fixture_environment("  include: [a.yaml]\n"
                        "  services: {x: {image: x, networks: {n: {}}, dependsOn: [y]}}\n");
    cr_expect_not(strstr(fixture_errors(), "not declared"), "%s", fixture_printed());
}

Test(spec, a_wrong_include_is_the_only_error) {
    const char *environment = "  include: [nowhere.yaml]\n"
                              "  services:\n"
                              "    x: {resources: {limits: {memory: 1Gi}}}\n"
                              "    y: {image: y, files: [{content: \"${secret:s}\", target: /y, "
                              "interpolate: true}]}\n";
    fixture_environment(environment);
    cr_expect_not(strstr(fixture_errors(), "\"image\" is missing"), "%s", fixture_printed());
    cr_expect_not(strstr(fixture_printed(), "not declared"), "%s", fixture_printed());
    cr_expect(strstr(fixture_printed(), "\"nowhere.yaml\" cannot be read"));
    fixture_write("nowhere.yaml", "a: [\n");
    cr_expect_not(strstr(fixture_errors(), "\"image\" is missing"), "%s", fixture_printed());
}

/* What is wrong with the YAML, but can be read, hides nothing else. */
Test(spec, duplicate_keys_and_all_other_errors) {
    fixture_environment("  secrets: {s: {<<: *nothing}}\n"
                        "  services:\n"
                        "    a:\n"
                        "      image: redis:7\n"
                        "      image: redis:8\n"
                        "      imagee: x\n"
                        "      ports: [\"70000:1\"]\n"
                        "      networks: {nowhere: {}}\n"
                        "    b: {<<: *nothing, user: \"\"}\n"
                        "    c: *nothing\n"
                        "    d: {image: *nothing, command: *nothing, ports: *nothing}\n"
                        "    e: {<<: 5}\n"
                        "    f: {5: image}\n");
    const char *printed = fixture_errors();
    static const char *const expected[] = {"dev.yaml:9:7: error: key \"image\" is there already",
                                           "services.a: unknown field \"imagee\"",
                                           "\"70000\" is not a port",
                                           "the network \"nowhere\" is not declared",
                                           "services.b.user: \"\" is not a user",
                                           "\"*nothing\" names no anchor",
                                           "\"<<\" can only merge maps",
                                           "key 5 is not a text"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(strstr(printed, expected[i]), "%s\nin: %s", expected[i], printed);
    cr_expect_not(strstr(printed, "is missing"), "%s", printed);
    cr_expect_not(strstr(printed, "has no value"), "%s", printed);
    cr_expect_not(strstr(printed, "expected"), "%s", printed);
}

Test(spec, null_that_removes_nothing_was_meant_to_declare) {
    fixture_environment("  volumes:\n"
                        "    data:\n"
                        "  services:\n"
                        "    x:\n"
                        "      image: x\n"
                        "      networks:\n"
                        "        internal:\n");
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:6:5: error: volumes.data: an empty value (null) removes the volume, but none is "
        "declared before it\n"
        "    6 |     data:\n"
        "      |     ^~~~\n"
        "      help: write data: {} to declare it, or take the line out\n"
        "dev.yaml:11:9: error: services.x.networks.internal: an empty value (null) removes the "
        "attachment, but none is declared before it\n"
        "   11 |         internal:\n"
        "      |         ^~~~~~~~\n"
        "      help: write internal: {} to declare it, or take the line out\n");
    fixture_stack("a.yaml", "  volumes: {data: {}}\n  services: {x: {image: x}}\n");
    fixture_environment("  include: [a.yaml]\n  volumes: {data: null}\n  services: {x: null}\n");
    const struct environment *environment = fixture_must_read();
    cr_expect_eq(environment->volume_count, 0);
    cr_expect_eq(environment->service_count, 0);
}

Test(spec, null_that_removes_nothing_is_not_dropped_in_silence) {
    static const struct {
        const char *fields, *message, *help;
    } cases[] = {
        {"dependsOn: {b: }", "dependsOn.b: an empty value (null) removes the dependency",
         "write b: started, or take the line out"},
        {"environment: {FOO: }", "environment.FOO: an empty value (null) removes the variable",
         "write FOO: \"\" for an empty value, FOO: ${FOO} to pass it on, or take"},
        {"ulimits: {nofile: }", "ulimits.nofile: an empty value (null) removes the ulimit",
         "write nofile: VALUE, or take the line out"},
        {"labels: {x: }", "labels.x: an empty value (null) removes the entry of `labels`",
         "write x: \"\" for an empty value, or take the line out"},
        {"logging: {options: {x: }}", "logging.options.x: an empty value", "write x: \"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cleanup_free char *fields = format_text("      %s\n", cases[i].fields);
        expect_service_error(fields, cases[i].message);
        cr_expect(strstr(fixture_printed(), cases[i].help), "%s", fixture_printed());
    }
    expect_spec_error("  features: {x: }\n", "features.x: an empty value (null) removes");
    fixture_stack("a.yaml",
                  "  services: {x: {image: x, environment: {A: 1, B: 2}, labels: {l: m},\n"
                  "    tmpfs: {/a: size=1m, /b: }}}\n");
    fixture_environment(
        "  include: [a.yaml]\n"
        "  services: {x: {environment: {A: }, labels: {l: }, tmpfs: {/a: , /c: }}}\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    cr_expect_eq(x->environment_count, 1);
    cr_expect_eq(x->labels.count, 0);
    cr_assert_eq(x->tmpfs.count, 2);
    cr_expect_str_eq(x->tmpfs.items[0].key, "/b");
    cr_expect_str_eq(x->tmpfs.items[1].key, "/c");
    cr_expect_str_eq(x->tmpfs.items[1].value, "");
}

/* --- variables and secrets -------------------------------------------------------------------- */

Test(spec, variables) {
    fixture_write("a.env", "TAG=1\nUSER_NAME=file\n");
    fixture_write("b.env", "TAG=2\n");
    fixture_set("USER_NAME=process");
    fixture_set("STACK=a");
    fixture_stack("a.yaml", "  services: {x: {image: \"x:${TAG}\"}}\n");
    fixture_environment("  envFiles: [a.env, b.env]\n"
                        "  include: [\"${STACK}.yaml\"]\n"
                        "  services: {x: {user: \"${USER_NAME}\", hostname: \"${H:-h$TAG}\", "
                        "labels: {a: $$TAG}}}\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    cr_expect_str_eq(x->image, "x:2");
    cr_expect_str_eq(x->user, "process");
    cr_expect_str_eq(x->hostname, "h2");
    cr_expect_str_eq(x->labels.items[0].value, "$TAG");
    fixture_environment("  services: {x: {image: \"x:${TAG:?which one}\"}}\n");
    cr_expect_str_eq(fixture_errors(),
                     "dev.yaml:5:28: error: services.x.image: variable \"TAG\" is required: which "
                     "one\n"
                     "    5 |   services: {x: {image: \"x:${TAG:?which one}\"}}\n"
                     "      |                            ^~~~~~~~~~~~~~~~~\n");
}

Test(spec, missing_env_file) {
    fixture_environment("  envFiles: [dev.env]\n");
    cr_expect(strstr(fixture_errors(), "dev.yaml:5:14: error: envFiles[0]: \"dev.env\" cannot be "
                                       "read: no such file, or no permission\n"));
    cr_expect(strstr(fixture_printed(), "help: paths are relative to the file that names them"));
    fixture_write("dev.env.example", "A=1\n");
    cr_expect(strstr(fixture_errors(), "help: copy \"dev.env.example\" to it and fill it in\n"));
}

Test(spec, optional_env_file) {
    const char *spec = "  envFiles: [{path: \"${F:-a.env}\", required: false}, b.env]\n"
                       "  services: {x: {image: \"x:${TAG:-1}\"}}\n";
    fixture_write("b.env", "");
    fixture_environment(spec);
    cr_expect_str_eq(environment_service(fixture_must_read(), "x")->image, "x:1");
    fixture_write("a.env", "TAG=2\n");
    cr_expect_str_eq(environment_service(fixture_must_read(), "x")->image, "x:2");
    /* Optional is that it is there, not that it is right. */
    fixture_write("a.env", "TAG\"\n");
    cr_expect(strstr(fixture_errors(), "a.env:1:"), "%s", fixture_printed());
    mkdir("d", 0755);
    expect_spec_error(
        "  envFiles: [{path: d, required: false}]\n",
        "dev.yaml:5:21: error: envFiles[0].path: \"d\" is a directory, not a regular");
    expect_spec_error("  include: [d]\n", "dev.yaml:5:13: error: include[0]: \"d\" is a directory");
    expect_spec_error("  envFiles: [{path: c.env, required: true}]\n",
                      "dev.yaml:5:21: error: envFiles[0].path: \"c.env\" cannot be read");
    expect_spec_error("  envFiles: [{path: c.env}]\n", "envFiles[0].path: \"c.env\" cannot");
    expect_spec_error("  envFiles: [{required: false}]\n", "envFiles[0]: \"path\" is missing");
    expect_spec_error("  envFiles: [{path: b.env, require: false}]\n",
                      "did you mean \"required\"?");
    expect_spec_error("  envFiles: [{path: b.env, required: no}]\n",
                      "envFiles[0].required: \"no\" is not true or false");
    expect_spec_error("  envFiles: [[b.env]]\n", "envFiles[0]: expected a path");
    expect_spec_error("  envFiles: [~]\n", "envFiles[0]: expected a path");
    expect_spec_error("  envFiles: {path: b.env}\n", "envFiles: expected a list");
}

Test(spec, secrets) {
    mkdir("s", 0755);
    fixture_write("s/token", "from file\r\n");
    fixture_stack("s/stack.yaml", "  secrets: {token: {file: token}}\n");
    fixture_set("SET=value");
    fixture_set("EMPTY=");
    fixture_set("SAME=fallback");
    fixture_environment("  include: [s/stack.yaml]\n"
                        "  secrets:\n"
                        "    a-set: {env: SET, default: fallback}\n"
                        "    b-empty: {env: EMPTY, default: fallback}\n"
                        "    c-same: {env: SAME, default: fallback}\n"
                        "    d-unset: {env: UNSET, file: nowhere, default: fallback}\n"
                        "    e-both: {env: SET, file: s/token}\n");
    const struct environment *environment = fixture_must_read();
    static const struct {
        const char *name, *value;
        bool is_default;
    } expected[] = {{"a-set", "value", false},    {"b-empty", "fallback", true},
                    {"c-same", "fallback", true}, {"d-unset", "fallback", true},
                    {"e-both", "value", false},   {"token", "from file", false}};
    cr_assert_eq(environment->secret_count, 6);
    for (size_t i = 0; i < 6; i++) {
        cr_expect_str_eq(environment->secrets[i].name, expected[i].name);
        cr_expect_str_eq(environment->secrets[i].value, expected[i].value);
        cr_expect_eq(environment->secrets[i].is_default, expected[i].is_default);
    }
}

Test(spec, secrets_without_a_value) {
    const char *spec = "  secrets:\n"
                       "    a: {env: A_PASSWORD}\n"
                       "    b: {}\n"
                       "    c: {file: nowhere}\n";
    fixture_environment(spec);
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:6:8: error: secrets.a: the secret has no value: the variable \"A_PASSWORD\" is "
        "not set\n"
        "    6 |     a: {env: A_PASSWORD}\n"
        "      |        ^\n"
        "      help: set A_PASSWORD in the process environment or an env file\n"
        "dev.yaml:7:8: error: secrets.b: the secret has no value: it names no variable, file or "
        "default\n"
        "    7 |     b: {}\n"
        "      |        ^\n"
        "      help: add env: VARIABLE, file: PATH or default: VALUE\n"
        "dev.yaml:8:15: error: secrets.c.file: \"nowhere\": no such file: check the name, which is "
        "relative to the file (or the directory) that names it\n"
        "    8 |     c: {file: nowhere}\n"
        "      |               ^~~~~~~\n");
    fixture_without_secrets = true;
    fixture_must_read();
}

Test(spec, default_secrets_are_refused_in_one_error) {
    fixture_set("SAME=one");
    fixture_set("GOOD=two");
    fixture_environment("  defaultSecrets: refuse\n"
                        "  secrets:\n"
                        "    a: {env: UNSET, default: x}\n"
                        "    b: {env: SAME, default: one}\n"
                        "    c: {env: GOOD, default: one}\n"
                        "    d: {env: MISSING}\n");
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:5:19: error: defaultSecrets: default secrets are refused: UNSET, SAME; secrets "
        "without a value: MISSING\n"
        "    5 |   defaultSecrets: refuse\n"
        "      |                   ^~~~~~\n"
        "      help: set these variables in the process environment or an env file, to values of "
        "your own\n");
    fixture_set("UNSET=y");
    fixture_set("MISSING=z");
    fixture_environment("  defaultSecrets: refuse\n"
                        "  secrets: {a: {env: UNSET, default: x}, d: {env: MISSING}}\n");
    fixture_must_read();
}

/* The list of names grew by copying it: 16,000 took all memory. */
Test(spec, so_many_refused_defaults_are_counted, .timeout = 30) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("  defaultSecrets: refuse\n  secrets:\n", out);
    for (int i = 0; i < 16000; i++)
        fprintf(out, "    s%05d: {env: E%05d, default: d}\n", i, i);
    fclose(out);
    fixture_environment(text);
    free(text);
    const char *printed = fixture_errors();
    cr_expect(strstr(printed, "default secrets are refused: E00000, E00001, "));
    cr_expect(strstr(printed, ", E00099 … and 15900 more\n"), "%s", printed);
    cr_expect_not(strstr(printed, "E00100"));
}

Test(spec, lines_with_a_literal_secret_are_not_quoted) {
    static const char *const specs[] = {
        "  secrets: {a: {env: 5x, default: hunter2}}\n",
        "  secrets: {a: {env: X, defualt: hunter2}}\n",
        "  secrets: {a: {env: X, value: {is: [hunter2]}}}\n",
        "  secrets: {a: hunter2}\n",
        "  secrets: {a: {default: [hunter2]}}\n",
        "  secrets: {a: {default: hunter2, default: hunter2}}\n",
        "  secrets:\n    a:\n      default: |\n        hunter1\n        hunter2 ${\n",
        "  secrets:\n    a:\n      default: \"hunter2\n",
        "  secrets:\n    a:\n      default:\n        hunter2\n       hunter2: 1\n",
        "  secrets:\n    a:\n      default hunter2\n      env: X\n",
        "  secrets:\n    a: {default: hunter2\n",
        "  secrets:\r    a:\r      default: hunter2: x\r",
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        fixture_environment(specs[i]);
        cr_expect_null(strstr(fixture_errors(), "hunter"), "%s", fixture_printed());
    }
    /* Other lines are. */
    expect_spec_error("  defaultSecrets: @x\n", "    5 |   defaultSecrets: @x\n");
    expect_spec_error("  secrets:\n    a:\n      default: hunter2\n      env: 5x\n",
                      "    8 |       env: 5x\n");
}

Test(spec, secrets_are_not_for_showing) {
    fixture_set("REDIS_PASSWORD=hunter2");
    const char *secrets = "  secrets: {redis-password: {env: REDIS_PASSWORD}}\n  services:\n";
    static const char *const fields[] = {
        "command: [redis-server, --requirepass, \"${REDIS_PASSWORD}\"]",
        "environment: {URL: \"redis://:${REDIS_PASSWORD}@redis\"}",
        "labels: {a: \"${REDIS_PASSWORD}\"}",
        "hostname: \"${REDIS_PASSWORD}\"",
        "replicas: \"${REDIS_PASSWORD}\"",
        "restart: \"${REDIS_PASSWORD}\"",
        "restart: \"on-failure:${REDIS_PASSWORD}\"",
        "readOnly: \"${REDIS_PASSWORD}\"",
        "pullPolicy: \"${REDIS_PASSWORD}\"",
        "ports: [\"${REDIS_PASSWORD}\"]",
        "ulimits: {nofile: \"${REDIS_PASSWORD}\"}",
        "resources: \"${REDIS_PASSWORD}\"",
        "healthcheck: {test: \"ping ${REDIS_PASSWORD}\"}",
        "healthcheck: {test: [CMD, \"${REDIS_PASSWORD}\"]}",
        "mounts: [{bind: \"/${REDIS_PASSWORD}\", target: /a}]",
        "files: [{source: \"${REDIS_PASSWORD}\", target: /a}]",
        "files: [{content: a, target: /a, mode: \"${REDIS_PASSWORD}\"}]",
        "tmpfs: [\"/${REDIS_PASSWORD}\"]",
        "networks: \"${REDIS_PASSWORD}\"",
        "dependsOn: [\"${REDIS_PASSWORD}\"]",
        "dns: [\"${REDIS_PASSWORD}\"]",
        "extraHosts: [\"${REDIS_PASSWORD}\"]",
        "stopSignal: \"${REDIS_PASSWORD}\"",
        "user: [\"${REDIS_PASSWORD}\"]",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        cleanup_free char *spec =
            format_text("%s    x:\n      image: x\n      %s\n", secrets, fields[i]);
        fixture_environment(spec);
        fixture_errors();
        cr_expect_not(strstr(fixture_printed(), "hunter2"), "%s", fixture_printed());
    }
    expect_spec_error("  secrets: {redis-password: {env: REDIS_PASSWORD}}\n"
                      "  services: {x: {image: x, labels: {a: \"${REDIS_PASSWORD}\"}}}\n",
                      "services.x.labels.a: is made from a variable that a secret is read from");
    cr_expect(strstr(fixture_printed(), "help: write {secret: redis-password} as the value"));
    /* The name of the variable may itself come from a variable. */
    fixture_set("PREFIX=REDIS");
    expect_spec_error("  secrets: {redis-password: {env: \"${PREFIX}_PASSWORD\"}}\n"
                      "  services: {x: {image: x, labels: {a: \"${REDIS_PASSWORD}\"}}}\n",
                      "services.x.labels.a: is made from a variable that a secret is read from");
}

/* A line break in a password of a Redis user would add rules to users.acl. */
Test(spec, characters_of_secrets) {
    const char *spec = "  secrets: {p: {env: PW, default: a-b, characters: -._A-Za-z0-9}}\n";
    fixture_environment(spec);
    fixture_must_read();
    fixture_set("PW=hunter2\nuser x on nopass +@all");
    fixture_environment(spec);
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:5:16: error: secrets.p: the value of \"PW\" holds a character that is "
        "none of -._A-Za-z0-9\n"
        "      help: set it to a value of these characters only\n");
    fixture_write("token", "\u00e9");
    expect_spec_error("  secrets: {p: {file: token, characters: \"!-~\"}}\n",
                      "the value of \"token\" holds a character that is none of !-~");
    expect_spec_error("  secrets: {p: {default: \"a b\", characters: \"!-~\"}}\n",
                      "the value of \"default\" holds a character");
    expect_spec_error("  secrets: {p: {default: a, characters: z-a}}\n",
                      "secrets.p.characters: \"z-a\" is not a set of characters");
    expect_spec_error("  secrets: {p: {default: a, characters: \"a b\"}}\n", "is not a set of");
    expect_spec_error("  secrets: {p: {default: a, characters: \"\"}}\n", "is not a set of");
}

Test(spec, length_of_secrets) {
    const char *spec = "  secrets: {t: {env: TOKEN, default: eightbyt, minLength: 8}}\n";
    fixture_environment(spec);
    fixture_must_read();
    fixture_set("TOKEN=short");
    fixture_environment(spec);
    cr_expect_str_eq(fixture_errors(),
                     "dev.yaml:5:16: error: secrets.t: the value of \"TOKEN\" is shorter than 8 "
                     "bytes\n"
                     "      help: set it to a longer one\n");
}

Test(spec, conflicts_of_an_overlay_are_reported_in_it) {
    fixture_stack("a.yaml", "  services: {x: {image: x, healthcheck: {http: {port: 1}}}}\n");
    fixture_environment("  include: [a.yaml]\n"
                        "  services: {x: {healthcheck: {test: [CMD, x]}}}\n");
    cr_expect_str_eq(
        fixture_errors(),
        "dev.yaml:6:32: error: services.x.healthcheck.test: there is \"http\" already (a.yaml:5)\n"
        "    6 |   services: {x: {healthcheck: {test: [CMD, x]}}}\n"
        "      |                                ^~~~\n"
        "      help: write http: null beside it to replace that\n");
    fixture_environment("  include: [a.yaml]\n"
                        "  services: {x: {healthcheck: {http: null, test: [CMD, x]}}}\n");
    cr_expect_eq(fixture_must_read()->services[0].healthcheck.kind, CHECK_TEST);
}

/* Includes and the names of variables are looked up before all secrets are known. */
Test(spec, secrets_are_not_shown_by_what_is_read_first) {
    fixture_set("PW=hunter2");
    static const char *const specs[] = {
        "  include: [\"${PW}\"]\n  secrets: {p: {env: PW}}\n",
        "  include: [\"${PW:?}${U:?${PW}}\"]\n  secrets: {p: {env: PW}}\n",
        "  envFiles: [\"${PW}\"]\n  secrets: {p: {env: PW}}\n",
        "  envFiles: [{path: \"${PW}.env\"}]\n  secrets: {p: {env: PW}}\n",
        "  envFiles: [{path: x.env, required: \"${PW}\"}]\n  secrets: {p: {env: PW}}\n",
        "  secrets: {p: {env: PW}, q: {env: \"${PW}\"}}\n",
        "  secrets: {p: {env: PW}, q: {env: \"0${PW}\"}}\n",
        "  secrets: {p: {env: PW}, q: {env: \"${PW}\"}}\n  defaultSecrets: refuse\n",
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        fixture_environment(specs[i]);
        cr_expect_not(strstr(fixture_errors(), "hunter2"), "%s", fixture_printed());
    }
    fixture_environment("  include: [\"${PW}/a.yaml\"]\n");
    cr_expect(strstr(fixture_errors(), "include[0]: \"${PW}/a.yaml\" cannot be read"));
    fixture_environment("  secrets: {p: {env: PW}, q: {env: \"${PW}\"}}\n");
    cr_expect(strstr(fixture_errors(), "secrets.q.env: is made from a variable that a secret"));
}

/* --- files ------------------------------------------------------------------------------------ */

Test(spec, files_are_relative_to_the_file_that_declares_them) {
    mkdir("stacks", 0755);
    mkdir("stacks/redis", 0755);
    fixture_write("stacks/redis/redis.conf", "stack\n");
    fixture_write("own.conf", "own\n");
    fixture_stack("stacks/redis.yaml",
                  "  services:\n"
                  "    x: {image: x, files: [{source: redis/redis.conf, target: /a}]}\n"
                  "    y: {image: y, files: [{source: redis/redis.conf, target: /a}]}\n");
    fixture_environment("  include: [stacks/redis.yaml]\n"
                        "  services: {y: {files: [{source: own.conf, target: /a}]}}\n");
    const struct environment *environment = fixture_must_read();
    cr_expect_str_eq(environment_service(environment, "x")->files[0].data, "stack\n");
    cr_expect_str_eq(environment_service(environment, "y")->files[0].data, "own\n");
}

Test(spec, interpolated_files) {
    fixture_set("PASSWORD=hunter2");
    fixture_set("NAME=world");
    fixture_write("plain", "hello ${NAME}");
    fixture_write("acl", "user a >${secret:password}\n");
    fixture_environment("  secrets: {password: {env: PASSWORD}}\n"
                        "  services:\n"
                        "    x:\n"
                        "      image: x\n"
                        "      files:\n"
                        "        - {source: plain, target: /a, interpolate: true}\n"
                        "        - {source: plain, target: /b}\n"
                        "        - {source: acl, target: /c, interpolate: true}\n"
                        "        - {content: \"p=${PASSWORD}\", target: /d, interpolate: true}\n"
                        "        - {content: \"p=${PASSWORD}\", target: /e}\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    static const struct {
        const char *data;
        bool secret;
    } expected[] = {{"hello world", false},
                    {"hello ${NAME}", false},
                    {"user a >hunter2\n", true},
                    {"p=hunter2", true},
                    {"p=${PASSWORD}", false}};
    for (size_t i = 0; i < 5; i++) {
        cr_expect_str_eq(x->files[i].data, expected[i].data);
        cr_expect_eq(x->files[i].size, strlen(expected[i].data));
        cr_expect_eq(x->files[i].secret, expected[i].secret);
    }
}

Test(spec, content_shared_by_an_alias) {
    fixture_set("NAME=world");
    fixture_environment("  services:\n"
                        "    x:\n"
                        "      image: x\n"
                        "      files: [{content: &c \"hello ${NAME}\", target: /a}]\n"
                        "      environment: {A: *c}\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    cr_expect_str_eq(x->files[0].data, "hello ${NAME}");
    cr_expect_str_eq(x->environment[0].value, "hello world");
}

Test(spec, errors_inside_files) {
    fixture_write("acl", "one\nuser a >${secret:passwort}\n");
    fixture_environment(
        "  secrets: {password: {default: a}}\n"
        "  services:\n"
        "    x: {image: x, files: [{source: acl, target: /c, interpolate: true}]}\n");
    cr_expect_str_eq(fixture_errors(),
                     "acl:2:9: error: services.x.files[0].source: the secret \"passwort\" is not "
                     "declared\n"
                     "    2 | user a >${secret:passwort}\n"
                     "      |         ^\n"
                     "      help: did you mean \"password\"?\n");
    fixture_environment("  services:\n"
                        "    x: {image: x, files: [{source: redis.conf, target: /c}]}\n");
    cr_expect(strstr(fixture_errors(), "dev.yaml:6:36: error: services.x.files[0].source: "
                                       "\"redis.conf\": no such file"));
    fixture_environment("  services:\n"
                        "    x: {image: x, files: [{source: /dev/zero, target: /c}]}\n");
    cr_expect(strstr(fixture_errors(), "not a regular file"));
    mkfifo("pipe", 0600);
    fixture_environment("  services:\n"
                        "    x: {image: x, files: [{source: pipe, target: /c}]}\n");
    cr_expect(strstr(fixture_errors(), "not a regular file"));
}

Test(spec, all_problems_of_a_file_where_they_are) {
    fixture_write("acl", "\u00e9 ${secret:nothing} ${A:?a}\r\n${secret:passwort}\r${ \n");
    fixture_environment(
        "  secrets: {password: {default: a}}\n"
        "  services:\n"
        "    x: {image: x, files: [{source: acl, target: /c, interpolate: true}]}\n");
    const char *printed = fixture_errors();
    static const char *const expected[] = {
        "acl:1:3: error: services.x.files[0].source: the secret \"nothing\" is not declared\n",
        "acl:1:21: error: services.x.files[0].source: variable \"A\" is required: a\n",
        "acl:2:1: error: services.x.files[0].source: the secret \"passwort\" is not declared\n",
        "acl:3:1: error: services.x.files[0].source: \"${\" is never closed"};
    for (size_t i = 0; i < 4; i++)
        cr_expect(strstr(printed, expected[i]), "%s\nin: %s", expected[i], printed);
}

Test(spec, unset_variables_in_files) {
    fixture_write("conf", "level=${LEVEL}\nname=${NAME:-}\n");
    fixture_write("acl", "user >${secret:password}\nuser >${OTHER}\n");
    fixture_environment("  secrets: {password: {default: a}}\n"
                        "  services:\n"
                        "    x:\n"
                        "      image: x\n"
                        "      files:\n"
                        "        - {source: conf, target: /a, interpolate: true}\n"
                        "        - {content: \"${INLINE}\", target: /b, interpolate: true}\n"
                        "        - {source: acl, target: /c, interpolate: true}\n");
    const char *printed = fixture_errors();
    cr_expect(strstr(printed,
                     "conf:1:7: warning: services.x.files[0].source: variable \"LEVEL\" is "
                     "not set; it is replaced by nothing\n"),
              "%s", printed);
    cr_expect(strstr(printed, "dev.yaml:11:21: warning: services.x.files[1].content: variable "
                              "\"INLINE\" is not set"));
    cr_expect(strstr(printed, "acl:2:7: error: services.x.files[2].source: variable \"OTHER\" is "
                              "not set, in a file that holds secrets\n"
                              "    2 | user >${OTHER}\n"
                              "      |       ^~~~~~\n"));
    cr_expect_not(strstr(printed, "NAME"));
}

Test(spec, folders) {
    mkdir("conf", 0755);
    mkdir("conf/sub", 0755);
    mkdir("conf/..data", 0755);
    fixture_write("conf/b", "b");
    fixture_write("conf/.hidden", "h");
    fixture_write("conf/sub/a", "a");
    fixture_write("conf/..data/x", "x");
    fixture_environment(
        "  services:\n"
        "    x: {image: x, files: [{source: conf, target: /etc/x/, mode: \"0600\"}]}\n");
    const struct service *x = environment_service(fixture_must_read(), "x");
    cr_assert_eq(x->file_count, 3);
    cr_expect_str_eq(x->files[0].target, "/etc/x/.hidden");
    cr_expect_str_eq(x->files[1].target, "/etc/x/b");
    cr_expect_str_eq(x->files[2].target, "/etc/x/sub/a");
    cr_expect_str_eq(x->files[2].data, "a");
    cr_expect_eq(x->files[2].mode, 0600);
    cr_expect_str_eq(x->files[2].source, "conf");
}

Test(spec, folders_have_bounds) {
    mkdir("many", 0755);
    for (int i = 0; i < 1001; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%d", i);
        fixture_write(name, "");
    }
    fixture_environment("  services: {x: {image: x, files: [{source: many, target: /m}]}}\n");
    cr_expect(strstr(fixture_errors(), "the service has more than 1000 files"));
    char *text = NULL;
    size_t size = 0;
    FILE *inline_files = open_memstream(&text, &size);
    fputs("  services:\n    x:\n      image: x\n      files:\n", inline_files);
    for (int i = 0; i < 1001; i++)
        fprintf(inline_files, "      - {content: c, target: /f%d}\n", i);
    fclose(inline_files);
    fixture_environment(text);
    free(text);
    cr_expect(strstr(fixture_errors(), "services.x.files[1000].content: the service has more than "
                                       "1000 files"));
    char path[256] = "deep";
    mkdir(path, 0755);
    for (int i = 0; i < 20; i++) {
        strcat(path, "/d");
        mkdir(path, 0755);
    }
    fixture_environment("  services: {x: {image: x, files: [{source: deep, target: /m}]}}\n");
    cr_expect(strstr(fixture_errors(), "is more than 16 folders deep"));
    FILE *out = fopen("big", "w");
    cr_assert(out && ftruncate(fileno(out), (17 << 20)) == 0);
    fclose(out);
    fixture_environment("  services: {x: {image: x, files: [{source: big, target: /m}]}}\n");
    cr_expect(strstr(fixture_errors(), "\"big\": it has 17825792 bytes, more than the 16 MiB"));
}

Test(spec, empty_folders_are_worth_a_word) {
    mkdir("empty", 0755);
    mkdir("empty/inner", 0755);
    fixture_environment("  services: {x: {image: x, files: [{source: empty, target: /m}]}}\n");
    fixture_must_read();
    cr_expect(strstr(fixture_printed(), "dev.yaml:5:45: warning: services.x.files[0].source: the "
                                        "folder \"empty\" holds no file\n"),
              "%s", fixture_printed());
}

/* --- features --------------------------------------------------------------------------------- */

Test(spec, features) {
    fixture_environment("  features: {chaosScenarios: true, realMarketData: false}\n"
                        "  services:\n"
                        "    a: {image: a, when: chaosScenarios}\n"
                        "    b: {image: b, when: \"!chaosScenarios\"}\n"
                        "    c: {image: c, when: realMarketData}\n"
                        "    d: {image: d, when: \"!realMarketData\"}\n"
                        "    e: {image: e}\n");
    const struct environment *environment = fixture_must_read();
    cr_assert_eq(environment->service_count, 3);
    cr_expect_str_eq(environment->services[0].name, "a");
    cr_expect_str_eq(environment->services[1].name, "d");
    cr_expect_str_eq(environment->services[2].name, "e");
    expect_spec_error("  features: {chaosScenarios: true}\n"
                      "  services: {x: {image: x, when: chaosScenario}}\n",
                      "dev.yaml:6:34: error: services.x.when: the feature \"chaosScenario\" is not "
                      "declared\n");
    cr_expect(strstr(fixture_printed(), "help: did you mean \"chaosScenarios\"?"));
    expect_service_error("      when: \"! a\"\n", "\"! a\" is not the name of a feature, or !");
}

Test(spec, what_is_switched_off_is_read_but_not_looked_up) {
    fixture_environment("  features: {a: false}\n"
                        "  services:\n"
                        "    x: {image: x, when: a, networks: {nowhere: {}}, files: [{source: "
                        "nothing, target: /a}]}\n");
    fixture_must_read();
    expect_spec_error("  features: {a: false}\n"
                      "  services: {x: {image: x, when: a, imag: y}}\n",
                      "unknown field \"imag\"");
}

/* --- order and revision ----------------------------------------------------------------------- */

Test(spec, everything_is_sorted) {
    fixture_environment("  networks: {z: {}, a: {}}\n"
                        "  volumes: {z: {}, a: {}}\n"
                        "  secrets: {z: {default: a}, a: {default: a}}\n"
                        "  services:\n"
                        "    z: {image: z, dependsOn: {b: started, a: started}, files: [{content: "
                        "a, target: /z}, {content: a, target: /a}]}\n"
                        "    b: {image: b, ulimits: {nproc: 1, core: 1}, sysctls: {b: 1, a: 1}}\n"
                        "    a: {image: a, networks: {z: {}, a: {}}, environment: {Z: 1, A: 1}}\n");
    const struct environment *environment = fixture_must_read();
    cr_expect_str_eq(environment->networks[0].name, "a");
    cr_expect_str_eq(environment->volumes[0].name, "a");
    cr_expect_str_eq(environment->secrets[0].name, "a");
    cr_expect_str_eq(environment->services[0].name, "a");
    cr_expect_str_eq(environment->services[0].networks[0].network, "a");
    cr_expect_str_eq(environment->services[0].environment[0].name, "A");
    cr_expect_str_eq(environment->services[1].ulimits[0].name, "core");
    cr_expect_str_eq(environment->services[1].sysctls.items[0].key, "a");
    cr_expect_str_eq(environment->services[2].depends_on[0].service, "a");
    cr_expect_str_eq(environment->services[2].files[0].target, "/a");
}

static char *revision(const char *spec) {
    fixture_environment(spec);
    return copy_text(fixture_must_read()->revision);
}

static void expect_revision(const char *left, const char *right, bool same) {
    cleanup_free char *a = revision(left);
    cleanup_free char *b = revision(right);
    cr_expect_eq(strcmp(a, b) == 0, same, "%s\n%s", left, right);
    cr_expect_eq(strspn(a, "0123456789abcdef"), 16);
}

Test(spec, revision) {
    fixture_set("TAG=1");
    fixture_set("PASSWORD=hunter2");
    const char *base = "  services: {x: {image: \"x:1\", user: u}}\n";
    expect_revision(base,
                    "  services:\n    # order, quotes and layout do not count\n"
                    "    x:\n      user: u\n      image: x:${TAG}\n",
                    true);
    expect_revision(base, "  services: {x: {image: \"x:2\", user: u}}\n", false);
    expect_revision(base, "  services: {x: {image: \"x:1\", user: u}}\n  volumes: {v: {}}\n",
                    false);
    const char *file = "  services: {x: {image: x, files: [{source: f, target: /f}]}}\n";
    fixture_write("f", "one");
    cleanup_free char *before = revision(file);
    fixture_write("f", "two");
    cleanup_free char *after = revision(file);
    cr_expect_str_neq(before, after);
}

Test(spec, revision_does_not_depend_on_secrets) {
    static const char spec[] = "  secrets: {s: {env: S, default: %s}}\n"
                               "  services: {x: {image: x, environment: {A: {secret: s}}, files: "
                               "[{content: \"${secret:s}\""
                               ", target: /f, interpolate: true}]}}\n";
    cleanup_free char *one = format_text(spec, "one");
    cleanup_free char *two = format_text(spec, "two");
    expect_revision(one, two, true);
}

/* A few of these take minutes when each is looked for among all others. */
Test(spec, many_secrets_and_dependencies, .timeout = 30) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("  secrets:\n", out);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "    s%d: {env: E%d, default: d}\n", i, i);
    fputs("  services:\n    x:\n      image: x\n      dependsOn: [a", out);
    for (int i = 0; i < 100000; i++)
        fprintf(out, ", d%d", i);
    fputs("]\n", out);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "    s%d: {image: \"${E%d:-x}\", when: f%d}\n", i, i, i);
    fclose(out);
    fixture_environment(text);
    free(text);
    cr_expect(strstr(fixture_errors(), "is made from a variable that a secret is read from"));
}

Test(spec, ten_thousand_services) {
    size_t size = 0;
    char *spec = NULL;
    FILE *out = open_memstream(&spec, &size);
    fprintf(out, "  networks: {n: {subnet: 10.0.0.0/8}}\n  services:\n");
    for (int i = 0; i < 10000; i++)
        fprintf(out,
                "    s%05d:\n      image: a\n      dependsOn: [s%05d]\n"
                "      networks: {n: {ipv4Address: 10.1.%d.%d}}\n",
                i, i == 0 ? 9999 : i - 1 + (i == 1 ? 0 : 0), i / 250, i % 250 + 1);
    fclose(out);
    char *cycle = strstr(spec, "[s09999]");
    memcpy(cycle, "[]      ", 8);
    fixture_environment(spec);
    cr_expect_eq(fixture_must_read()->service_count, 10000);
    free(spec);
}
