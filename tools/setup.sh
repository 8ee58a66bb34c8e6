# What ./fovea does when something is missing or has changed. Sourced by it (and by .ci/run), which set
#   root            the project's folder
#   yes             true: install without asking
#   asked_libtorch  the LibTorch folder that the user named, or nothing
#   caller_args     what ./fovea was called with, for messages
# Nothing half done is ever taken for done: what is unpacked or built gets its name or its stamp at the end.
# Everything said here goes to stderr: stdout is the program's.
source "$root/tools/pins"

deps=$root/.deps/libtorch
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/fovea/wheels
log=$root/build/setup.log
build_minutes=12  # of one core, from nothing

say() { printf '%s\n' "$*" >&2; }
stop() {  # CODE LINE...
  local code=$1
  shift
  printf 'fovea: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit "$code"
}

# --- what is there -----------------------------------------------------------------------------------------

check_machine() {
  local system machine
  system=$(uname -s) machine=$(uname -m)
  [[ $system == Linux && $machine == x86_64 ]] ||
    stop 4 "expected Linux on x86-64, got $system on $machine: not supported" \
      "the pinned LibTorch $libtorch_version is made for x86-64 Linux only"
}

missing_packages() {  # PACKAGE... : those that are not installed, one a line
  local have name
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    stop 4 "this script installs with apt-get, which is not here" \
      "tested on Debian 12; elsewhere install these yourself (Debian's names):" "  $*" \
      "then: cmake --preset release -DLIBTORCH_ROOT=DIR && ninja -C build/release" \
      "where DIR holds LibTorch $libtorch_version as its wheel does, in torch/"
  fi
  have=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' -- "$@" 2>/dev/null)"
  for name; do
    [[ $have == *" installed:$name "* ]] || printf '%s\n' "$name"
  done
}

has_libtorch() { [[ -e $1/torch/lib/libtorch_cpu.so || -e $1/lib/libtorch_cpu.so ]]; }

# Sets libtorch, the folder to use: the one asked for, else the one of the last build, else our own.
choose_libtorch() {
  libtorch=$deps
  if [[ -n $asked_libtorch ]]; then
    libtorch=$asked_libtorch
  elif [[ -r $root/build/libtorch ]]; then
    libtorch=$(<"$root/build/libtorch")
    has_libtorch "$libtorch" || libtorch=$deps
  fi
  [[ $libtorch == "$deps" ]] || has_libtorch "$libtorch" ||
    stop 2 "expected FOVEA_LIBTORCH to name a folder with torch/lib/libtorch_cpu.so, got $libtorch" \
      "give the folder that holds torch/ (or torch/ itself), or unset FOVEA_LIBTORCH"
}

# The wheels that our own LibTorch is made of, as lines of tools/pins.
wheels() {
  printf '%s' "${libtorch_wheels#$'\n'}"
  if with_gpu; then printf '%s' "${libtorch_gpu_wheels#$'\n'}"; fi
}
with_gpu() { [[ ${FOVEA_GPU-} == 1 ]] || grep -qsx gpu "$deps/.wheels"; }
unpacked_wheels() {
  if with_gpu; then echo gpu; fi
  wheels | cut -d ' ' -f 3
}
unpacked() { [[ $libtorch != "$deps" || $(cat "$deps/.wheels" 2>/dev/null) == "$(unpacked_wheels)" ]]; }
wheels_to_fetch() {
  local name version sha bytes
  wheels | while read -r name version sha bytes; do
    [[ -e $cache/$sha.whl ]] || echo "$name $version $sha $bytes"
  done
}
megabytes() { awk '{ sum += $4 } END { printf "%d", (sum + 999999) / 1e6 }'; }

jobs_here() {  # one compiler per core, as far as 2 GB each allow
  local cores memory limit
  cores=$(nproc)
  memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null)
  [[ $limit =~ ^[0-9]+$ ]] && ((limit / 1048576 < memory)) && memory=$((limit / 1048576))
  local jobs=$((memory / 2000 < cores ? memory / 2000 : cores))
  echo $((jobs < 1 ? 1 : jobs))
}

check_disk() {  # FOLDER MEGABYTES WHAT_FOR
  local folder=$1 free
  until [[ -d $folder ]]; do folder=$(dirname "$folder"); done
  free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1024) }')
  ((free >= $2)) || stop 4 "expected $2 MB of free disk for $3, got $free MB in $folder" "make room there and call again"
}

# --- asking ------------------------------------------------------------------------------------------------

as_root() {  # without the lock: what a package starts may outlive us
  if ((EUID == 0)); then "$@" 9>&-; else sudo "$@" 9>&-; fi
}

# consent PACKAGES WHEELS BUILDS: says what will be done and asks once, if anything comes from the network.
consent() {
  local packages=$1 fetch=$2 sudo='' minutes
  ((EUID == 0)) || sudo='sudo '
  local commands=("${sudo}apt-get update" "${sudo}apt-get install -y --no-install-recommends $packages")
  [[ -n $packages ]] || commands=()
  minutes=$((build_minutes / $(jobs_here) + 2))

  say "Fovea needs what is not here yet:"
  [[ -z $packages ]] || say "  Debian packages, $(apt_megabytes $packages): $packages"
  [[ -z $fetch ]] || say "  LibTorch $libtorch_version, $(megabytes <<<"$fetch") MB to download, into .deps/ (kept in $cache)"
  [[ -n $fetch ]] || unpacked || say "  LibTorch $libtorch_version into .deps/, from $cache: no download"
  say "  a build of $3, with $(jobs_here) compilers at once"
  say "About $minutes minutes. The log: $log"

  [[ -n $packages$fetch ]] || return 0
  if [[ -n $packages ]] && ((EUID != 0)) && ! command -v sudo >/dev/null; then
    stop 4 "installing packages needs root or sudo, and neither is here" "let an administrator run:" "${commands[@]/#/  }"
  fi
  if [[ $yes != true ]]; then
    if [[ ! -t 0 || ! -t 2 ]]; then
      stop 4 "nothing was installed: there is no terminal to ask on" "run these:" "${commands[@]/#/  }" \
        "  $(printf '%q ' "$root/fovea" --yes "${caller_args[@]}")"
    fi
    local answer=
    printf 'Go on? [Y/n] ' >&2
    read -r answer || answer=n
    [[ ${answer,,} == @(''|y|yes) ]] || stop 4 "nothing was installed, as you wished"
  fi
  [[ -z $packages ]] || ((EUID == 0)) || ask_for_password "${commands[@]}"
}
ask_for_password() {
  if [[ -t 0 ]]; then
    sudo -v && return
  else
    sudo -n true 2>/dev/null && return
  fi
  stop 4 "sudo did not let us install packages" "run these and call again:" "${@/#/  }"
}
apt_megabytes() {  # what apt says it will download; it knows nothing before its first update
  local size
  size=$(LC_ALL=C apt-get install --assume-no --no-install-recommends "$@" 2>/dev/null | sed -n 's/^Need to get \([0-9.,]* [kMG]\?B\).*/\1/p')
  echo "${size:-up to $debian_megabytes MB} to download"
}

# --- steps -------------------------------------------------------------------------------------------------

# step WHAT GAUGE COMMAND...: runs COMMAND with its output in the log and shows how far it is.
# GAUGE is "ninja" ([12/80] in the log), "FOLDER MEGABYTES" (what has arrived there) or nothing.
step() {
  local what=$1 gauge=$2 begun=$SECONDS code=0 watcher
  shift 2
  printf '\n--- %s\n%s\n' "$what" "$*" >>"$log"
  log_begin=$(wc -c <"$log")
  show "$what" "$gauge" $$ 8>&- 9>&- &
  watcher=$!
  "$@" >>"$log" 2>&1 </dev/null || code=$?
  kill "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  ((code != 0)) || say "  $what: done in $((SECONDS - begun)) s"
  return "$code"
}
show() {
  local what=$1 gauge=$2 owner=$3 begun=$SECONDS rest=0.5
  [[ -t 2 ]] || rest=30
  [[ -t 2 ]] || say "  $what ..."
  while sleep $rest >/dev/null 2>&1 && kill -0 "$owner" 2>/dev/null; do
    local far=
    if [[ $gauge == ninja ]]; then
      far=$(tail -c +"$log_begin" "$log" | tail -n 50 | grep -o '^\[[0-9]*/[0-9]*\]' | tail -n 1)
    elif [[ -n $gauge ]]; then
      far="$(($(du -sm "${gauge% *}" 2>/dev/null | cut -f 1) + 0)) of ${gauge##* } MB"
    fi
    if [[ -t 2 ]]; then
      printf '\r\033[K  %s  %s  %d s' "$what" "$far" $((SECONDS - begun)) >&2
    else
      say "  $what  $far  $((SECONDS - begun)) s"
    fi
  done
}
failed() {  # CODE WHAT REMEDY...
  local code=$1 what=$2
  shift 2
  local tail
  tail=$(tail -c +"$log_begin" "$log" | tail -n 25)
  printf '%s\n' "$tail" >&2
  if grep -q 'No space left on device' <<<"$tail"; then
    stop 4 "$what failed: the disk is full" "make room and call again; the log: $log"
  elif grep -q 'Killed signal terminated' <<<"$tail"; then
    stop 4 "$what failed: a compiler was killed, most likely for memory" "free some memory and call again; the log: $log"
  fi
  stop "$code" "$what failed; the last lines of $log stand above" "$@"
}

install_packages() {  # PACKAGE...
  (($#)) || return 0
  local apt=(as_root env DEBIAN_FRONTEND=noninteractive)
  local options=(-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  step "Reading the package lists" '' "${apt[@]}" apt-get "${options[@]}" update ||
    say "  (the package lists could not be read; trying with those that are here)"
  # An installation that was killed in the middle is finished first.
  step "Finishing interrupted installations" '' "${apt[@]}" dpkg --configure -a
  step "Installing Debian packages" '' "${apt[@]}" apt-get "${options[@]}" install -y --fix-broken --no-install-recommends "$@" ||
    failed 4 "apt-get" "see that this machine reaches its package server, then call again"
}

fetch_wheels() {
  local name version sha bytes incoming=$cache/incoming
  mkdir -p "$cache" || stop 4 "could not make $cache" "set XDG_CACHE_HOME to a folder that you may write"
  exec 8>"$cache/lock"
  flock 8  # another clone may be fetching the same
  while read -r name version sha bytes; do
    rm -rf "$incoming"
    mkdir -p "$incoming/part" "$incoming/whole"
    # One wheel serves every Python: only its libraries are used.
    TMPDIR=$incoming/part PIP_DISABLE_PIP_VERSION_CHECK=1 step "Downloading $name $version" "$incoming/part $((bytes / 1048576 + 1))" \
      /usr/bin/python3 -m pip download --no-input --no-deps --only-binary=:all: --no-cache-dir \
      --python-version 3.11 --implementation cp --abi cp311 --abi none \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_25_x86_64 \
      --platform manylinux_2_18_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
      --platform manylinux2010_x86_64 --platform manylinux1_x86_64 \
      -d "$incoming/whole" "$name==$version" ||
      failed 4 "downloading $name" "see that this machine reaches its Python package index, then call again; what has arrived is kept"
    local file=("$incoming/whole"/*.whl)
    [[ $(sha256sum <"${file[0]}") == "$sha  -" ]] ||
      stop 4 "$name $version is not the file it should be (sha256 differs from tools/pins)" "call again; if it stays so, do not trust its source"
    mv -f "${file[0]}" "$cache/$sha.whl"
  done < <(wheels_to_fetch)
  rm -rf "$incoming"
  exec 8>&-
}

unpack_wheels() {
  local name version sha bytes part=$deps.part
  rm -rf "$part" "$deps.old"
  mkdir -p "$part" || stop 4 "could not make $part" "this folder must be yours to write"
  while read -r name version sha bytes; do
    [[ $(sha256sum <"$cache/$sha.whl") == "$sha  -" ]] || {
      rm -f "$cache/$sha.whl"
      stop 4 "the $name kept in $cache is damaged; it was thrown away" "call again"
    }
    # Not the wheel's libgomp: it is older than the distribution's and has the same name.
    local parts=('nvidia/*.so*')
    [[ $name != nvidia-cuda-cupti ]] || with_gpu || parts=('nvidia/*/libcupti.so*')
    [[ $name != torch ]] || parts=('torch/include/*' torch/lib/libc10.so torch/lib/libtorch.so torch/lib/libtorch_cpu.so '*.dist-info/licenses/*')
    [[ $name != torch ]] || ! with_gpu || parts+=('torch/lib/lib*_cuda*.so' torch/lib/libtorch_nvshmem.so)
    step "Unpacking $name" '' unzip -q -o "$cache/$sha.whl" "${parts[@]}" -d "$part" ||
      failed 4 "unpacking $name" "call again"
  done < <(wheels)
  unpacked_wheels >"$part/.wheels"
  [[ ! -e $deps ]] || mv "$deps" "$deps.old"
  mv "$part" "$deps"
  rm -rf "$deps.old"
}

configure() {  # PRESET
  local folder=$root/build/$1 base key was=''
  base="$root $libtorch $(cksum <"$root/CMakePresets.json") $(tr '\n' ' ' 2>/dev/null <"$libtorch/.wheels")"
  key="$base|${FOVEA_WERROR-}"
  [[ ! -f $folder/.configured ]] || was=$(<"$folder/.configured")
  [[ $was != "$key" ]] || return 0
  [[ ${was%|*} == "$base" ]] || rm -rf "$folder"
  step "Configuring $1" '' env -C "$root" cmake --preset "$1" -DLIBTORCH_ROOT="$libtorch" ||
    failed 4 "cmake" "is a package missing or too old? Needed are g++ 12, cmake 3.25 and those in tools/pins"
  printf '%s\n' "$key" >"$folder/.configured"
}

build() {  # PRESET
  step "Building $1" ninja ninja -C "$root/build/$1" -j "$(jobs_here)" ||
    failed 1 "the build" "if you changed the sources, the first error in $log says where" \
      "if you did not: delete $root/build and call again"
}

# --- the whole ---------------------------------------------------------------------------------------------

lock() {
  mkdir -p "$root/build" 2>/dev/null && : >>"$log" && exec 9>"$root/build/.lock" ||
    stop 4 "could not write into $root/build" "build as the user to whom this folder belongs"
  flock -n 9 && return
  say "another ./fovea is at work here: waiting for it"
  flock 9
}
interrupted() {
  trap '' INT TERM HUP
  say ""
  say "fovea: interrupted; call again and it goes on from here"
  exit 130
}

# set_up PRESET [PACKAGE...]: afterwards build/PRESET is built from the sources as they are.
set_up() {
  local preset=$1 packages fetch=''
  shift
  check_machine
  lock
  trap interrupted INT TERM HUP
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  if [[ $preset == release ]] && ready && { (($# == 0)) || [[ -z $(missing_packages "$@") ]]; }; then  # someone else has just built it
    unlock
    return
  fi
  choose_libtorch
  date '+%F %T' >"$log"
  local wanted=($debian_build "$@")
  if ! unpacked; then
    fetch=$(wheels_to_fetch)
    wanted+=($debian_unpack)
    [[ -z $fetch ]] || wanted+=($debian_download)
  fi
  packages=$(missing_packages "${wanted[@]}") || exit
  packages=${packages//$'\n'/ }
  if [[ -n $packages ]] || ! unpacked; then
    check_disk "$root" "$(with_gpu && echo 12000 || echo 3000)" "the set-up"
    [[ -z $fetch ]] || check_disk "$cache" $((2 * $(megabytes <<<"$fetch"))) "the downloads"
    consent "$packages" "$fetch" "$([[ $preset == release ]] && echo Fovea || echo "Fovea's $preset programs")"
    install_packages $packages
    if ! unpacked; then
      [[ -z $fetch ]] || fetch_wheels
      unpack_wheels
    fi
  fi
  configure "$preset"
  printf '%s\n' "$root" "$libtorch" >"$root/build/$preset/.ready.part"
  printf '%s\n' "$libtorch" >"$root/build/libtorch"
  build "$preset"
  mv "$root/build/$preset/.ready.part" "$root/build/$preset/.ready"
  unlock
}
unlock() {
  exec 9>&-
  trap - INT TERM HUP EXIT
}

set_up_and_bench() {
  set_up release $debian_bench
  exec "$root/bench/run" "$@"
}

# Runs the tests and ends with one line that counts them: single cases where a program tells them apart.
set_up_and_test() {
  local filter=${1-} results=$root/build/test/results code=0 only=()
  set_up test $debian_test
  rm -rf "$results"
  mkdir -p "$results"
  export GTEST_OUTPUT=xml:$results/ FOVEA_RESULTS=$results
  if [[ -n $filter ]]; then
    if ctest --test-dir "$root/build/test" -N -R "$filter" | grep -q '^Total Tests: 0'; then
      export GTEST_FILTER="*$filter*"  # no program of that name: then a case inside one
      only=(-E '^(tests/|one_way)')
    else
      only=(-R "$filter")
    fi
  fi
  ctest --test-dir "$root/build/test" --output-on-failure --timeout 1200 -j "$(nproc)" --output-junit "$results/ctest.xml" "${only[@]}" || code=$?
  count_tests "$results" || code=$?
  exit "$code"
}

count_tests() {  # FOLDER of results; fails if a test did, or if there was none
  local passed=0 failed=0 skipped=0 name status p f s
  while read -r name status; do
    local cases=$1/${name//\//_}_test.xml lines=$1/${name#tests/}.cases
    p=0 f=0 s=0
    if [[ -s $cases ]]; then
      read -r p f s < <(awk '/<testsuite / {
          split("tests failures disabled skipped errors", keys, " ")
          for (i in keys) { n[keys[i]] += match($0, " " keys[i] "=\"[0-9]+") ? substr($0, RSTART + length(keys[i]) + 3, RLENGTH - length(keys[i]) - 3) : 0 }
        } END { bad = n["failures"] + n["errors"]; idle = n["disabled"] + n["skipped"]; print n["tests"] - bad - idle, bad, idle }' "$cases")
    elif [[ -s $lines ]]; then
      p=$(grep -c '^passed ' "$lines") f=$(grep -c '^failed ' "$lines") s=$(grep -c '^skipped ' "$lines")
    else
      case $status in
        run) p=1 ;;
        fail) f=1 ;;
        *) s=1 ;;
      esac
    fi
    # A program that fails outside its cases (at its end, say) counts once more.
    [[ $status != fail || $f != 0 ]] || f=1
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done < <(sed -n 's/.*<testcase name="\([^"]*\)".* status="\([a-z]*\)".*/\1 \2/p' "$1/ctest.xml")
  echo "$passed passed, $failed failed, $skipped skipped"
  if ((passed + failed + skipped == 0)); then
    say "fovea: no test has this name; ./fovea test runs them all"
    return 2
  fi
  ((failed == 0))
}
