#!/usr/bin/env bash
# Serves echo and chat under valgrind's helgrind, on each model that has threads, while 50 clients load it from
# outside. Takes some minutes, and needs valgrind. Without arguments the script runs all combinations; one combination:
#   tests/helgrind.sh threads chat
#
# Helgrind recognizes only the locks of pthread. The locks of Rust's std, tokio and rayon are futexes and atomics, so
# helgrind reports everything that they protect. In all crates but portlab-sys the compiler has proven that there is
# no race (`forbid(unsafe_code)`). So this script fails if
# - a function of portlab-sys is among the six innermost functions of one of the two accesses of a report, and
#   tests/helgrind.supp doesn't explain the report,
# - a lock is misused, or
# - the load or the server ends with an error.
set -euo pipefail
cd "$(dirname "$0")/.."

nice cargo build -q -p portlab
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fails=0

# Prints the reports for which this script fails.
ours() {
    awk '
        function flush() { if (ours) print block; block = ""; ours = race = behind = 0 }
        /== -----/ { flush() }
        { block = block "\n" $0 }
        /Possible data race/ { race = 1 }
        /== +(Address|Block was)/ { behind = 1 }
        / at 0x/ { depth = 0 }
        / (at|by) 0x/ { if (++depth <= 6 && race && !behind && /portlab_sys/) ours = 1 }
        /Thread #[0-9]+(: |.s call| unlocked| deallocated)|still holds/ { ours = 1 }
        END { flush() }' "$1"
}

serve() {
    local model=$1 service=$2 server addr="" workers=() load=(--connections 50)
    case $service in
        echo) load+=(--messages 1000) ;;
        chat) load+=(--script chat --rooms 5 --duration 3s) ;;
    esac
    : >"$dir/out"
    # A bounded pool needs a thread for each client.
    case $model in prethreaded | pool) workers=(--workers 64) ;; esac
    nice valgrind --tool=helgrind --fair-sched=yes --suppressions=tests/helgrind.supp --num-callers=12 \
        --log-file="$dir/log" target/debug/portlab serve --model "$model" "${workers[@]}" \
        --service "$service" --bind 127.0.0.1:0 --drain 20s --json >"$dir/out" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        addr=$(sed -n 's/.*"addr":"\([^"]*\)".*/\1/p' "$dir/out")
        [ -n "$addr" ] && break
        sleep 0.2
    done
    local loaded=0 served=0
    timeout 120 target/debug/portlab load "$addr" "${load[@]}" >"$dir/load" 2>&1 || loaded=$?
    kill -INT "$server"
    wait "$server" || served=$?
    ours "$dir/log" >"$dir/ours"
    printf '%-12s %-5s load exits %s, server exits %s, %s reports, %s of portlab-sys\n' "$model" "$service" \
        "$loaded" "$served" "$(grep -c 'Possible data race' "$dir/log")" "$(grep -c '== -----' "$dir/ours")"
    if [ "$loaded" != 0 ] || [ "$served" != 0 ] || [ -s "$dir/ours" ]; then
        fails=1
        tail -n 5 "$dir/load"
        cat "$dir/ours"
    fi
}

if [ $# = 2 ]; then
    serve "$@"
else
    for model in threads prethreaded pool loop-pool tasks; do
        for service in echo chat; do
            serve "$model" "$service"
        done
    done
fi
exit "$fails"
