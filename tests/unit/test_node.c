/* Trees: looking up, JSON Merge Patch (RFC 7386), writing YAML and JSON. */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/node.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct diagnostics *diagnostics;

static void setup(void) {
    arena = arena_new();
    diagnostics = diagnostics_new();
}

static void teardown(void) {
    arena_free(arena);
    diagnostics_free(diagnostics);
}

static struct node *read_as(const char *file, const char *text) {
    struct node *node = yaml_read_text(arena, file, text, strlen(text), diagnostics);
    if (!node)
        diagnostics_print(diagnostics, stderr, false);
    cr_assert_not_null(node, "cannot read %s", text);
    return node;
}

static struct node *read(const char *text) {
    return read_as("test.yaml", text);
}

typedef void writer(const struct node *node, FILE *out);

static const char *written(writer *write, const struct node *node) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    write(node, out);
    fclose(out);
    const char *copy = arena_copy(arena, text);
    free(text);
    return copy;
}

static const char *json(const struct node *node) {
    char *text = (char *)written(node_write_json, node);
    char *out = text;
    /* One line: the tests' texts hold no spaces of their own. */
    for (const char *in = text; *in; in++) {
        if (*in != '\n' && *in != ' ')
            *out++ = *in;
    }
    *out = '\0';
    return text;
}

/* --- merging ---------------------------------------------------------------------------------- */

Test(merge, appendix_a_of_the_rfc, .init = setup, .fini = teardown) {
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node *target = read(cases[i][0]);
        struct node *patch = read(cases[i][1]);
        cr_expect_str_eq(json(node_merge(arena, target, patch)), cases[i][2]);
        /* Merging shares nodes but changes none. */
        cr_expect_str_eq(json(target), cases[i][0]);
        cr_expect_str_eq(json(patch), cases[i][1]);
    }
}

Test(merge, nothing, .init = setup, .fini = teardown) {
    struct node *node = read("{\"a\":1}");
    cr_expect_eq(node_merge(arena, node, NULL), node);
    cr_expect_str_eq(json(node_merge(arena, NULL, node)), "{\"a\":1}");
    cr_expect_null(node_merge(arena, NULL, NULL));
    cr_expect_str_eq(json(node_merge(arena, NULL, read("{a: {b: null, c: {d: ~}}}"))),
                     "{\"a\":{\"c\":{}}}");
}

Test(merge, positions, .init = setup, .fini = teardown) {
    struct node *base = read_as("base.yaml", "services:\n  redis:\n    image: a\n    user: b\n");
    struct node *patch =
        read_as("over.yaml", "# over\nservices:\n  redis: {image: c, init: true}\n");
    struct node *merged = node_merge(arena, base, patch);
    struct node *redis = node_get(node_get(merged, "services"), "redis");
    /* A map that only gets fields changed stays where it was declared. */
    cr_expect_str_eq(redis->at.file, "base.yaml");
    cr_expect_str_eq(node_entry(node_get(merged, "services"), "redis")->at.file, "base.yaml");
    struct node *image = node_get(redis, "image");
    cr_expect_str_eq(image->at.file, "over.yaml");
    cr_expect(image->at.line == 3 && image->at.column == 18, "%u:%u", image->at.line,
              image->at.column);
    cr_expect_str_eq(node_entry(redis, "image")->at.file, "over.yaml");
    cr_expect_str_eq(node_get(redis, "user")->at.file, "base.yaml");
    cr_expect_str_eq(node_entry(redis, "init")->at.file, "over.yaml");
    /* Fields keep the order they were declared in. */
    cr_expect_str_eq(json(redis), "{\"image\":\"c\",\"user\":\"b\",\"init\":true}");
}

Test(merge, many_keys, .init = setup, .fini = teardown) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "k%d: %d\n", i, i);
    fclose(out);
    struct node *base = read(text);
    struct node *patch = read("k0: null\nk17: x\nk19999: y\nnew: z\n");
    struct node *merged = node_merge(arena, base, patch);
    cr_assert_eq(merged->count, 20000);
    cr_expect_null(node_get(merged, "k0"));
    cr_expect_str_eq(node_get(merged, "k17")->text, "x");
    cr_expect_str_eq(node_get(merged, "k19999")->text, "y");
    cr_expect_str_eq(merged->entries[19999].key, "new");
    free(text);
}

Test(lookup, all, .init = setup, .fini = teardown) {
    struct node *node = read("{a: 1, b: null}");
    cr_expect_str_eq(node_get(node, "a")->text, "1");
    cr_expect_eq(node_get(node, "b")->kind, NODE_NULL);
    cr_expect_null(node_get(node, "c"));
    cr_expect_null(node_get(NULL, "a"));
    cr_expect_null(node_get(node_get(node, "a"), "a"));
    cr_expect_eq(node_entry(node, "b")->at.column, 8);
}

/* --- scalars ---------------------------------------------------------------------------------- */

Test(scalars, core_schema) {
    static const struct {
        const char *text;
        enum scalar_type type;
    } cases[] = {
        {"", SCALAR_NULL},        {"~", SCALAR_NULL},       {"null", SCALAR_NULL},
        {"Null", SCALAR_NULL},    {"NULL", SCALAR_NULL},    {"nULL", SCALAR_STRING},
        {"true", SCALAR_BOOL},    {"True", SCALAR_BOOL},    {"TRUE", SCALAR_BOOL},
        {"false", SCALAR_BOOL},   {"tRue", SCALAR_STRING},  {"yes", SCALAR_STRING},
        {"on", SCALAR_STRING},    {"0", SCALAR_INTEGER},    {"-1", SCALAR_INTEGER},
        {"+5", SCALAR_INTEGER},   {"007", SCALAR_INTEGER},  {"0x1F", SCALAR_INTEGER},
        {"0o17", SCALAR_INTEGER}, {"0x", SCALAR_STRING},    {"0o8", SCALAR_STRING},
        {"-0x1", SCALAR_STRING},  {"1_000", SCALAR_STRING}, {"1.5", SCALAR_FLOAT},
        {".5", SCALAR_FLOAT},     {"5.", SCALAR_FLOAT},     {"1e3", SCALAR_FLOAT},
        {"1E-3", SCALAR_FLOAT},   {"-.5e+1", SCALAR_FLOAT}, {".", SCALAR_STRING},
        {"1e", SCALAR_STRING},    {"e3", SCALAR_STRING},    {".inf", SCALAR_FLOAT},
        {"-.INF", SCALAR_FLOAT},  {".nan", SCALAR_FLOAT},   {"-.nan", SCALAR_STRING},
        {"inf", SCALAR_STRING},   {"-", SCALAR_STRING},     {"+", SCALAR_STRING},
        {"1.2.3", SCALAR_STRING}, {"22:22", SCALAR_STRING}, {"256Mi", SCALAR_STRING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(scalar_type(cases[i].text), cases[i].type, "\"%s\"", cases[i].text);
}

/* --- writing ---------------------------------------------------------------------------------- */

Test(write, json_of_scalars, .init = setup, .fini = teardown) {
    static const char *const cases[][2] = {
        {"5", "5"},
        {"\"5\"", "\"5\""},
        {"+5", "5"},
        {"-007", "-7"},
        {"000", "0"},
        {"0x1F", "31"},
        {"0o17", "15"},
        {"0xfffffffffffffffff", "\"0xfffffffffffffffff\""},
        {"1.50", "1.50"},
        {".5", "0.5"},
        {"5.", "5.0"},
        {"-.5e3", "-0.5e3"},
        {"01.5", "1.5"},
        {"1E+3", "1E+3"},
        {".inf", "\".inf\""},
        {".nan", "\".nan\""},
        {"true", "true"},
        {"False", "false"},
        {"'true'", "\"true\""},
        {"~", "null"},
        {"yes", "\"yes\""},
        {"\"a\\tb\\\"\\\\\\u0001\"", "\"a\\tb\\\"\\\\\\u0001\""},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"\u00e9", "\"\u00e9\""},
        {"[]", "[]"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(json(read(cases[i][0])), cases[i][1], "%s", cases[i][0]);
}

Test(write, json_of_what_is_not_utf8, .init = setup, .fini = teardown) {
    const struct node node = {.kind = NODE_SCALAR, .text = "a\xff", .quoted = true};
    cr_expect_str_eq(written(node_write_json, &node), "\"a\\ufffd\"\n");
    cr_expect_str_eq(written(node_write_yaml, &node), "a\uFFFD\n");
}

static enum scalar_type type_of(const struct node *node) {
    return node->quoted ? SCALAR_STRING : scalar_type(node->text);
}

static void check_same(const struct node *a, const struct node *b) {
    cr_assert_eq(a->kind, b->kind);
    cr_assert_eq(a->count, b->count);
    if (a->kind == NODE_SCALAR) {
        cr_expect_str_eq(a->text, b->text);
        cr_expect_eq(type_of(a), type_of(b), "\"%s\"", a->text);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == NODE_MAP)
            cr_expect_str_eq(a->entries[i].key, b->entries[i].key);
        check_same(a->kind == NODE_MAP ? a->entries[i].value : a->items[i],
                   a->kind == NODE_MAP ? b->entries[i].value : b->items[i]);
    }
}

Test(write, yaml_quotes_what_would_change, .init = setup, .fini = teardown) {
    static const char *const cases[][2] = {
        {"\"5\"", "\"5\"\n"},
        {"5", "5\n"},
        {"\"true\"", "\"true\"\n"},
        {"true", "true\n"},
        {"\"null\"", "\"null\"\n"},
        {"\"\"", "\"\"\n"},
        {"\"~\"", "\"~\"\n"},
        {"\"yes\"", "\"yes\"\n"},
        {"\"22:22\"", "\"22:22\"\n"},
        {"\"1_000\"", "\"1_000\"\n"},
        {"\"2001-01-01\"", "\"2001-01-01\"\n"},
        {"\"0x1f\"", "\"0x1f\"\n"},
        {"\"1e3\"", "\"1e3\"\n"},
        {"\".5\"", "\".5\"\n"},
        {"\"<<\"", "\"<<\"\n"},
        {"\"hello\"", "hello\n"},
        {"\"a: b\"", "'a: b'\n"},
        {"\"redis:7-alpine\"", "redis:7-alpine\n"},
        {"\"- a\"", "'- a'\n"},
        {"~", "null\n"},
        {"\"a # b\"", "'a # b'\n"},
        {"{\"5\": x}", "\"5\": x\n"},
        {"{\"on\": x}", "\"on\": x\n"},
        {"\"a\\nb\\n\"", "|\n  a\n  b\n"},
        {"[]", "[]\n"},
        {"{}", "{}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(written(node_write_yaml, read(cases[i][0])), cases[i][1], "%s",
                         cases[i][0]);
}

Test(write, yaml_reads_back, .init = setup, .fini = teardown) {
    static const char *const cases[] = {
        "a: {b: [1, '2', null, true, \"no\"], c: {}}\n",
        "x: |\n  line\n    deeper\n\n  end\n",
        "x: |-\n  no end\n  here\n",
        "x: |+\n  keep\n\n\n",
        "x: \"\\n\"\ny: \"\\n\\nx\"\nz: \" lead\\nline\"\n",
        "x: \"trail \\nline\"\ny: \"a\\n\\tb\\n\"\nz: \"a\\n \\n\"\n",
        "- \"tab\\t\"\n- \"\\x07\\e\\u2028\\u00a0\\uFEFF\"\n- \"\\r\\n\"\n- \"cr\\rx\"\n",
        "- - - a\n    - b\n  - {}\n- []\n",
        "\"key with: colon\": 1\n\"key\\nline\": 2\n\"\": 3\n",
        "- \"#x\"\n- \"&x\"\n- \"*x\"\n- \"!x\"\n- \"%x\"\n- \"@x\"\n- \"`x\"\n- \"?\"\n- \"-\"\n",
        "- \"---\"\n- \"...\"\n- \"'\"\n- '\"'\n- \"\\\\\"\n- \" \"\n- \"x \"\n",
        "- \u00e9\u6f22\U0001F600\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node *node = read(cases[i]);
        check_same(node, read(written(node_write_yaml, node)));
    }
}

/* Interpolation can leave texts that no file can hold without quotes. */
Test(write, yaml_of_unquoted_leftovers, .init = setup, .fini = teardown) {
    static const char *const texts[] = {"", "null", "a: b", "#", "x\ny", "5", "true", "22:22"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct node node = {.kind = NODE_SCALAR, .text = texts[i]};
        struct node *back = read(written(node_write_yaml, &node));
        cr_expect_eq(back->kind, NODE_SCALAR, "\"%s\"", texts[i]);
        cr_expect_str_eq(back->text, texts[i]);
    }
}
