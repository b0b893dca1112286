/* tse-reconcile help: the commands, and what holds for all of them. */
#include "commands/common.h"

static const char about[] =
    "\n"
    "Every command explains its options with --help.\n"
    "\n"
    "Output\n"
    "  Results go to stdout, progress and errors to stderr. With -o json or -o yaml stdout "
    "carries\n"
    "  exactly one document; after a failure it has \"error\": {\"code\": ..., \"message\": ...}, "
    "and\n"
    "  \"diagnostics\" in it when a file is wrong (validate: beside each file). A wrong command "
    "line\n"
    "  writes none.\n"
    "\n"
    "Exit codes\n"
    "    0  done; plan: nothing to do; status: all healthy and as declared\n"
    "    1  failed; status: something is not well; schema --check: a file is not current\n"
    "    2  plan: there are changes\n"
    "    3  the desired state is wrong; nothing was changed\n"
    "   64  the command line is wrong\n"
    "  130  interrupted (SIGINT, SIGTERM)\n"
    "\n"
    "Environment variables\n"
    "  DOCKER_HOST        the engine: unix:///path or tcp://host:port\n"
    "  DOCKER_CONTEXT     the docker context, where DOCKER_HOST is not set\n"
    "  DOCKER_TLS_VERIFY  if not empty: TLS to a tcp:// engine, its certificate is checked\n"
    "  DOCKER_CERT_PATH   folder of ca.pem, cert.pem and key.pem\n"
    "  DOCKER_CONFIG      folder of the docker client's config.json (default ~/.docker)\n"
    "  NO_COLOR           if not empty: no colours\n"
    "  TERM               dumb: no live view\n"
    "  All others can stand as ${NAME} in the files; they win over envFiles.\n";

void help_overview(FILE *out) {
    fputs("Usage: tse-reconcile COMMAND [OPTION...] [FILE]\n"
          "Keeps a trading ecosystem's environment as its YAML says it should be.\n\n",
          out);
    for (const struct command *command = commands; command->name; command++)
        fprintf(out, "  %-9s %-10s %s\n", command->name, command->arguments, command->summary);
    fputs(about, out);
}

int command_help(int argc, char **argv) {
    if (argc < 2 || argv[1][0] == '-') {
        help_overview(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_unknown(argv[1]);
    if (command->run == command_help) {
        help_overview(stdout);
        return EXIT_DONE;
    }
    char help[] = "--help";
    char *arguments[] = {argv[1], help, NULL};
    return command_run(command, 2, arguments);
}
