#!/bin/bash
# Starts PostgreSQL with the manners of the official image. On an empty data folder it makes the
# cluster, the user and the database that POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB name (or
# the files named by the same with _FILE), then runs what lies in /docker-entrypoint-initdb.d on a
# server that listens on its socket only. Started as root it continues as `postgres`.
set -Eeuo pipefail

readonly init_folder=/docker-entrypoint-initdb.d
readonly socket_folder=/var/run/postgresql

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

# Exports VARIABLE: its own value, else the content of the file VARIABLE_FILE names, else a default.
setting() { # VARIABLE [DEFAULT]
    local file=${1}_FILE
    if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
        fail "both $1 and $file are set: set only one of them"
    elif [ -n "${!1:-}" ]; then
        export "${1?}"
    elif [ -n "${!file:-}" ]; then
        export "$1=$(<"${!file}")"
    else
        export "$1=${2:-}"
    fi
    unset "$file"
}

read_settings() {
    setting POSTGRES_PASSWORD
    setting POSTGRES_USER postgres
    setting POSTGRES_DB "$POSTGRES_USER"
    setting POSTGRES_INITDB_ARGS
    setting POSTGRES_HOST_AUTH_METHOD
}

# Not every folder can be changed (a read-only root, a volume of somebody else's), and not every one
# has to be: PostgreSQL itself says what it cannot live with.
prepare_folders() {
    mkdir -p "$PGDATA"
    mkdir -p "$socket_folder" || true
    chmod 0700 "$PGDATA" || true
    chmod 3775 "$socket_folder" || true
    if [ "$(id -u)" = 0 ]; then
        find "$PGDATA" "$socket_folder" ! -user postgres -exec chown postgres '{}' +
    fi
}

check_password() {
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
        echo "WARNING: POSTGRES_HOST_AUTH_METHOD is trust: whoever reaches the port is let in." >&2
    elif [ -z "$POSTGRES_PASSWORD" ]; then
        fail "the database is uninitialized and no superuser password is specified:" \
            "set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE)"
    fi
}

make_cluster() { # [SERVER-OPTION…]
    local method
    local -a options=()
    # The arguments come as shell text, so that values with spaces can be quoted.
    eval "options=($POSTGRES_INITDB_ARGS)"
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${options[@]}"
    method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

run_sql() { # DATABASE [PSQL-OPTION…]
    PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc \
        --username "$POSTGRES_USER" --dbname "$@"
}

make_database() {
    run_sql postgres --quiet --set name="$POSTGRES_DB" <<'SQL'
SELECT format('CREATE DATABASE %I', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
}

run_init_file() { # FILE
    case $1 in
    *.sh | *.sql | *.sql.gz | *.sql.xz) printf '%s: running %s\n' "$0" "$1" ;;
    *) printf '%s: ignoring %s\n' "$0" "$1" ;;
    esac
    case $1 in
    *.sh)
        if [ -x "$1" ]; then
            "$1"
        else
            # shellcheck disable=SC1090 # as the official image does: it may set variables for others
            . "$1"
        fi
        ;;
    *.sql) run_sql "$POSTGRES_DB" -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | run_sql "$POSTGRES_DB" ;;
    *.sql.xz) xzcat "$1" | run_sql "$POSTGRES_DB" ;;
    esac
}

initialize() { # [SERVER-OPTION…]
    local file
    check_password
    make_cluster "$@"
    # The last one wins: whatever the options say, nobody outside reaches this server.
    pg_ctl -w start -o "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")"
    export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
    make_database
    for file in "$init_folder"/*; do
        [ ! -e "$file" ] || run_init_file "$file"
    done
    unset PGPASSWORD
    pg_ctl -w -m fast stop
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

asks_only_for_information() { # ARGUMENT…
    local argument
    for argument; do
        case $argument in
        '-?' | --help | --describe-config | -V | --version) return 0 ;;
        esac
    done
    return 1
}

case ${1:-} in
-*) set -- postgres "$@" ;;
esac

if [ "${1:-}" = postgres ] && ! asks_only_for_information "$@"; then
    read_settings
    prepare_folders
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
    fi
    if [ -s "$PGDATA/PG_VERSION" ]; then
        printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
    else
        initialize "${@:2}"
    fi
fi

exec "$@"
