#!/bin/sh
# Starts Redis with the manners of the official image: options or a configuration file alone mean
# the server; a server started as root owns its data folder first and then runs as `redis`.
set -e

case ${1:-} in
-* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis '{}' +
    # By its path: busybox's shell would take its own setpriv, which cannot change the user.
    exec /usr/bin/setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
fi

# Data is nobody else's to read, unless the caller chose another mask.
if [ "$(umask)" = 0022 ]; then
    umask 0077
fi

exec "$@"
