/* Variables: the texts they are replaced in, trees, env files, and what becomes sensitive. */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/interpolate.h"
#include "spec/node.h"
#include "spec/variables.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static struct variables *variables;
static struct diagnostics *diagnostics;

static void setup(void) {
    static const char *const environment[] = {
        "FOO=first",        "BAR=",        "_x1=under", "=odd", "ODD", "FOO=second",
        "PASSWORD=hunter2", "DOLLAR=$FOO", NULL};
    arena = arena_new();
    variables = variables_new(arena, environment);
    diagnostics = diagnostics_new();
}

static void teardown(void) {
    arena_free(arena);
    diagnostics_free(diagnostics);
}

TestSuite(text, .init = setup, .fini = teardown);
TestSuite(tree, .init = setup, .fini = teardown);
TestSuite(envfile, .init = setup, .fini = teardown);

static struct interpolation interpolate_n(const char *text, size_t size) {
    return interpolate_text(arena, text, size, variables, NULL, NULL);
}

static struct interpolation interpolate(const char *text) {
    return interpolate_n(text, strlen(text));
}

static void expect_text(const char *text, const char *expected) {
    struct interpolation result = interpolate(text);
    cr_expect(!result.problems, "%s: %s", text, result.problems ? result.problems->text : "");
    if (result.problems)
        return;
    cr_expect_str_eq(result.text, expected, "\"%s\" instead of \"%s\"", result.text, expected);
    cr_expect_eq(result.length, strlen(expected));
}

static void expect_problem(const char *text, size_t at, const char *part) {
    struct interpolation result = interpolate(text);
    cr_expect_null(result.text, "%s", text);
    cr_assert_not_null(result.problems, "%s", text);
    cr_expect_eq(result.problems->at, at, "%s: at %zu", text, result.problems->at);
    cr_expect(strstr(result.problems->text, part), "%s: %s", text, result.problems->text);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* The table of docs.docker.com/reference/compose-file/interpolation: FOO is set, BAR is empty. */
Test(text, the_table) {
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"$FOO", "first"},
        {"${FOO}", "first"},
        {"This $FOO var", "This first var"},
        {"This ${FOO} var", "This first var"},
        {"This ${BAR} var", "This  var"},
        {"This ${UNSET} var", "This  var"},
        {"${_x1}$_x1", "underunder"},
        {"${FOO:-def}", "first"},
        {"${FOO-def}", "first"},
        {"${BAR:-def}", "def"},
        {"${BAR-def}", ""},
        {"${UNSET:-def}", "def"},
        {"${UNSET-def}", "def"},
        {"${UNSET:-}", ""},
        {"${UNSET-}", ""},
        {"${FOO:?err}", "first"},
        {"${FOO?err}", "first"},
        {"${BAR?err}", ""},
        {"${FOO:+other}", "other"},
        {"${FOO+other}", "other"},
        {"${BAR:+other}", ""},
        {"${BAR+other}", "other"},
        {"${UNSET:+other}", ""},
        {"${UNSET+other}", ""},
        {"$$", "$"},
        {"$${FOO}", "${FOO}"},
        {"$$FOO", "$FOO"},
        {"$$$FOO", "$first"},
        {"$$$$FOO", "$$FOO"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(cases[i][0], cases[i][1]);
}

Test(text, dollars_that_start_nothing_stay) {
    static const char *const texts[] = {"$",  "a $ string", "^REGEX$", "$}",     "$1",
                                        "$-", "$ {FOO}",    "100$",    "$\u00e9"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_text(texts[i], texts[i]);
}

Test(text, names_end_where_they_must) {
    expect_text("$FOO-bar", "first-bar");
    expect_text("$FOO.$FOO/$FOO:", "first.first/first:");
    expect_text("$FOO\u00e9", "first\u00e9");
    expect_text("$FOO$FOO", "firstfirst");
    expect_text("$FOO1|", "|");
}

Test(text, values_are_not_replaced_again) {
    expect_text("$DOLLAR ${DOLLAR} ${UNSET:-$DOLLAR}", "$FOO $FOO $FOO");
}

Test(text, nesting) {
    static const char *const cases[][2] = {
        {"ok ${UNSET-$FOO}", "ok first"},
        {"ok ${UNSET-${FOO}}", "ok first"},
        {"ok ${UNSET-${FOO} ${FOO}}", "ok first first"},
        {"ok ${BAR:-$FOO}", "ok first"},
        {"ok ${BAR:-${FOO}}", "ok first"},
        {"ok ${BAR:-${FOO} ${FOO}}", "ok first first"},
        {"ok ${BAR+$FOO}", "ok first"},
        {"ok ${BAR+$FOO ${FOO:+second}}", "ok first second"},
        {"${UNSET:-${UNSET:-${UNSET:-deep}}}", "deep"},
        {"${UNSET:-a}${UNSET:-b}}", "ab}"},
        {"${UNSET:-$${FOO}}", "${FOO}"},
        {"${UNSET:-{\"a\": {\"b\": 1}}}", "{\"a\": {\"b\": 1}}"},
        {"{${FOO}}", "{first}"},
        {"${UNSET:-line\nline}", "line\nline"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(cases[i][0], cases[i][1]);
}

Test(text, the_first_operator_counts) {
    static const char *const cases[][2] = {
        {"${UNSET-myerror?msg}", "myerror?msg"},
        {"${FOO?bar-baz}", "first"},
        {"${BAR:-/non:-alphanumeric}", "/non:-alphanumeric"},
        {"${UNSET:-a:+b:?c}", "a:+b:?c"},
        {"${FOO+va-lu?e}", "va-lu?e"},
        {"-ok ${BAR:-def}", "-ok def"},
        {"+ok ${UNSET:-${BAR-def}}", "+ok "},
        {":?ok ${BAR-def}", ":?ok "},
        {"?ok ${BAR:-def}", "?ok def"},
        {":+ok ${BAR:-def}", ":+ok def"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(cases[i][0], cases[i][1]);
    expect_problem("${UNSET?bar-baz}", 0, "variable \"UNSET\" is required: bar-baz");
}

Test(text, required) {
    expect_problem("not ok ${UNSET:?set it, please}", 7,
                   "variable \"UNSET\" is required: set it, please");
    expect_problem("${BAR:?it is empty}", 0, "variable \"BAR\" is required: it is empty");
    expect_problem("${UNSET?unset}", 0, "variable \"UNSET\" is required: unset");
    expect_problem("${UNSET:?}", 0,
                   "variable \"UNSET\" is required: set it in the environment or in an env file");
    expect_problem("${UNSET?}", 0, "variable \"UNSET\" is required: set it in");
    expect_problem("${UNSET:?because ${FOO}}", 0, "is required: because ${FOO}");
    expect_problem("$FOO ${FOO:+${UNSET:?inner}}", 12, "variable \"UNSET\" is required: inner");
}

Test(text, invalid) {
    expect_problem("${", 0, "never closed");
    expect_problem("a ${FOO", 2, "never closed");
    expect_problem("a ${FOO:-{}", 2, "never closed");
    expect_problem("${UNSET:-${FOO}", 0, "never closed");
    expect_problem("${}", 0, "needs a variable's name");
    expect_problem("${ }", 0, "needs a variable's name");
    expect_problem("\u00e9${ FOO}", 2, "needs a variable's name");
    expect_problem("${1}", 0, "needs a variable's name");
    expect_problem("${FOO }", 0, "\"${FOO\" can only be followed by");
    expect_problem("${FOO!}", 0, "\"${FOO\" can only be followed by");
    expect_problem("${FOO:}", 0, "\"${FOO\" can only be followed by");
    expect_problem("${FOO:x}", 0, "\"${FOO\" can only be followed by");
    expect_problem("${FOO/a/b}", 0, "\"${FOO\" can only be followed by");
    expect_problem("${FOO.x}", 0, "\"${FOO\" can only be followed by");
    expect_problem("${UNSET:-x ${FOO!}}", 11, "\"${FOO\" can only be followed by");
    /* A default that is not used is not looked at, as in Compose. */
    expect_text("${FOO:-${}}", "first");
}

Test(text, unset_variables_are_named) {
    struct interpolation result = interpolate("$A ${B} $A ${C:-x} ${D:+x} ${E-$F} $BAR");
    cr_assert_null(result.problems);
    static const struct {
        const char *name;
        size_t at;
    } expected[] = {{"A", 0}, {"B", 3}, {"F", 31}};
    const struct interpolation_note *note = result.unset;
    for (size_t i = 0; i < 3; i++, note = note->next) {
        cr_assert_not_null(note);
        cr_expect_str_eq(note->text, expected[i].name);
        cr_expect_eq(note->at, expected[i].at, "%s at %zu", note->text, note->at);
    }
    cr_expect_null(note);
    char many[40 * 5 + 1] = "";
    for (int i = 10; i < 50; i++)
        snprintf(many + strlen(many), 6, "$A%d ", i);
    size_t count = 0;
    for (note = interpolate(many).unset; note; note = note->next)
        count++;
    cr_expect_eq(count, INTERPOLATION_MAX_NOTES);
}

Test(text, all_problems_are_told) {
    struct interpolation result = interpolate("${A:?a} ${} ${B:-${C:?c} ${FOO!}} $FOO ${");
    static const struct {
        const char *part;
        size_t at;
    } expected[] = {{"\"A\" is required: a", 0},
                    {"needs a variable's name", 8},
                    {"\"C\" is required: c", 17},
                    {"\"${FOO\" can only be followed", 25},
                    {"never closed", 39}};
    const struct interpolation_note *note = result.problems;
    for (size_t i = 0; i < 5; i++, note = note->next) {
        cr_assert_not_null(note);
        cr_expect(strstr(note->text, expected[i].part), "%s", note->text);
        cr_expect_eq(note->at, expected[i].at, "%s at %zu", note->text, note->at);
    }
    cr_expect_null(note);
    cr_expect_null(result.text);
}

Test(text, any_bytes) {
    struct interpolation result = interpolate_n("a\0$FOO\0\xff", 8);
    cr_assert_eq(result.length, 9);
    cr_expect_arr_eq(result.text, "a\0first\0\xff", 9);
    result = interpolate_n("$FOOBAR", 4); /* the size counts, not the NUL */
    cr_expect_str_eq(result.text, "first");
    result = interpolate_n("${FOO}", 5);
    cr_expect(strstr(result.problems->text, "never closed"));
}

Test(text, bounds) {
    char deep[600] = "";
    for (int i = 0; i < 100; i++)
        strcat(deep, "${U-");
    for (int i = 0; i < 100; i++)
        strcat(deep, "}");
    expect_problem(deep, 33 * 4, "nested too deeply");
    size_t size = 1u << 20;
    char *value = memory_alloc(size + 5);
    memcpy(value, "BIG=", 4);
    memset(value + 4, 'x', size);
    const char *const environment[] = {value, NULL};
    variables = variables_new(arena, environment);
    expect_problem("$BIG$BIG$BIG$BIG$BIG$BIG$BIG$BIG$BIG", 32, "grows beyond 8 MiB");
    free(value);
}

static const char *secret(void *context, const char *name) {
    cr_expect_str_eq(context, "context");
    return strcmp(name, "redis-password") == 0 ? "hunter3" : NULL;
}

Test(text, secrets) {
    static const char text[] = "pass ${secret:redis-password}!";
    struct interpolation result =
        interpolate_text(arena, text, strlen(text), variables, secret, "context");
    cr_assert_null(result.problems);
    cr_expect_str_eq(result.text, "pass hunter3!");
    cr_expect(result.sensitive);
    result = interpolate_text(arena, "x${secret:no}", 13, variables, secret, "context");
    cr_expect_null(result.text);
    cr_expect_eq(result.problems->at, 1);
    cr_expect(strstr(result.problems->text, "secret \"no\" is not declared"));
    expect_problem("${secret:redis-password}", 0, "\"interpolate: true\"");
    /* A variable may still be called "secret". */
    result = interpolate_text(arena, "${secret:-x}", 12, variables, secret, "context");
    cr_expect_str_eq(result.text, "x");
    cr_expect_not(result.sensitive);
}

Test(text, sensitive) {
    cr_expect_not(interpolate("$PASSWORD").sensitive);
    variables_mark_sensitive(variables, (const char *const[]){"PASSWORD", NULL});
    variables_mark_sensitive(
        variables, (const char *const[]){"LATER", NULL}); /* not set: its default is as secret */
    cr_expect(variables_sensitive(variables, "PASSWORD"));
    cr_expect(variables_sensitive(variables, "LATER"));
    cr_expect_not(variables_sensitive(variables, "FOO"));
    cr_expect_null(variables_get(variables, "LATER"));
    static const char *const sensitive[] = {
        "$PASSWORD",      "a ${PASSWORD} b",     "${PASSWORD:-x}",    "${LATER:-x}",
        "${PASSWORD:?x}", "${UNSET:-$PASSWORD}", "${FOO:+$PASSWORD}", "$LATER"};
    for (size_t i = 0; i < sizeof sensitive / sizeof sensitive[0]; i++)
        cr_expect(interpolate(sensitive[i]).sensitive, "%s", sensitive[i]);
    static const char *const harmless[] = {"$FOO",     "${FOO:-$PASSWORD}", "$$PASSWORD",
                                           "PASSWORD", "${PASSWORD:+x}",    "${UNSET:+$PASSWORD}"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        cr_expect_not(interpolate(harmless[i]).sensitive, "%s", harmless[i]);
    /* A message never shows one. */
    struct interpolation result = interpolate("${UNSET:?not $PASSWORD}");
    cr_expect_null(strstr(result.problems->text, "hunter2"));
    cr_expect(strstr(result.problems->text, "variable \"UNSET\" is required: not $PASSWORD"));
    cr_expect(interpolate("$PASSWORD ${UNSET:?x}").sensitive);
}

/* --- trees ------------------------------------------------------------------------------------ */

static struct node *read_tree(const char *text) {
    struct node *node = yaml_read_text(arena, "test.yaml", text, strlen(text), diagnostics);
    cr_assert_not_null(node, "%s", text);
    return node;
}

static const char *printed(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diagnostics_print(diagnostics, out, false);
    fclose(out);
    const char *copy = arena_copy(arena, text);
    free(text);
    return copy;
}

Test(tree, every_scalar_but_no_key) {
    struct node *root =
        read_tree("$FOO: $FOO\nb: ['${FOO}', \"x $FOO\", 5]\nc:\n  d: |\n    $FOO\n");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    cr_expect_str_eq(root->entries[0].key, "$FOO");
    cr_expect_str_eq(root->entries[0].value->text, "first");
    cr_expect_str_eq(root->entries[0].value->template, "$FOO");
    cr_expect_str_eq(node_get(root, "b")->items[0]->text, "first");
    cr_expect_str_eq(node_get(root, "b")->items[1]->text, "x first");
    cr_expect_str_eq(node_get(root, "b")->items[2]->text, "5");
    cr_expect_str_eq(node_get(node_get(root, "c"), "d")->text, "first\n");
    cr_expect_eq(diagnostics_count(diagnostics), 0);
}

/* Interpolating twice would replace what "$$" has become. */
Test(tree, once) {
    struct node *root = read_tree("a: &x $$FOO\nb: *x\nc: {<<: {d: *x}}\n");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    cr_expect_str_eq(node_get(root, "a")->text, "$FOO");
    cr_expect_str_eq(node_get(root, "b")->text, "$FOO");
}

Test(tree, problems_with_places) {
    struct node *root =
        read_tree("a:\n- x: \u00e9 ${A:?one}\n- \"q ${}\"\n- |\n  b ${\nb: ${BAR:?x}\n");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), -1);
    cr_expect_str_eq(
        printed(),
        "test.yaml:2:8: error: a[0].x: variable \"A\" is required: one\n"
        "    2 | - x: \u00e9 ${A:?one}\n"
        "      |        ^~~~~~~~~\n"
        "test.yaml:3:6: error: a[1]: \"${\" needs a variable's name right behind it: write "
        "\"${NAME}\", or \"$${\" for the characters themselves\n"
        "    3 | - \"q ${}\"\n"
        "      |      ^~~\n"
        "test.yaml:4:3: error: a[2]: \"${\" is never closed: add \"}\", or write \"$${\" for the "
        "characters themselves\n"
        "    4 | - |\n"
        "      |   ^\n"
        "test.yaml:6:4: error: b: variable \"BAR\" is required: x\n"
        "    6 | b: ${BAR:?x}\n"
        "      |    ^~~~~~~~~\n");
}

Test(tree, warns_of_unset_variables) {
    struct node *root = read_tree("a: x $NONE ${NONE} ${MORE}\nb: ${NONE:-x}\n");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    cr_expect_eq(diagnostics_errors(diagnostics), 0);
    cr_assert_eq(diagnostics_warnings(diagnostics), 2);
    const struct diagnostic *first = diagnostics_get(diagnostics, 0);
    cr_expect_str_eq(first->message, "variable \"NONE\" is not set; it is replaced by nothing");
    cr_expect_eq(first->at.column, 6);
    cr_expect_eq(diagnostics_get(diagnostics, 1)->at.column, 20);
    cr_expect_str_eq(node_get(root, "a")->text, "x   ");
}

Test(tree, sensitive_text_is_marked_and_its_line_hidden) {
    struct node *root = read_tree("a: ${PASSWORD:-hunter0}\nb: x\nc: [\"${PASSWORD}\"]\n");
    variables_mark_sensitive(variables, (const char *const[]){"PASSWORD", NULL});
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    cr_expect(node_get(root, "a")->sensitive);
    cr_expect_not(node_get(root, "b")->sensitive);
    cr_expect(node_get(root, "c")->items[0]->sensitive);
    struct diagnostic diagnostic = {SEVERITY_ERROR, {"test.yaml", 1, 4}, 1, NULL, "bad", NULL};
    diagnostics_add(diagnostics, &diagnostic);
    cr_expect_str_eq(printed(), "test.yaml:1:4: error: bad\n");
}

Test(tree, values_have_to_be_utf8) {
    static const char *const environment[] = {"BAD=\xff", NULL};
    variables = variables_new(arena, environment);
    struct node *root = read_tree("a: $BAD\n");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), -1);
    cr_expect(strstr(printed(), "test.yaml:1:4: error: a: the text is not UTF-8"));
}

Test(tree, bounds) {
    size_t size = 4u << 20;
    char *value = memory_alloc(size + 5);
    memcpy(value, "BIG=", 4);
    memset(value + 4, 'x', size);
    const char *const environment[] = {value, NULL};
    variables = variables_new(arena, environment);
    struct node *root = read_tree("[$BIG, $BIG, $BIG, $BIG, $BIG, $BIG, $BIG, $BIG, $BIG, $BIG]");
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), -1);
    cr_expect_eq(diagnostics_count(diagnostics), 1);
    cr_expect(strstr(printed(), "[8]: the file's texts grow beyond 32 MiB"));
    free(value);
}

Test(tree, undo) {
    struct node *root = read_tree("a: ${PASSWORD:-x}\nb: $$FOO $FOO $\nc: [\"5\", 5, ~]\n");
    variables_mark_sensitive(variables, (const char *const[]){"PASSWORD", NULL});
    cr_expect_eq(interpolate_tree(arena, root, variables, diagnostics), 0);
    struct node *undone = interpolation_undo(arena, root);
    cr_expect_str_eq(node_get(undone, "a")->text, "${PASSWORD:-x}");
    cr_expect_str_eq(node_get(undone, "b")->text, "$$FOO first $$");
    cr_expect(node_get(undone, "c")->items[0]->quoted);
    cr_expect_eq(node_get(undone, "c")->items[2]->kind, NODE_NULL);
    cr_expect_str_eq(node_get(root, "a")->text, "hunter2"); /* the tree itself stays */
    cr_expect_eq(interpolate_tree(arena, undone, variables, diagnostics), 0);
    cr_expect_str_eq(node_get(undone, "a")->text, "hunter2");
    cr_expect_str_eq(node_get(undone, "b")->text, "$FOO first $");
}

/* --- env files -------------------------------------------------------------------------------- */

static int read_env(const char *text) {
    return variables_read_text(variables, "test.env", text, strlen(text), diagnostics);
}

static void expect_variable(const char *line, const char *name, const char *value) {
    cr_expect_eq(read_env(line), 0, "%s: %s", line, printed());
    const char *found = variables_get(variables, name);
    cr_expect(found && strcmp(found, value) == 0, "%s → \"%s\" instead of \"%s\"", line, found,
              value);
}

/* docs.docker.com/compose/how-tos/environment-variables/variable-interpolation, and the tests of
 * Compose's own reader. */
Test(envfile, the_rules) {
    static const char *const cases[][3] = {
        {"VAR=VAL", "VAR", "VAL"},
        {"VAR=\"VAL\"", "VAR", "VAL"},
        {"VAR='VAL'", "VAR", "VAL"},
        {"VAR=VAL # comment", "VAR", "VAL"},
        {"VAR=VAL# not a comment", "VAR", "VAL# not a comment"},
        {"VAR=\"VAL # not a comment\"", "VAR", "VAL # not a comment"},
        {"VAR=\"VAL\" # comment", "VAR", "VAL"},
        {"VAR='VAL # no' # comment", "VAR", "VAL # no"},
        {"VAR='$OTHER'", "VAR", "$OTHER"},
        {"VAR='${OTHER}'", "VAR", "${OTHER}"},
        {"VAR='Let\\'s go!'", "VAR", "Let's go!"},
        {"VAR=\"{\\\"hello\\\": \\\"json\\\"}\"", "VAR", "{\"hello\": \"json\"}"},
        {"VAR=\"some\\tvalue\"", "VAR", "some\tvalue"},
        {"VAR='some\\tvalue'", "VAR", "some\\tvalue"},
        {"VAR=some\\tvalue", "VAR", "some\\tvalue"},
        {"VAR=\"bar\\nbaz\\r\\\\\\\"\"", "VAR", "bar\nbaz\r\\\""},
        {"VAR=\"\\a\\b\\f\\v\"", "VAR", "\a\b\f\v"},
        {"VAR=\"\\0101\\0303\\0351\"", "VAR", "A\u00c3\u00e9"},
        {"VAR=\"\\c\\x41\\u0041\\q\\0\\09\"", "VAR", "\\c\\x41\\u0041\\q\\0\\09"},
        {"VAR=\"foo\\$FOO\"", "VAR", "foo$FOO"},
        {"VAR=\"foo\\${FOO} ${FOO}\"", "VAR", "foo${FOO} first"},
        {"VAR=$$FOO", "VAR", "$FOO"},
        {"VAR=\"two\nlines\"", "VAR", "two\nlines"},
        {"VAR='two\nlines'", "VAR", "two\nlines"},
        {"VAR =bar", "VAR", "bar"},
        {"VAR= bar", "VAR", "bar"},
        {"  VAR=bar  ", "VAR", "bar"},
        {"\tVAR\t=\tbar", "VAR", "bar"},
        {"VAR=", "VAR", ""},
        {"VAR=\"\"", "VAR", ""},
        {"VAR=''", "VAR", ""},
        {"VAR= # comment", "VAR", ""},
        {"VAR=#value", "VAR", "#value"},
        {"VAR: yaml", "VAR", "yaml"},
        {"VAR: a=b", "VAR", "a=b"},
        {"VAR=1:B", "VAR", "1:B"},
        {"VAR=foobar=", "VAR", "foobar="},
        {"VAR=\"'d'\"", "VAR", "'d'"},
        {"VAR=it's", "VAR", "it's"},
        {"export VAR=2", "VAR", "2"},
        {"export\tVAR=3", "VAR", "3"},
        {"  export VAR=4", "VAR", "4"},
        {"exportVAR=5", "exportVAR", "5"},
        {"export_VAR =6", "export_VAR", "6"},
        {"export exportVAR=7", "exportVAR", "7"},
        {"A.B=x", "A.B", "x"},
        {"a[1]=c", "a[1]", "c"},
        {"a-b=d", "a-b", "d"},
        {"\u00e1rv\u00edz=x", "\u00e1rv\u00edz", "x"},
        {"VAR=a\r\nOTHER=b\r\n", "OTHER", "b"},
        {"VAR=c\r\n", "VAR", "c"},
        {"\xEF\xBB\xBFVAR=bom", "VAR", "bom"},
        {"# VAR=no\n\n   # VAR=no\nVAR=yes\n", "VAR", "yes"},
        {"VAR=one\nVAR=two\n", "VAR", "two"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_variable(cases[i][0], cases[i][1], cases[i][2]);
}

Test(envfile, variables_in_values) {
    expect_variable("A=test\nB=$A", "B", "test");
    expect_variable("B=${A}bar", "B", "testbar");
    expect_variable("B=\"quote $A\"", "B", "quote test");
    expect_variable("B=${C:-Default Value}", "B", "Default Value");
    expect_variable("B=${BAR:-Default Value}", "B", "Default Value");
    expect_variable("B=${BAR-Default Value}", "B", "");
    expect_variable("B=$FOO", "B", "first");
    expect_variable("B=1\nB=${B}2\n", "B", "12");
}

Test(envfile, the_process_environment_wins) {
    cr_expect_eq(read_env("FOO=file\nBAR=file\nNEW=$FOO\nPASSWORD\nNONE\n"), 0);
    cr_expect_str_eq(variables_get(variables, "FOO"), "first");
    cr_expect_str_eq(variables_get(variables, "BAR"), "");
    cr_expect_str_eq(variables_get(variables, "NEW"), "first");
    cr_expect_str_eq(variables_get(variables, "PASSWORD"), "hunter2");
    cr_expect_null(variables_get(variables, "NONE"));
    cr_expect_null(variables_get(variables, "ODD"));
    cr_expect_null(variables_get(variables, ""));
    /* Of files, the later one wins. */
    cr_expect_eq(read_env("NEW=later\n"), 0);
    cr_expect_str_eq(variables_get(variables, "NEW"), "later");
}

Test(envfile, problems) {
    cr_expect_eq(read_env("A=1\n"
                          "hunter2 with spaces\n"
                          "%X=hunter2\n"
                          "B=\"hunter2\" x\n"
                          "C=hunter2 ${\n"
                          "D=2\n"
                          "=hunter2\n"
                          "E=\"hunter2\n"
                          "F=3\n"),
                 -1);
    cr_expect_str_eq(
        printed(),
        "test.env:2:9: error: a variable's name is not followed by \"=\"\n"
        "      help: write NAME=value; a comment starts with \"#\"\n"
        "test.env:3:1: error: a variable's name is missing or holds a character it cannot\n"
        "      help: write NAME=value; a comment starts with \"#\"\n"
        "test.env:4:13: error: there is text behind the closing quote\n"
        "      help: remove it, or put a \"#\" before it\n"
        "test.env:5:11: error: \"${\" is never closed: add \"}\", or write \"$${\" for the "
        "characters themselves\n"
        "test.env:7:1: error: a variable's name is missing or holds a character it cannot\n"
        "      help: write NAME=value; a comment starts with \"#\"\n"
        "test.env:8:3: error: a quote opened here is never closed\n"
        "      help: add the closing quote; write one inside of the value as a backslash and a "
        "quote\n");
    /* What is right is read all the same. */
    cr_expect_str_eq(variables_get(variables, "A"), "1");
    cr_expect_str_eq(variables_get(variables, "D"), "2");
}

Test(envfile, bytes) {
    cr_expect_eq(variables_read_text(variables, "x.env", "A=1\nB=\0", 7, diagnostics), -1);
    cr_expect_eq(variables_read_text(variables, "y.env", "A=\xff", 3, diagnostics), -1);
    cr_expect_str_eq(printed(), "x.env:2:3: error: the file holds a NUL byte\n"
                                "      help: save it as text in UTF-8\n"
                                "y.env:1:3: error: the file is not UTF-8\n"
                                "      help: save it as text in UTF-8\n");
}

Test(envfile, warns_of_unset_variables) {
    cr_expect_eq(read_env("A=1\nB=\"x $NONE\"\n"), 0);
    cr_expect_eq(diagnostics_warnings(diagnostics), 1);
    cr_expect(strstr(printed(), "test.env:2:3: warning: variable \"NONE\" is not set"));
}

Test(envfile, bounds) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("A=0123456789\n", out);
    for (int i = 0; i < 40; i++)
        fputs("A=$A$A$A$A\n", out);
    fclose(out);
    cr_expect_eq(read_env(text), -1);
    cr_expect(strstr(printed(), "the text grows beyond 8 MiB"));
    free(text);
}

Test(envfile, bounds_of_all_values) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("A=0123456789\n", out);
    for (int i = 0; i < 9; i++) /* 2.5 MiB, after others that add up to less than that */
        fputs("A=$A$A$A$A\n", out);
    for (int i = 0; i < 10; i++)
        fputs("B=$A\n", out);
    fclose(out);
    cr_expect_eq(read_env(text), -1);
    cr_expect(strstr(printed(), "the values grow beyond 16 MiB"));
    free(text);
}

Test(envfile, sensitive_through_other_variables) {
    cr_expect_eq(read_env("EARLY=x\n"
                          "PASS=hunter4\n"
                          "URL=postgres://user:${PASS}@host\n"
                          "MORE=${URL:-x}\n"
                          "LITERAL='$PASS'\n"
                          "ALONE=x\n"
                          "EARLY=$MORE\n"),
                 0);
    cr_expect_not(variables_sensitive(variables, "MORE"));
    variables_mark_sensitive(variables, (const char *const[]){"PASS", NULL});
    cr_expect(variables_sensitive(variables, "URL"));
    cr_expect(variables_sensitive(variables, "MORE"));
    cr_expect_not(variables_sensitive(variables, "LITERAL"));
    cr_expect_not(variables_sensitive(variables, "ALONE"));
    cr_expect(interpolate("$MORE").sensitive);
    cr_expect(variables_sensitive(variables, "EARLY"));
    /* Files that are read afterwards are no way around it. */
    cr_expect_eq(read_env("LATE=$URL\n"), 0);
    cr_expect(variables_sensitive(variables, "LATE"));
}

/* Each variable made from the one below it: found one by one, they took minutes. */
Test(envfile, long_chains_are_marked_in_linear_time, .timeout = 20) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (int i = 60000; i > 0; i--)
        fprintf(out, "V%d=$V%d\n", i, i - 1);
    fclose(out);
    cr_expect_eq(read_env(text), 0);
    free(text);
    variables_mark_sensitive(variables, (const char *const[]){"V0", NULL});
    cr_expect(variables_sensitive(variables, "V60000"));
    cr_expect_not(variables_sensitive(variables, "FOO"));
}

Test(envfile, files) {
    char path[] = "/tmp/tse-test-envfile-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_eq(write(descriptor, "A=1\nB\"\n", 7), 7);
    close(descriptor);
    cr_expect_eq(variables_read_file(variables, path, diagnostics), -1);
    cr_expect_str_eq(variables_get(variables, "A"), "1");
    cr_expect_null(strstr(printed(), " | ")); /* no line of it is quoted */
    unlink(path);
    cr_expect_eq(variables_read_file(variables, path, diagnostics), -1);
    cr_expect_eq(variables_read_file(variables, "/dev/zero", diagnostics), -1);
    cr_expect_eq(variables_read_file(variables, "/tmp", diagnostics), -1);
    cr_expect_eq(diagnostics_errors(diagnostics), 4);
    cr_expect(strstr(printed(), "no such file"));
    cr_expect(strstr(printed(), "/dev/zero: error: it is a device"));
    cr_expect(strstr(printed(), "/tmp: error: it is a directory"));
}
