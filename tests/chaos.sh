#!/usr/bin/env bash
# Kills and stops random processes of random models under load: 1,000 rounds, or as many as the first argument
# says, from the seed that the second says. About half a second each. Prints what was done how often; the seed of a
# round that fails repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PORTLAB_CHAOS="${1:-1000}" PORTLAB_CHAOS_SEED="${2:-1}"
exec cargo test --test commands chaos:: -- --nocapture
