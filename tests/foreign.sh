#!/usr/bin/env bash
# Loads servers of other projects: socat, ncat, Python's http.server, nginx, redis-server. As root on Debian, the script
# first installs missing programs. If a program is still missing, its test is skipped, and the test's name says so.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A package=([socat]=socat [ncat]=ncat [python3]=python3 [nginx]=nginx-light [redis-server]=redis-server)
missing=()
for program in "${!package[@]}"; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if ((${#missing[@]})); then
    if [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
            echo "not installed: ${missing[*]}" >&2
    else
        echo "not installed: ${missing[*]}; run this script as root on Debian, or install them by hand" >&2
    fi
fi
exec cargo test --test foreign -- "$@"
