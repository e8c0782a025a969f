#!/usr/bin/env bash
# Kills and stops random processes of random models under load: tests/chaos.sh [ROUNDS] [SEED], by default 1,000 rounds
# from seed 1. A round takes about half a second. Prints how often each action was done. The seed of a failed round
# repeats that round.
set -euo pipefail
cd "$(dirname "$0")/.."
export PORTLAB_CHAOS="${1:-1000}" PORTLAB_CHAOS_SEED="${2:-1}"
exec cargo test --test commands chaos:: -- --nocapture
