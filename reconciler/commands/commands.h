/*
 * The commands. main.c holds the table; each command is a file named after it.
 */
#ifndef TSE_COMMANDS_COMMANDS_H
#define TSE_COMMANDS_COMMANDS_H

/* What the program ends with; `help` lists them. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,  /* also: status of what is not well; schema --check of what is not current */
    EXIT_CHANGES = 2, /* plan: there is something to do */
    EXIT_SPEC = 3,    /* the desired state is wrong; nothing was changed */
    EXIT_MISUSE = 64, /* the command line is wrong (EX_USAGE) */
    EXIT_INTERRUPTED = 130
};

struct command {
    const char *name;
    const char *arguments; /* "FILE" */
    const char *summary;   /* one line */
    /* argv[0] is "tse-reconcile NAME". Returns an exit code. */
    int (*run)(int argc, char **argv);
};

extern const struct command commands[]; /* ends with a NULL name */

/* By name, or NULL. */
const struct command *command_find(const char *name);
/* Runs it with the arguments that follow its name in argv[0]. */
int command_run(const struct command *command, int argc, char **argv);
/* Complains about a word that is no command, with a suggestion. Returns EXIT_MISUSE. */
int command_unknown(const char *word);

int command_apply(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_status(int argc, char **argv);
int command_destroy(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_render(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_version(int argc, char **argv);
int command_help(int argc, char **argv);

#endif
