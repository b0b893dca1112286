# What the recipes of images/ share: unpacking Debian packages without installing them, copying a
# program together with the libraries it needs, and loading a file tree into the engine as an image.
# Sourced by images/make, which sets: here (this folder), work (a temporary folder), sources (the
# unpacked packages) and for each image root (its file tree).
# shellcheck shell=bash disable=SC2154

if [ "$(id -u)" -eq 0 ]; then
    cache=${TSE_CACHE:-/var/cache/tse-reconcile}
else
    cache=${TSE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tse-reconcile}
fi

# Every file of an image carries this time (Debian 12's release), so that making it again gives the
# same bytes.
image_time=${SOURCE_DATE_EPOCH:-1686355200}

say() {
    printf 'images: %s\n' "$*"
}

fail() {
    printf 'images: error: %s\n' "$*" >&2
    exit 1
}

# --- Debian packages -----------------------------------------------------------------------------

# "NAME VERSION" of the packages and all they depend on, as if nothing were installed: what goes into
# an image then depends on Debian alone, not on the machine it is made on.
package_closure() {
    apt-get install --simulate --no-install-recommends -o Dir::State::status=/dev/null "$@" 2>&1 |
        sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*$/\1 \2/p'
}

# Of a closure, the packages whose files an image can need: those named, libraries, scripts of the
# web pages. (LLVM is PostgreSQL's JIT, which does without; the rest maintains an installed system.)
wanted_packages() { # CLOSURE-FILE NAMED…
    local closure=$1 name version
    shift
    while read -r name version; do
        case " $* " in
        *" $name "*) printf '%s %s\n' "$name" "$version" ;;
        *) case $name in
            libllvm* | libz3-* | libperl* | *-perl | libdb5*) ;;
            lib* | zlib* | fonts-*) printf '%s %s\n' "$name" "$version" ;;
            esac ;;
        esac
    done <"$closure"
}

# The file name apt gives a package's archive; several architectures share none of these.
cached_archive() { # NAME VERSION
    local archive
    for archive in "$cache/packages/$1_${2//:/%3a}"_*.deb; do
        [ -f "$archive" ] && printf '%s\n' "$archive" && return
    done
}

update_lists() {
    say "reading the package lists (apt-get update)"
    apt-get update -qq >"$work/apt.log" 2>&1 || true
}

download_packages() { # NAME=VERSION…
    mkdir -p "$cache/packages"
    say "downloading $# packages to $cache/packages"
    (cd "$cache/packages" &&
        apt-get download -qq -o APT::Sandbox::User=root "$@") >"$work/apt.log" 2>&1 ||
        fail "apt-get download: $(grep '^E:' "$work/apt.log" | head -n 1)." \
            "Check the network and /etc/apt/sources.list, then run this again"
}

# Sees to it that the cache has the packages and the libraries they need; writes the closure.
fetch_packages() { # NAME…
    local closure=$work/closure missing=() name version
    package_closure "$@" >"$closure.all"
    if [ ! -s "$closure.all" ]; then
        update_lists
        package_closure "$@" >"$closure.all"
        [ -s "$closure.all" ] || fail "apt knows no package for: $*. Check /etc/apt/sources.list" \
            "(\"$(grep '^E:' "$work/apt.log" | head -n 1)\"), then run this again"
    fi
    wanted_packages "$closure.all" "$@" >"$closure"
    while read -r name version; do
        [ -n "$(cached_archive "$name" "$version")" ] || missing+=("$name=$version")
    done <"$closure"
    [ ${#missing[@]} -eq 0 ] || download_packages "${missing[@]}"
}

# Unpacks the fetched packages into $sources; nothing is installed on this machine.
unpack_packages() {
    local name version
    # shellcheck disable=SC2016 # the inner shell expands them
    while read -r name version; do
        cached_archive "$name" "$version"
    done <"$work/closure" | xargs -d '\n' -P "$(nproc)" -n 1 bash -c 'unpack_archive "$1" "$2"' - "$sources"
}

# Leaves out what is large and in no image.
unpack_archive() { # FOLDER ARCHIVE
    set -o pipefail
    dpkg-deb --fsys-tarfile "$2" | tar -C "$1" -x --skip-old-files --exclude='./usr/share/man' \
        --exclude='./usr/share/locale' --exclude='*/llvmjit*' \
        --exclude='*/bitcode' --exclude='*/moment-timezone/data' --exclude='*-year-range*'
}
export -f unpack_archive

# "NAME VERSION, …" of the unpacked packages that are named.
versions_of() { # NAME…
    [ $# -eq 0 ] || grep -E "^($(paste -sd '|' < <(printf '%s\n' "$@"))) " "$work/closure" | sort |
        paste -sd , | sed 's/,/, /g'
}

# --- Filling an image's file tree ($root) from unpacked packages ($sources) ----------------------

# The folders every image has. /usr is merged, as in Debian.
base_tree() {
    mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,var/tmp,usr/bin,usr/sbin,usr/lib,usr/lib64}
    mkdir -p "$root"/usr/local/bin
    ln -s usr/bin "$root/bin"
    ln -s usr/sbin "$root/sbin"
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    ln -s ../run "$root/var/run"
    chmod 1777 "$root/tmp" "$root/var/tmp"
    chmod 700 "$root/root"
    printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
}

add_user() { # NAME UID GID HOME [GROUP]
    printf '%s:x:%s:%s::%s:/bin/sh\n' "$1" "$2" "$3" "$4" >>"$root/etc/passwd"
    [ "$3" -eq 0 ] || printf '%s:x:%s:\n' "${5:-$1}" "$3" >>"$root/etc/group"
}

# A shell and the usual tools: busybox, under all its names.
add_busybox() {
    local applet
    cp "$sources/bin/busybox" "$root/usr/bin/busybox" 2>/dev/null ||
        cp "$sources/usr/bin/busybox" "$root/usr/bin/busybox"
    for applet in $("$root/usr/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/usr/bin/$applet"
    done
}

# Puts files, executable as they are, where the image wants them, with the libraries they load.
add_program() { # DESTINATION-FOLDER FILE…
    local destination=$1 file
    shift
    mkdir -p "$root/$destination"
    for file in "$@"; do
        add_libraries "$file"
        rm -f "$root/$destination/${file##*/}"
        cp -L "$file" "$root/$destination/"
    done
}

# Copies the dynamic loader and what it says a program loads. The packages' own loader is asked, so
# this machine's libraries never get in.
add_libraries() { # FILE
    local loader folders listed library target
    loader=$(compgen -G "$sources/lib*/ld-linux*.so.*" || compgen -G "$sources/usr/lib*/ld-linux*.so.*")
    loader=${loader%%$'\n'*}
    # Absolute links of the packages point into this machine: use what they stand for instead.
    if [ -L "$loader" ]; then
        ln -sf "$(compgen -G "$sources/*lib/*/${loader##*/}" | head -n 1)" "$loader"
    fi
    folders=$(compgen -G "$sources/lib/*-linux-gnu*" || true)$'\n'$(compgen -G "$sources/usr/lib/*-linux-gnu*" || true)
    listed=$("$loader" --inhibit-cache --library-path "$(paste -sd: <<<"$folders")" --list "$1") ||
        fail "the libraries of ${1##*/} cannot be found: $listed"
    target=$root/${loader#"$sources/"}
    [ -e "$target" ] || install -D -m 755 "$loader" "$target"
    while read -r library; do
        [[ $library == "$sources"/* ]] ||
            fail "${1##*/} would load $library of this machine: add its package to the recipe"
        [[ $library != "$loader" ]] || continue
        target=${library#"$sources/"}
        target=$root/usr/${target#usr/}
        [ -e "$target" ] || install -D -m 644 "$library" "$target"
    done < <(sed -nE 's/^.* => ([^ ]+) .*$/\1/p' <<<"$listed")
}

# The stand-in program, static, so that it runs in an image that holds nothing else.
add_stand_in() { # DESTINATION
    mkdir -p "$(dirname "$root/$1")"
    "${CC:-cc}" -std=c17 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wshadow -Wconversion -Werror \
        -ffile-prefix-map="$here=images" -o "$root/$1" "$here/stand-in/stand-in.c" ||
        fail "the stand-in does not compile: run setup/packages build for a C compiler"
}

# --- From a file tree to an image ----------------------------------------------------------------

json_string() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# The image configuration (OCI image specification): what config.json says, and what the image is.
image_config() { # CONFIG LAYER [LABEL VALUE]… (labels without a value are left out)
    local config labels='' layer=$2
    config=$(<"$1")
    shift 2
    while [ $# -gt 0 ]; do
        [ -z "$2" ] || labels+="${labels:+, }$(json_string "$1"): $(json_string "$2")"
        shift 2
    done
    printf '{"architecture": "%s", "os": "linux", "created": "%s",\n"config": %s, "Labels": {%s}},\n' \
        "$(dpkg --print-architecture)" "$(date -u -d "@$image_time" +%Y-%m-%dT%H:%M:%SZ)" \
        "${config%\}*}" "$labels"
    printf '"rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]},\n' \
        "$(sha256sum "$layer" | cut -d ' ' -f 1)"
    printf '"history": [{"created_by": "images/make"}]}\n'
}

load_image() { # NAME CONFIG [LABEL VALUE]…
    local name=$1 config=$2 archive=$work/archive
    shift 2
    mkdir -p "$archive"
    tar -C "$root" --sort=name --mtime="@$image_time" --numeric-owner --format=gnu \
        -cf "$archive/layer.tar" .
    image_config "$config" "$archive/layer.tar" "$@" >"$archive/config.json"
    printf '[{"Config": "config.json", "RepoTags": [%s], "Layers": ["layer.tar"]}]\n' \
        "$(json_string "$name")" >"$archive/manifest.json"
    tar -C "$archive" -cf - manifest.json config.json layer.tar | docker load --quiet >/dev/null
    rm -rf "$archive"
}
