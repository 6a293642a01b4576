#!/usr/bin/env bash
# Builds examples/hello into an OCI archive with no container registry anywhere, then runs the
# binary out of that image in a container.
set -euo pipefail
cd "$(dirname "$0")/.."

gobuild=${1:?usage: demo.sh GOBUILD}
archive=target/demo/hello.tar
mkdir -p target/demo

echo "== gobuild image examples/hello"
"$gobuild" image examples/hello --output "type=oci,dest=$archive"

echo "== running it with runc"
runimage "$archive"
