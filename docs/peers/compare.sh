#!/usr/bin/env bash
# Compares the servers of this folder (peers) with similar models of portlab: echo servers, and for the workloads of HTTP the
# web servers in http/. Peers that this machine can't run are left out: stderr shows the reason, and what to install. All
# options of `portlab compare` are allowed, and three more:
#
#   docs/peers/compare.sh                   compare
#   docs/peers/compare.sh --quick -c 100    compare, with options of `portlab compare`
#   docs/peers/compare.sh -w http,http-file compare web servers
#   docs/peers/compare.sh --peers c-libuv,rust-monoio   compare only these peers
#   docs/peers/compare.sh --install         first install gevent and uvloop with pip, in target/peers-venv, and build the
#                                           peers in Rust, in target/peers/rust
#   docs/peers/compare.sh --list            only list the peers that would be compared: a name, a tab, a command
#
# The environment variables PYTHON, NODE and CC choose other programs than python3, node and cc.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
venv=$target/peers-venv
python=${PYTHON:-python3} node=${NODE:-node} cc=${CC:-cc}
models=threads,fork,event-loop,loop-pool,tasks-single,tasks,coroutines,uring
# nginx may be where only administrators look for programs.
PATH=$PATH:/usr/sbin:/usr/local/sbin

has() { command -v "$1" >/dev/null 2>&1; }

# Quotes a word as a shell does, because portlab splits the command of a server into words as a shell does.
quoted() {
    case $1 in
    *[!A-Za-z0-9_./+-]*) printf "'%s'" "${1//\'/\'\\\'\'}" ;;
    *) printf '%s' "$1" ;;
    esac
}

names=() commands=()
add() {
    names+=("$1")
    commands+=("$2 {port}$arguments")
}
left_out() { echo "left out: $1: $2" >&2; }

# Prints the packages that a Python file needs, from its line "# Needs from PyPI: ...".
needs() { sed -n 's/^# Needs from PyPI: //p' "$1"; }

# Prints a Python that can import these packages: $python, or the Python of the virtual environment.
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
        left_out "$1" "$python was not found; install Python 3.8 or newer"
    elif interpreter=$(python_with "${packages:-sys}"); then
        add "$1" "$(quoted "$interpreter") $2"
    else
        left_out "$1" "$packages is not installed; docs/peers/compare.sh --install installs it in $venv"
    fi
}

node_peer() {
    if has "$node"; then
        add "$1" "$(quoted "$node") $2"
    else
        left_out "$1" "$node was not found; install Node.js"
    fi
}

nginx_peer() {
    if has nginx; then
        add "$1" "sh $2"
    else
        left_out "$1" "nginx was not found; install nginx"
    fi
}

c_peer() {
    local program=$target/peers/$1 library
    library=$(sed -n 's|^/\* Needs the library: \(.*\) \*/$|\1|p' "$2")
    mkdir -p "$target/peers"
    if ! has "$cc"; then
        left_out "$1" "$cc was not found; install a C compiler"
    elif [[ $program -nt $2 ]] || compile "$2" "$program" ${library:+"-l$library"}; then
        add "$1" "$(quoted "$program")"
    else
        left_out "$1" "$cc failed to compile $2${library:+; it needs the library $library (Debian: lib${library}1-dev)}"
    fi
}

# The first build of the peers in Rust downloads their libraries, so only --install makes it. Later builds are made here.
rust_peer() {
    local program=$target/peers/rust/release/$(basename "$2" .rs)
    if [[ ! -e $program ]]; then
        left_out "$1" "it isn't built; docs/peers/compare.sh --install builds it in $target/peers"
    elif [[ $program -nt $2 ]] || build --offline --quiet; then
        add "$1" "$(quoted "$program")"
        if [[ $1 == rust-monoio ]]; then
            echo "$1 uses $("$program" --driver)" >&2
        fi
    else
        left_out "$1" "cargo failed to build $2"
    fi
}

build() { cargo build --locked --release --manifest-path docs/peers/Cargo.toml --target-dir "$target/peers/rust" "$@"; }

# Compiles to a temporary name and renames the program: two scripts may compile at the same time, and the old program may
# be running.
compile() {
    "$cc" -std=c11 -O2 -Wall -Wextra -o "$2.$$" "$1" "${@:3}" && mv -f "$2.$$" "$2"
}

install() {
    local packages
    packages=$(for file in docs/peers/*.py; do needs "$file"; done | tr ' ' '\n' | sort -u)
    "$python" -m venv "$venv"
    # Without quotes, so that each package is an argument of its own.
    # shellcheck disable=SC2086
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $packages
    build
}

# Notes whether the workloads of a list need echo servers or web servers.
workloads() {
    local name
    for name in ${1//,/ }; do
        case $name in
        http*) http=true ;;
        full) echo=true http=true ;;
        *) echo=true ;;
        esac
    done
}

# This script handles --install, --list and --peers; portlab gets all other options.
list=false echo=false http=false peers='' before='' options=()
for option in "$@"; do
    case $before in
    --peers)
        peers=$option before=''
        continue
        ;;
    -w | --workload | --service | --suite) workloads "$option" ;;
    esac
    before=$option
    case $option in
    --workload=* | --service=* | --suite=*) workloads "${option#*=}" ;;
    -w?*) workloads "${option#-w}" ;;
    esac
    case $option in
    --install) install ;;
    --list) list=true ;;
    --peers) ;;
    --peers=*) peers=${option#*=} ;;
    -m* | --models | --models=* | --family | --family=*) models='' options+=("$option") ;;
    *) options+=("$option") ;;
    esac
done

files=()
if $echo || ! $http; then
    files+=(docs/peers/*)
fi
if $http; then
    files+=(docs/peers/http/*)
fi
for file in "${files[@]}"; do
    arguments=
    if [[ $file == */http/* ]]; then
        arguments=' {root}'
    fi
    name=$(basename "${file%.*}")
    name=${name//_/-}
    if [[ $peers && ,$peers, != *,$name,* ]]; then
        continue
    fi
    case $file in
    *.py) python_peer "$name" "$file" ;;
    *.mjs) node_peer "$name" "$file" ;;
    *.c) c_peer "$name" "$file" ;;
    *.rs) rust_peer "$name" "$file" ;;
    */nginx.sh) nginx_peer "$name" "$file" ;;
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
