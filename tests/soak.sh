#!/usr/bin/env bash
# Loads the chat of every model: tests/soak.sh [SEEDS], by default twenty seeds of 5,000 messages to 50 members. Checks
# that no message is lost, doubled, out of order or in another room. Takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
PORTLAB_SOAK="${1:-20}" exec cargo test --release --test chat -- --test-threads 1
