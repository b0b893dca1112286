/*
 * Command lines written as one text.
 */
#ifndef TSE_SPEC_ARGUMENTS_H
#define TSE_SPEC_ARGUMENTS_H

#include "spec/environment.h"

/* Splits a text into arguments as Compose does (POSIX shell quoting: blanks, '…', "…", \, and #
 * comments; nothing is expanded). Fills the list, in the arena, and returns NULL, or returns what
 * is wrong (static). */
const char *split_arguments(struct arena *arena, const char *text, struct text_list *list);

#endif
