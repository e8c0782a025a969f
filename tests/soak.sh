#!/usr/bin/env bash
# Loads every model's chat: tests/soak.sh [SEEDS], by default twenty seeds of 5,000 messages to 50 members. Checks the
# whole history of each. Takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
PORTLAB_SOAK="${1:-20}" exec cargo test --release --test chat -- --test-threads 1
