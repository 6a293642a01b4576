#!/usr/bin/env bash
# Compares `gobuild image --push` with native `go build` of the same tree, and prints a Markdown
# table of medians and ratios.
#
#   compare.sh PROJECT_DIR MAIN      e.g. compare.sh ~/src/cli ./cmd/gh
#
# ROUNDS (default 7) sets how often each step is timed. The programs are taken from PATH: gobuild,
# go, buildkitd, buildctl, registry, crane. A daemon and a registry of the script's own are started
# (../with-daemon.sh); the project is copied, so the edits do not touch it.
#
# What is compared:
#   - both compile with the Go version and for the platform that gobuild plans, and with its default
#     flags: where a manifest sets tags or flags of its own, the two do not do the same work;
#   - nothing changed: neither has anything to compile. Without a build id, which images leave out,
#     `go build` cannot tell that its output is up to date and links again; the second row lets it
#     keep the id;
#   - one line edited: a string in the main package changes, so the binary does too;
#   - gobuild's times include the push of the image; `go build` only writes a file;
#   - a build of one cached file, by buildctl, is what any client of the daemon pays.
# The two take turns, so that a busy machine slows both alike. Nothing is asserted.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 PROJECT_DIR MAIN" >&2
    exit 2
fi
here=$(realpath "$(dirname "$0")")
project=$(realpath "$1")
main=$2
if [ -z "${GOBUILD_TEST_BUILDKIT:-}" ]; then
    exec "$here/../with-daemon.sh" "$0" "$project" "$main"
fi
rounds=${ROUNDS:-7}

work=$(mktemp -d "${TMPDIR:-/tmp}/gobuild-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree="$work/tree"
cp -r "$project" "$tree"
chmod -R u+w "$tree"
cd "$tree"

image="$GOBUILD_TEST_REGISTRY/bench:latest"
plan=$(gobuild plan --json "$main")
read -r version platform < <(python3 -c '
import json, sys
plan = json.load(sys.stdin)
step = plan["compiles"][0]
print(plan["toolchain"]["version"], step["platform"])' <<<"$plan")
export GOTOOLCHAIN="go$version" CGO_ENABLED=0 GOOS="${platform%%/*}" GOARCH="${platform#*/}"

native() {
    go build -trimpath -buildvcs=false '-ldflags=-s -w -buildid=' -o "$work/binary" "$main"
}

# An output of its own: the other's has no build id to compare with.
native_with_id() {
    go build -trimpath -buildvcs=false '-ldflags=-s -w' -o "$work/binary-with-id" "$main"
}

image() {
    gobuild image --push --tag "$image" --platform "$platform" \
        --addr "$GOBUILD_TEST_BUILDKIT" --progress quiet "$main" >/dev/null
}

# About the least that a build can be: one file, cached.
empty() {
    buildctl --addr "$GOBUILD_TEST_BUILDKIT" build --progress quiet <"$here/../../src/llb/golden/file_mkfile.pb"
}

# A string that the program holds and the linker must keep.
edit() {
    cat >"$main/zz_bench_edit.go" <<GO
package main

//go:noinline
func benchEdit() string { return "edit $1" }

func init() {
    if benchEdit() == "" {
        panic("unreachable")
    }
}
GO
}

# Runs a step silently and appends its wall time in milliseconds to its file.
timed() {
    local start=$EPOCHREALTIME
    if ! "$2" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
    local end=$EPOCHREALTIME
    echo $(((${end/./} - ${start/./}) / 1000)) >>"$work/$1"
}

median() {
    sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

row() {
    awk -v name="$1" -v ours="$(median "$2")" -v theirs="$(median "$3")" \
        'BEGIN { printf "| %s | %.2f s | %.2f s | %.2f |\n", name, theirs / 1000, ours / 1000, ours / theirs }'
}

edit 0
native
native_with_id
image

for round in $(seq "$rounds"); do
    timed native-none native
    timed native-with-id native_with_id
    timed image-none image
    timed empty empty
done
for round in $(seq "$rounds"); do
    edit "$round"
    timed native-edit native
    timed image-edit image
done

echo "$(basename "$project") $main, $platform, go $version, medians of $rounds"
echo
echo "| work | go build | gobuild image --push | ratio |"
echo "|---|---|---|---|"
row "nothing changed" image-none native-none
row "nothing changed, build id kept" image-none native-with-id
row "one line edited in main" image-edit native-edit
echo
printf 'The smallest build takes %.2f s.\n' "$(median empty | awk '{ print $1 / 1000 }')"
