/*
 * Paths of files on this machine, as text: joined and made relative without asking the file system,
 * so that messages show short paths and renderings do not depend on where the checkout lies.
 */
#ifndef TSE_SPEC_PATHS_H
#define TSE_SPEC_PATHS_H

struct arena;

/* `path` as seen from the file `from`: absolute paths stay, others are taken relative to the
 * directory of `from`. "." and "x/.." are taken out, as Compose does. */
const char *path_beside(struct arena *arena, const char *from, const char *path);

/* How to write `path` in the file `from`, so that path_beside() gives it back; absolute when there
 * is no other way. Both are as path_beside() returns them. */
const char *path_from(struct arena *arena, const char *from, const char *path);

#endif
