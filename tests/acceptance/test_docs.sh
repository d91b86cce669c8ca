#!/usr/bin/env bash
# docs/ says what the provider's schema says.
. "$(dirname "$0")/lib.sh"

PROVIDER=kubeflow
PROVIDER_DIR=${PROVIDER_DIR:-$BUILD}

test_pages_are_generated() {
    BUILD=$PROVIDER_DIR "$ROOT/docs/generate" --check || die "run make docs"
}

run_tests "$@"
