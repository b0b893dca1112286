/* The table of commands, and what holds for all of them. */
#include "base/memory.h"
#include "commands/commands.h"
#include "commands/common.h"
#include "spec/quantity.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
    {"apply", "FILE", "make the engine run what FILE declares, and wait until it is healthy",
     command_apply},
    {"plan", "FILE", "show what apply would change", command_plan},
    {"status", "FILE", "show the services: health, addresses, where to reach them", command_status},
    {"destroy", "FILE", "remove what FILE declares; volumes stay unless --volumes",
     command_destroy},
    {"validate", "FILE...", "check files without an engine", command_validate},
    {"render", "FILE", "write the flattened environment", command_render},
    {"schema", "[KIND]", "write the schemas and the reference documentation", command_schema},
    {"version", "", "show the versions of the program, its libraries and the engine",
     command_version},
    {"help", "[COMMAND]", "explain a command", command_help},
    {NULL, NULL, NULL, NULL},
};

const struct command *command_find(const char *name) {
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* argp and getopt name the program by argv[0] in what they print. */
int command_run(const struct command *command, int argc, char **argv) {
    cleanup_free char *name = format_text("tse-reconcile %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

int command_unknown(const char *word) {
    const char *names[sizeof(commands) / sizeof(commands[0])];
    size_t count = 0;
    for (const struct command *command = commands; command->name; command++)
        names[count++] = command->name;
    names[count] = NULL;
    const char *near = suggest(word, names);
    fprintf(stderr, "tse-reconcile: \"%s\" is not a command", word);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs(near ? "\n" : ": \"tse-reconcile help\" lists them\n", stderr);
    return EXIT_MISUSE;
}

static const char *option_as_command(const char *word) {
    static const char *const pairs[][2] = {{"--help", "help"},
                                           {"-h", "help"},
                                           {"-?", "help"},
                                           {"--version", "version"},
                                           {"-V", "version"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (strcmp(word, pairs[i][0]) == 0)
            return pairs[i][1];
    return word;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a reader that has seen enough is no reason to stop half-way */
    setlocale(LC_CTYPE, "");  /* only this: numbers keep their points */
    atexit(output_close);
    if (argc < 2) {
        help_overview(stderr);
        return EXIT_MISUSE;
    }
    const struct command *command = command_find(option_as_command(argv[1]));
    return command ? command_run(command, argc - 1, argv + 1) : command_unknown(argv[1]);
}
