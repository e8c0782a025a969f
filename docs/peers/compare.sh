#!/usr/bin/env bash
# Compares the echo servers of this folder with ours: those that this machine can run, each beside
# the models of portlab that it is like. Options are those of `portlab compare`, and two of its own:
#
#   docs/peers/compare.sh                   compare
#   docs/peers/compare.sh --quick -c 100    the same, with options of `portlab compare`
#   docs/peers/compare.sh --install         first put gevent into target/peers-venv, by pip
#   docs/peers/compare.sh --list            only say what would be compared: a name, a tab, a command
#
# What is left out, and how to get it, is said on stderr. PYTHON, NODE and CC choose other programs.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
venv=$target/peers-venv
python=${PYTHON:-python3} node=${NODE:-node} cc=${CC:-cc}
models=threads,fork,event-loop,tasks-single,tasks

has() { command -v "$1" >/dev/null 2>&1; }

# A word as a shell has to be told it, for the command that portlab will split.
quoted() {
    case $1 in
    *[!A-Za-z0-9_./+-]*) printf "'%s'" "${1//\'/\'\\\'\'}" ;;
    *) printf '%s' "$1" ;;
    esac
}

names=() commands=()
add() {
    names+=("$1")
    commands+=("$2 {port}")
}
left_out() { echo "left out: $1: $2" >&2; }

# The packages that a Python file needs, from its line "# Needs from PyPI: ...".
needs() { sed -n 's/^# Needs from PyPI: //p' "$1"; }

# A Python that can import the packages named: the machine's, or that of the virtual environment.
python_with() {
    local interpreter
    for interpreter in "$python" "$venv/bin/python"; do
        if has "$interpreter" && "$interpreter" -c "import ${1// /, }" 2>/dev/null; then
            printf '%s' "$interpreter"
            return
        fi
    done
    return 1
}

python_peer() {
    local interpreter packages
    packages=$(needs "$2")
    if ! has "$python"; then
        left_out "$1" "no $python here; install Python 3.8 or newer"
    elif interpreter=$(python_with "${packages:-sys}"); then
        add "$1" "$(quoted "$interpreter") $2"
    else
        left_out "$1" "no $packages here; docs/peers/compare.sh --install puts it into $venv"
    fi
}

node_peer() {
    if has "$node"; then
        add "$1" "$(quoted "$node") $2"
    else
        left_out "$1" "no $node here; install Node.js"
    fi
}

c_peer() {
    local program=$target/peers/$1
    mkdir -p "$target/peers"
    if ! has "$cc"; then
        left_out "$1" "no $cc here; install a C compiler"
    elif [[ $program -nt $2 ]] || compile "$2" "$program"; then
        add "$1" "$(quoted "$program")"
    else
        left_out "$1" "$cc can't compile it on this machine"
    fi
}

# Under another name first: two of us may compile at once, and the old one may be running.
compile() {
    "$cc" -std=c11 -O2 -Wall -Wextra -o "$2.$$" "$1" && mv -f "$2.$$" "$2"
}

install() {
    local packages
    packages=$(for file in docs/peers/*.py; do needs "$file"; done | tr ' ' '\n' | sort -u)
    "$python" -m venv "$venv"
    # Without quotes: a word for each package.
    # shellcheck disable=SC2086
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $packages
}

# Our own two options; the others are for portlab.
list=false options=()
for option in "$@"; do
    case $option in
    --install) install ;;
    --list) list=true ;;
    -m* | --models | --models=*) models='' options+=("$option") ;;
    *) options+=("$option") ;;
    esac
done

for file in docs/peers/*; do
    name=$(basename "${file%.*}")
    name=${name//_/-}
    case $file in
    *.py) python_peer "$name" "$file" ;;
    *.mjs) node_peer "$name" "$file" ;;
    *.c) c_peer "$name" "$file" ;;
    esac
done

servers=()
for ((at = 0; at < ${#names[@]}; at++)); do
    if $list; then
        printf '%s\t%s\n' "${names[at]}" "${commands[at]}"
    fi
    servers+=(--server "${names[at]}=${commands[at]}")
done
if $list; then
    exit
fi
exec cargo run --release -- compare ${models:+--models "$models"} \
    ${servers[@]+"${servers[@]}"} ${options[@]+"${options[@]}"}
