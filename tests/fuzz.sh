#!/usr/bin/env bash
# Runs each fuzz target, or the targets that are named, with N inputs (default 10,000,000):
#   tests/fuzz.sh [N] [TARGET...]        such as: tests/fuzz.sh 1000000 chat rooms
# Needs a C++ compiler for libFuzzer, and the Rust of the workspace (no nightly). JOBS is the number of targets that run at
# a time (default 2). LENGTH is the largest length of an input in bytes (default 4096).
# A target fails if an assertion fails, if an input takes more memory or more processor time than
# tests/fuzz/src/target.rs allows, or if an input hangs. The input is then a file in tests/fuzz/artifacts/TARGET/.
set -euo pipefail
cd "$(dirname "$0")/fuzz"

runs=${1:-10000000}
shift || true
host=$(rustc -vV | sed -n 's/^host: //p')
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n '/^\[\[bin\]\]/{n;s/^name = "\(.*\)"/\1/p}' Cargo.toml)

# The same compiler flags as those of cargo-fuzz: they report to libFuzzer which branches an input takes.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
cp ../../Cargo.lock Cargo.lock
nice cargo build --release --target "$host" --bins

one() {
    local target=$1 log
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target/log
    if nice "./target/$host/release/$target" -runs="$runs" -timeout=30 -rss_limit_mb=1024 -max_len="${LENGTH:-4096}" \
        -artifact_prefix="artifacts/$target/" "corpus/$target" "seeds/$target" >"$log" 2>&1; then
        printf '%-12s %s\n' "$target" "$(grep '^Done' "$log")"
    else
        printf '%-12s FAILED\n' "$target"
        tail -n 25 "$log"
        return 1
    fi
}
export -f one
export runs host
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-2}" -I{} bash -c 'one {}'
