#!/usr/bin/env bash
# Runs a command with a buildkitd, a registry and a Docker Engine of its own on loopback, and ends
# them with it.
#
# The command sees:
#   GOBUILD_TEST_BUILDKIT       address of the daemon (unix://…)
#   GOBUILD_TEST_BUILDKIT_TCP   another address of it (tcp://…)
#   GOBUILD_TEST_REGISTRY       host:port of the registry, which also stands in for docker.io
#   GOBUILD_TEST_DOCKER         address of the engine (unix://…), whose containers have no network
# All are fresh: nothing is kept from an earlier run. Their logs are shown if the command fails.
set -euo pipefail

# What `make tools` installs.
PATH="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/tools/bin:$PATH"

folder=$(mktemp -d "${TMPDIR:-/tmp}/gobuild-test.XXXXXX")
pids=()

finish() {
    status=$?
    trap - EXIT
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ "$status" -ne 0 ]; then
        echo "--- buildkitd (last 30 lines)" >&2
        tail -n 30 "$folder/buildkitd.log" >&2 || true
        echo "--- registry (last 10 lines)" >&2
        tail -n 10 "$folder/registry.log" >&2 || true
        echo "--- dockerd (last 20 lines)" >&2
        tail -n 20 "$folder/dockerd.log" >&2 || true
    fi
    # An engine leaves the network namespaces that it has mounted; one that crashed, all its mounts.
    awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mounted; do umount --lazy "$mounted" 2>/dev/null || true; done
    rm -rf "$folder"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints a port that nothing listens on. Bounded: some port of a hundred is free.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        # The registry may not listen yet.
        if [ "$port" != "${registry_port:-}" ] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    echo "no free port" >&2
    return 1
}

registry_port=$(free_port)
registry="127.0.0.1:$registry_port"
cat >"$folder/registry.yml" <<YAML
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: $folder/registry }
  delete: { enabled: true }
http: { addr: $registry }
YAML
OTEL_TRACES_EXPORTER=none registry serve "$folder/registry.yml" >"$folder/registry.log" 2>&1 &
pids+=($!)

cat >"$folder/buildkitd.toml" <<TOML
root = "$folder/buildkit"
[worker.oci]
  snapshotter = "overlayfs"
  networkMode = "host"
[worker.containerd]
  enabled = false
[registry."docker.io"]
  mirrors = ["$registry"]
[registry."$registry"]
  http = true
TOML
export GOBUILD_TEST_BUILDKIT="unix://$folder/buildkitd.sock"
export GOBUILD_TEST_REGISTRY="$registry"
GOBUILD_TEST_BUILDKIT_TCP="tcp://127.0.0.1:$(free_port)"
export GOBUILD_TEST_BUILDKIT_TCP
buildkitd --config "$folder/buildkitd.toml" \
    --addr "$GOBUILD_TEST_BUILDKIT" --addr "$GOBUILD_TEST_BUILDKIT_TCP" >"$folder/buildkitd.log" 2>&1 &
pids+=($!)

# Neither a bridge nor rules of a firewall: nothing of the machine's network is changed.
export GOBUILD_TEST_DOCKER="unix://$folder/docker.sock"
dockerd --host "$GOBUILD_TEST_DOCKER" --data-root "$folder/docker" --exec-root "$folder/docker-exec" \
    --pidfile "$folder/docker.pid" --bridge none --iptables=false --ip6tables=false \
    >"$folder/dockerd.log" 2>&1 &
pids+=($!)

for attempt in $(seq 100); do
    if buildctl --addr "$GOBUILD_TEST_BUILDKIT" debug workers >/dev/null 2>&1 &&
        crane catalog "$registry" >/dev/null 2>&1 &&
        docker --host "$GOBUILD_TEST_DOCKER" version >/dev/null 2>&1; then
        break
    fi
    if [ "$attempt" = 100 ]; then
        echo "buildkitd, the registry or dockerd did not answer" >&2
        exit 1
    fi
    sleep 0.2
done

"$@"
