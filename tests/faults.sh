#!/usr/bin/env bash
# Runs every conformance case on every model: tests/faults.sh [ROUNDS] [FILTER], by default one round. A round takes some minutes.
# With a filter, such as the name of a model, only the cases with it in their name run.
# The script stops at the first failure, and prints the command that repeats the case.
set -uo pipefail
cd "$(dirname "$0")/.."
rounds="${1:-1}"
export PORTLAB_FAULTS=all
cargo test --locked --test conformance --no-run || exit 2
for round in $(seq "$rounds"); do
    since=$SECONDS
    if ! output=$(cargo test --locked --quiet --test conformance -- ${2:+"$2"} 2>&1); then
        echo "$output" | grep -v ' \(ok\|ignored\)$'
        name=$(echo "$output" | grep -m1 ' FAILED$' | sed 's/^test *\(\[[^]]*\] *\)\?//; s/ *\.\.\. FAILED$//')
        echo "round $round of $rounds failed; to repeat it:"
        echo "  PORTLAB_FAULTS=all cargo test --test conformance -- --exact $name"
        exit 1
    fi
    echo "round $round of $rounds: $(echo "$output" | grep -o '[0-9]* passed'), $((SECONDS - since)) s"
done
