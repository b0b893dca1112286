/* Reading YAML: positions, aliases, merge keys, and every sort of bad input. */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/node.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static struct diagnostics *diagnostics;
static char directory[] = "/tmp/tse-test-yaml-XXXXXX";

static void setup(void) {
    arena = arena_new();
    diagnostics = diagnostics_new();
    cr_assert_not_null(mkdtemp(directory));
}

static void teardown(void) {
    arena_free(arena);
    diagnostics_free(diagnostics);
    const char *const names[] = {"file.yaml", "pipe", "directory"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
    rmdir(directory);
}

TestSuite(good, .init = setup, .fini = teardown);
TestSuite(bad, .init = setup, .fini = teardown);
TestSuite(bounds, .init = setup, .fini = teardown);
TestSuite(files, .init = setup, .fini = teardown);

static struct node *read_bytes(const char *text, size_t size) {
    return yaml_read_text(arena, "test.yaml", text, size, diagnostics);
}

static struct node *read_yaml(const char *text) {
    return read_bytes(text, strlen(text));
}

static struct node *read_good(const char *text) {
    struct node *node = read_yaml(text);
    if (!node)
        diagnostics_print(diagnostics, stderr, false);
    cr_assert_not_null(node, "%s", text);
    cr_assert_eq(diagnostics_count(diagnostics), 0);
    return node;
}

/* The problem number `index` is at a place and its message holds a text. */
static void expect_problem(size_t index, unsigned line, unsigned column, const char *part) {
    cr_assert_gt(diagnostics_count(diagnostics), index, "no problem, expected \"%s\"", part);
    const struct diagnostic *diagnostic = diagnostics_get(diagnostics, index);
    cr_expect(diagnostic->at.line == line && diagnostic->at.column == column,
              "%u:%u instead of %u:%u: %s", diagnostic->at.line, diagnostic->at.column, line,
              column, diagnostic->message);
    cr_expect(strstr(diagnostic->message, part), "\"%s\" instead of \"%s\"", diagnostic->message,
              part);
    cr_expect_eq(diagnostic->severity, SEVERITY_ERROR);
}

/* --- what can be read ------------------------------------------------------------------------- */

Test(good, kinds) {
    struct node *root = read_good("a: text\n"
                                  "b: \"5\"\n"
                                  "c: 5\n"
                                  "d:\n"
                                  "e: [x, 'y']\n"
                                  "f: {}\n"
                                  "g: ~\n"
                                  "h: ''\n");
    cr_assert_eq(root->kind, NODE_MAP);
    cr_assert_eq(root->count, 8);
    cr_expect_eq(node_get(root, "a")->kind, NODE_SCALAR);
    cr_expect_not(node_get(root, "a")->quoted);
    cr_expect(node_get(root, "b")->quoted);
    cr_expect_not(node_get(root, "c")->quoted);
    cr_expect_eq(node_get(root, "d")->kind, NODE_NULL);
    cr_expect_eq(node_get(root, "e")->kind, NODE_LIST);
    cr_expect_str_eq(node_get(root, "e")->items[1]->text, "y");
    cr_expect(node_get(root, "e")->items[1]->quoted);
    cr_expect_eq(node_get(root, "f")->kind, NODE_MAP);
    cr_expect_eq(node_get(root, "f")->count, 0);
    cr_expect_eq(node_get(root, "g")->kind, NODE_NULL);
    cr_expect_eq(node_get(root, "h")->kind, NODE_SCALAR);
    cr_expect_str_eq(node_get(root, "h")->text, "");
}

Test(good, positions) {
    struct node *root = read_good("# comment\n"
                                  "services:\n"
                                  "  \u00e9t\u00e9: {image: redis:7, ports: [\"70000:6379\"]}\n"
                                  "  x:\n"
                                  "    text: |\n"
                                  "      a\n"
                                  "      b\n"
                                  "    next: 1\n");
    struct node *services = node_get(root, "services");
    struct entry *entry = &services->entries[0];
    cr_expect(entry->at.line == 3 && entry->at.column == 3);
    cr_expect_str_eq(entry->at.file, "test.yaml");
    struct node *port = node_get(entry->value, "ports")->items[0];
    cr_expect(port->at.line == 3 && port->at.column == 33, "%u:%u", port->at.line, port->at.column);
    cr_expect_eq(port->width, 12, "%u", port->width);
    cr_expect_eq(port->last_line, 3);
    struct node *image = node_get(entry->value, "image");
    cr_expect(image->at.column == 16 && image->width == 7);
    struct node *text = node_get(services->entries[1].value, "text");
    cr_expect(text->at.line == 5 && text->at.column == 11 && text->width == 1);
    cr_expect_eq(text->last_line, 7, "%u", text->last_line);
    cr_expect_eq(node_entry(services->entries[1].value, "next")->at.line, 8);
}

Test(good, byte_order_mark) {
    struct node *root = read_good("\xEF\xBB\xBF"
                                  "a: 1\n");
    cr_expect_eq(root->entries[0].at.column, 1);
    cr_expect_str_eq(root->entries[0].key, "a");
}

Test(good, tags) {
    struct node *root = read_good("[!!str 5, ! 6, !!int \"7\", !!null '', !!bool true, !!float 1, "
                                  "!!float 1.5, !!seq [], !!map {}]");
    cr_expect(root->items[0]->quoted && root->items[1]->quoted);
    cr_expect_not(root->items[2]->quoted);
    cr_expect_eq(root->items[3]->kind, NODE_NULL);
    cr_expect_str_eq(root->items[5]->text, "1");
    cr_expect_eq(root->items[7]->kind, NODE_LIST);
}

Test(good, aliases) {
    struct node *root = read_good("a: &x {b: [1, &y 2]}\nc: *x\nd: *y\ne: &x 3\nf: *x\n? &k key\n"
                                  ": *k\n");
    cr_expect_eq(node_get(root, "c"), node_get(root, "a"));
    cr_expect_str_eq(node_get(root, "d")->text, "2");
    cr_expect_str_eq(node_get(root, "f")->text, "3"); /* the nearest above */
    cr_expect_str_eq(node_get(root, "key")->text, "key");
}

Test(good, merge_key) {
    struct node *root = read_good("base: &base {image: a, user: u}\n"
                                  "more: &more {image: b, init: true}\n"
                                  "one: {image: c, <<: *base}\n"
                                  "two: {<<: [*base, *more], user: v}\n"
                                  "three: {\"<<\": x}\n"
                                  "four: {<<: {a: 1}}\n");
    struct node *one = node_get(root, "one");
    cr_expect_eq(one->count, 2);
    cr_expect_str_eq(node_get(one, "image")->text, "c");
    cr_expect_str_eq(node_get(one, "user")->text, "u");
    cr_expect_eq(node_entry(one, "user")->at.line, 1); /* where it was written */
    struct node *two = node_get(root, "two");
    cr_expect_eq(two->count, 3);
    cr_expect_str_eq(node_get(two, "image")->text, "a"); /* the first that is merged wins */
    cr_expect_str_eq(node_get(two, "user")->text, "v");
    cr_expect_str_eq(node_get(two, "init")->text, "true");
    cr_expect_str_eq(node_get(node_get(root, "three"), "<<")->text, "x");
    cr_expect_str_eq(node_get(node_get(root, "four"), "a")->text, "1");
}

Test(good, json_is_yaml) {
    struct node *root = read_good("{\"a\": [1, true, null, \"x\\u00e9\\n\"], \"b\": {}}");
    cr_expect_str_eq(node_get(root, "a")->items[3]->text, "x\u00e9\n");
}

Test(good, tab_between_tokens) {
    struct node *root = read_good("a:\t1\nb: [1,\t2]\n");
    cr_expect_str_eq(node_get(root, "a")->text, "1");
}

Test(good, text_without_an_end) {
    /* The text need not end in NUL, and what is behind it is not read. */
    struct node *root = read_bytes("a: 1\nb: 2", 4);
    cr_assert_not_null(root);
    cr_expect_eq(root->count, 1);
}

/* --- what cannot ------------------------------------------------------------------------------ */

struct bad_case {
    const char *text;
    unsigned line, column;
    const char *part;
};

Test(bad, syntax) {
    static const struct bad_case cases[] = {
        {"a: 1\n\tb: 2\n", 2, 1, "tabs are not allowed as indentation; use spaces"},
        {"a:\n\tb: 1\n", 2, 1, "tabs are not allowed as indentation; use spaces"},
        {"a: |\n\tb\n", 2, 1, "tabs are not allowed as indentation; use spaces"},
        {"a:\n  - b\n\t- c\n", 3, 1, "tabs are not allowed as indentation; use spaces"},
        {"a: b: c\n", 1, 5, "a \":\" is not allowed here"},
        {"a:\n  b: 1\n c: 2\n", 3, 2, "does not fit the map above it (it starts on line 1)"},
        {"- a\nb: 1\n", 2, 1, "does not fit the list above it"},
        {"a: [1, 2\nb: 3\n", 2, 2, "a list opened with \"[\" is not closed (it starts on line 1)"},
        {"a: {b: 1\n", 2, 1, "a map opened with \"{\" is not closed"},
        {"a: 1]\nb: ]\n", 2, 4, "a value is missing here"},
        {"a: \"b\nc: 1\n", 1, 4, "a quote opened here is never closed"},
        {"a: 'b\nc: 1\n", 1, 4, "a quote opened here is never closed"},
        {"x:\n- a\nb\n", 3, 1, "no \"key: value\""},
        {"a: @b\n", 1, 4, "cannot start with \"@\""},
        {"a: `b\n", 1, 4, "cannot start with \"`\""},
        {"a: \"\\q\"\n", 1, 5, "not an escape that YAML knows"},
        {"a: &\n", 1, 5, "a name is missing"},
        {"a: *\n", 1, 5, "a name is missing"},
        {"a: !x!y z\n", 1, 4, "tag"},
        {"a: - b\n", 1, 4, "a \"- \" is not allowed here"},
        {"a: %b\n", 1, 4, "cannot start with \"%\""},
        {"%YAML 3.0\n---\na: 1\n", 1, 1, "not valid YAML"},
        {"a: 1\n---\nb: 2\n", 2, 1, "a second document begins here"},
        {"a: 1\n---\n", 2, 1, "a second document begins here"},
        {"", 1, 1, "the file is empty"},
        {"\n\n", 1, 1, "the file is empty"},
        {"# comment\n", 1, 1, "the file is empty"},
        {"a: \xff\n", 1, 4, "byte 0xff is not UTF-8"},
        {"\u00e9: \xc0\x80\n", 1, 4, "byte 0xc0 is not UTF-8"},
        {"a: \xed\xa0\x80\n", 1, 4, "not UTF-8"},
        {"a: \xf4\x90\x80\x80\n", 1, 4, "not UTF-8"},
        {"a: \xe2\x82", 1, 4, "not UTF-8"},
        {"a: \xe0\x80\xaf\n", 1, 4, "not UTF-8"},     /* overlong "/" */
        {"a: \xf0\x80\x80\xaf\n", 1, 4, "not UTF-8"}, /* and longer */
        {"a: \x80\n", 1, 4, "not UTF-8"},
        {"a: 1\nb: \x07\n", 2, 4, "U+0007 is not allowed"},
        {"a: \x1b[31m\n", 1, 4, "U+001B is not allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_null(read_yaml(cases[i].text), "%s", cases[i].text);
        cr_expect_eq(diagnostics_count(diagnostics), 1, "%s", cases[i].text);
        expect_problem(0, cases[i].line, cases[i].column, cases[i].part);
        diagnostics_free(diagnostics);
        diagnostics = diagnostics_new();
    }
}

Test(bad, nul_bytes) {
    cr_expect_null(read_bytes("a: 1\nb\0: 2\n", 12));
    expect_problem(0, 2, 2, "a NUL byte");
    cr_expect_not_null(read_yaml("x: \"a\\0b\"\n"));
    expect_problem(0, 1, 4, "a text holds a NUL character");
}

/* libyaml's, the checks' and the excerpts' lines are the same. */
Test(bad, line_breaks) {
    static const char *const breaks[] = {"\n", "\r", "\r\n", "\xC2\x85", "\u2028", "\u2029"};
    static const char *const wrong[] = {"\x01", "\"", "@"};
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            cleanup_free char *text = format_text("a: 1%sb: %s\n", breaks[i], wrong[j]);
            cr_expect_null(read_yaml(text));
            cr_assert_eq(diagnostics_count(diagnostics), 1);
            cr_expect_eq(diagnostics_get(diagnostics, 0)->at.line, 2, "break %zu, \"%s\"", i,
                         wrong[j]);
            diagnostics_free(diagnostics);
            diagnostics = diagnostics_new();
        }
    }
}

Test(bad, utf16) {
    cr_expect_null(read_bytes("\xff\xfe"
                              "a\0:\0 \0001\0",
                              10));
    expect_problem(0, 1, 1, "not UTF-8");
    cr_expect_str_eq(diagnostics_get(diagnostics, 0)->help, "save the file as UTF-8");
}

Test(bad, duplicate_keys) {
    cr_expect_not_null(read_yaml("a: 1\nb: {c: 1, d: 2, c: 3}\n\"a\": 2\na: 3\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 3);
    expect_problem(0, 2, 17, "key \"c\" is there already, on line 2");
    expect_problem(1, 3, 1, "key \"a\" is there already, on line 1");
    expect_problem(2, 4, 1, "key \"a\" is there already, on line 1");
}

Test(bad, duplicate_among_many) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < 1000; i++)
        fprintf(out, "k%d: %d\n", i, i);
    fputs("k500: again\n", out);
    fclose(out);
    cr_expect_not_null(read_yaml(text));
    expect_problem(0, 1001, 1, "key \"k500\" is there already, on line 501");
    free(text);
}

Test(bad, keys_that_are_not_texts) {
    cr_expect_not_null(
        read_yaml("5: a\ntrue: b\n~: c\n? [x]\n: d\n? {y: z}\n: e\n1.5: f\n? *u\n: g\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 7);
    expect_problem(0, 1, 1, "key 5 is not a text");
    expect_problem(1, 2, 1, "key true is not a text");
    expect_problem(2, 3, 1, "nothing cannot be a key");
    expect_problem(3, 4, 3, "a list cannot be a key");
    expect_problem(4, 6, 3, "a map cannot be a key");
    expect_problem(5, 8, 1, "key 1.5 is not a text");
    expect_problem(6, 9, 3, "names no anchor above it");
    cr_expect_not_null(read_yaml("\"5\": a\n'true': b\non: c\n"));
}

Test(bad, aliases) {
    cr_expect_not_null(read_yaml("a: *x\nb: &x 1\nc: &y [1, *y]\nd: &x [*x]\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 3);
    expect_problem(2, 4, 8, "alias \"*x\" is inside of what it names");
    expect_problem(0, 1, 4, "alias \"*x\" names no anchor above it");
    cr_expect_eq(diagnostics_get(diagnostics, 0)->width, 2);
    expect_problem(1, 3, 11, "alias \"*y\" is inside of what it names");
}

Test(bad, merge_keys) {
    cr_expect_not_null(read_yaml("a: {<<: 5}\nb: {<<: [1]}\nc: {<<: {}, <<: {}}\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 3);
    expect_problem(0, 1, 5, "\"<<\" can only merge maps");
    expect_problem(1, 2, 5, "\"<<\" can only merge maps");
    expect_problem(2, 3, 13, "key \"<<\" is there already");
}

Test(bad, tags) {
    cr_expect_not_null(
        read_yaml("a: !!binary aGk=\nb: !mine x\nc: !!int x\nd: !!set {}\ne: !x [1]\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 5);
    expect_problem(0, 1, 4, "tag \"!!binary\" is not known");
    expect_problem(1, 2, 4, "tag \"!mine\" is not known");
    expect_problem(2, 3, 4, "tag \"!!int\"");
    expect_problem(3, 4, 4, "tag \"!!set\"");
    expect_problem(4, 5, 4, "tag \"!x\"");
}

/* What breaks the reading is the only error of its file, but not of others. */
Test(bad, syntax_hides_the_rest_of_its_file) {
    cr_expect_not_null(yaml_read_text(arena, "one.yaml", "a: 1\na: 2\n", 10, diagnostics));
    cr_expect_null(yaml_read_text(arena, "two.yaml", "a: 1\na: 2\nb: [\n", 15, diagnostics));
    cr_expect_not_null(yaml_read_text(arena, "x.yaml", "5: 1\n", 5, diagnostics));
    cr_assert_eq(diagnostics_count(diagnostics), 3);
    expect_problem(0, 2, 1, "key \"a\"");
    expect_problem(1, 4, 1, "a value is missing here");
    expect_problem(2, 1, 1, "key 5");
}

/* Cut at any byte, a file is an error or a tree, and never neither. */
Test(bad, cut_anywhere) {
    static const char text[] = "a: &x {b: [1, 'q', \"d\\n\"]}\nc:\n- |\n  lit\n- *x\n- !!str 5\n"
                               "\u00e9: \u6f22\n? k\n: {<<: *x}\n";
    for (size_t size = 0; size < sizeof text; size++) {
        diagnostics_free(diagnostics);
        diagnostics = diagnostics_new();
        char *copy = memory_alloc(size + 1); /* the sanitizer sees reading behind the end */
        memcpy(copy, text, size);
        struct node *root = read_bytes(copy, size);
        cr_expect(root || diagnostics_errors(diagnostics) > 0, "cut at %zu", size);
        free(copy);
    }
}

/* --- bounds ----------------------------------------------------------------------------------- */

Test(bounds, billion_laughs) {
    cr_expect_null(read_yaml("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
                             "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                             "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                             "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                             "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                             "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"));
    cr_assert_eq(diagnostics_count(diagnostics), 1);
    expect_problem(0, 6, 17, "more than 500000 values once aliases are followed");
}

Test(bounds, laughs_by_merge_keys) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("a: &a {", out);
    for (int i = 0; i < 1000; i++)
        fprintf(out, "k%d: 1, ", i);
    fputs("}\nb:\n", out);
    for (int i = 0; i < 600; i++)
        fputs("- {<<: *a}\n", out);
    fclose(out);
    cr_expect_null(read_yaml(text));
    cr_expect_eq(diagnostics_count(diagnostics), 1);
    expect_problem(0, 501, 4, "more than 500000 values");
    free(text);
}

static char *nested(size_t levels) {
    char *text = memory_alloc(2 * levels + 1);
    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    return text;
}

Test(bounds, depth) {
    char *deepest = nested(YAML_MAX_DEPTH);
    cr_expect_not_null(read_yaml(deepest));
    free(deepest);
    char *deeper = nested(YAML_MAX_DEPTH + 1);
    cr_expect_null(read_yaml(deeper));
    expect_problem(0, 1, YAML_MAX_DEPTH + 1, "more than 64 levels");
    free(deeper);
}

Test(bounds, depth_by_aliases) {
    char text[4096] = "a0: &a0 []\n";
    for (int i = 1; i < 70; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    cr_expect_null(read_yaml(text));
    /* a62 has 63 levels; in a63 it is below two more. */
    expect_problem(0, 64, 12, "more than 64 levels");
}

Test(bounds, size) {
    char *text = memory_alloc(YAML_MAX_BYTES + 1);
    memset(text, '#', YAML_MAX_BYTES + 1);
    cr_expect_null(read_bytes(text, YAML_MAX_BYTES + 1));
    expect_problem(0, 0, 0, "more than the 8 MiB");
    free(text);
}

/* --- files ------------------------------------------------------------------------------------ */

static const char *path_of(const char *name) {
    return arena_format(arena, "%s/%s", directory, name);
}

static void write_file(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

Test(files, regular) {
    const char *path = path_of("file.yaml");
    write_file(path, "a: 1\n");
    struct node *root = yaml_read_file(arena, path, diagnostics);
    cr_assert_not_null(root);
    cr_expect_eq(root->at.file, path);
}

Test(files, missing) {
    cr_expect_null(yaml_read_file(arena, path_of("none.yaml"), diagnostics));
    expect_problem(0, 0, 0, "no such file: check the name");
    cr_expect_str_eq(diagnostics_get(diagnostics, 0)->at.file, path_of("none.yaml"));
}

Test(files, not_regular) {
    cr_assert_eq(mkdir(path_of("directory"), 0700), 0);
    cr_assert_eq(mkfifo(path_of("pipe"), 0600), 0);
    cr_expect_null(yaml_read_file(arena, path_of("directory"), diagnostics));
    expect_problem(0, 0, 0, "it is a directory");
    cr_expect_null(yaml_read_file(arena, path_of("pipe"), diagnostics)); /* and does not hang */
    expect_problem(1, 0, 0, "it is a pipe");
    cr_expect_null(yaml_read_file(arena, "/dev/zero", diagnostics));
    expect_problem(0, 0, 0, "it is a device");
}

Test(files, huge) {
    const char *path = path_of("file.yaml");
    write_file(path, "a: 1\n");
    /* Refused by its size, without being read: as sparse as it is, 1 TiB costs nothing. */
    if (truncate(path, (off_t)1 << 40) != 0)
        cr_assert_eq(truncate(path, (off_t)1 << 30), 0, "%s", strerror(errno));
    cr_expect_null(yaml_read_file(arena, path, diagnostics));
    expect_problem(0, 0, 0, "more than the 8 MiB that are read");
}

Test(files, not_readable) {
    if (geteuid() == 0)
        cr_skip_test("root reads everything");
    const char *path = path_of("file.yaml");
    write_file(path, "a: 1\n");
    chmod(path, 0);
    cr_expect_null(yaml_read_file(arena, path, diagnostics));
    expect_problem(0, 0, 0, "permission denied");
}

/* Reading is linear: ten times as many services make ten times the tree, not a hundred. What is
 * measured is memory, which does not depend on the machine. */
Test(files, ten_thousand_services) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("services:\n", out);
    for (int i = 0; i < 10000; i++)
        fprintf(out, "  service-%d: {image: redis, environment: {A: b, C: d}}\n", i);
    fclose(out);
    struct node *root = read_good(text);
    cr_expect_eq(node_get(root, "services")->count, 10000);
    cr_expect_lt(arena_size(arena), 20u << 20);
    free(text);
}
