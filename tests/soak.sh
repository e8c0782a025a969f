#!/usr/bin/env bash
# Every model's chat through twenty seeds (or as many as the first argument says) of 5,000 messages to
# 50 members, each history checked. Some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
PORTLAB_SOAK="${1:-20}" exec cargo test --release --test chat -- --test-threads 1
