#!/usr/bin/env bash
# ./fovea and tools/setup.sh in a small made-up project, with stand-ins for what installs, downloads and builds:
# no network, nothing installed, a few seconds.
source "$(dirname "$0")/cases.sh"
unset CI FOVEA_LIBTORCH FOVEA_GPU FOVEA_WERROR

# A project in "$room/p" whose tools only write down that they were called, into $room/calls. $act tells one of them to
# misbehave: "ninja:fail", "unzip:kill" (kills the script that called it), "cmake:interrupt".
stand_in() {  # NAME, then its script on stdin
  { printf '#!/usr/bin/env bash\necho "%s $*" >>"$calls"\n' "$1"
    printf 'case ${act-} in\n%s:kill) kill -9 $PPID; exit 1 ;;\n%s:interrupt) kill -INT $PPID; exit 1 ;;\n' "$1" "$1"
    printf '%s:fail) echo "the reason why"; exit 1 ;;\nesac\n' "$1"
    cat; } >"bin/$1"
  chmod +x "bin/$1"
}
made_up_project() {
  mkdir -p bin p/src/base p/cmake caller torch/torch/lib
  cp -r "$project/fovea" "$project/tools" p/
  touch p/src/base/a.cpp p/src/base/b.cpp p/CMakeLists.txt p/CMakePresets.json torch/torch/lib/libtorch_cpu.so calls
  export calls=$room/calls XDG_CACHE_HOME=$room/cache PATH=$room/bin:$PATH FOVEA_LIBTORCH=$room/torch
  stand_in dpkg-query <<<'for p; do [[ $p == -* || $p == \$* || $p == "${absent-}" ]] || printf "installed:%s " "$p"; done'
  stand_in apt-get <<<''
  stand_in dpkg <<<''
  stand_in sudo <<<'[[ $1 == -* ]] || exec "$@"'
  stand_in cmake <<<'mkdir -p build/release'
  stand_in ninja <<<'echo "[1/1] made"; printf "#!/bin/sh\nprintf \"<%%s>\" \"\$@\"; exit \${code:-0}\n" >"$2/fovea"; chmod +x "$2/fovea"'
}
called() { grep -c "^$1" "$calls" || true; }

first_call_builds_and_hands_over() {
  made_up_project
  cd caller
  ends_with 0 ../p/fovea demo 'ein Ordner' ''
  equal "$out" '<demo><ein Ordner><>'
  code=3 ends_with 3 ../p/fovea bad
  equal "$(called cmake) $(called ninja) $(called apt-get)" '1 1 0'
}
works_through_a_link_and_by_a_relative_path() {
  made_up_project
  ln -s ../p/fovea bin/fovea
  ends_with 0 fovea a
  cd p
  ends_with 0 bash fovea b
  equal "$out $(called ninja)" '<b> 1'
}
yes_is_taken_at_the_front_only() {
  made_up_project
  ends_with 0 p/fovea --yes --yes demo --yes
  equal "$out" '<demo><--yes>'
}
a_changed_source_is_built() {
  made_up_project
  ends_with 0 p/fovea
  touch p/src/base/a.cpp && ends_with 0 p/fovea && equal "$(called ninja)" 2
  touch p/src/base/new.cpp && ends_with 0 p/fovea && equal "$(called ninja)" 3
  rm p/src/base/b.cpp && ends_with 0 p/fovea && equal "$(called ninja)" 4
  ends_with 0 p/fovea && equal "$(called ninja)" 4
}
a_moved_project_is_built_anew() {
  made_up_project
  ends_with 0 p/fovea
  mv p q
  ends_with 0 q/fovea x
  equal "$out $(called cmake)" '<x> 2'
}
other_machines_are_told() {
  made_up_project
  stand_in uname <<<'[[ $1 == -m ]] && echo aarch64 || echo Linux'
  ends_with 4 p/fovea demo
  holds "$err" 'expected Linux on x86-64, got Linux on aarch64'
}
without_apt_the_needs_are_listed() {
  made_up_project
  rm bin/apt-get
  mkdir only
  ln -s /usr/bin/* only/ && rm -f only/apt-get
  PATH=$room/bin:$room/only ends_with 4 p/fovea demo
  holds "$err" 'libzip-dev'
}
without_a_terminal_nothing_is_installed() {
  made_up_project
  absent=ninja-build ends_with 4 p/fovea demo 'a b'
  holds "$err" 'apt-get install -y --no-install-recommends ninja-build'
  holds "$err" '--yes demo a\ b'
  lacks "$(<"$calls")" 'apt-get update'
  equal "$(called cmake)" 0
}
with_yes_only_what_is_missing_is_installed() {
  made_up_project
  absent=ninja-build ends_with 0 p/fovea --yes demo
  holds "$(<"$calls")" 'apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update'
  holds "$(grep ' install -y' "$calls")" '--no-install-recommends ninja-build'
  lacks "$(grep ' install -y' "$calls")" 'cmake'
  rm -r p/build && absent=ninja-build CI=true ends_with 0 p/fovea demo
  equal "$out" '<demo>'
}
a_failed_installation_says_why() {
  made_up_project
  absent=ninja-build act=apt-get:fail ends_with 4 p/fovea --yes demo
  holds "$err" 'the reason why'
}
a_failed_build_says_why_and_the_next_call_repairs() {
  made_up_project
  act=ninja:fail ends_with 1 p/fovea demo
  holds "$err" 'the reason why'
  holds "$err" 'build/setup.log'
  equal "$out" ''
  ends_with 0 p/fovea demo
}
killed_anywhere_the_next_call_repairs() {
  made_up_project
  for where in cmake ninja; do
    rm -rf p/build
    act=$where:kill ends_with 137 p/fovea demo
    ends_with 0 p/fovea demo
    equal "$out" '<demo>'
  done
}
interrupted_it_ends_with_130() {
  made_up_project
  act=ninja:interrupt ends_with 130 p/fovea demo
  ends_with 0 p/fovea demo
}
two_calls_at_once_build_once() {
  made_up_project
  sed -i 's/^echo "\[1/sleep 1; &/' bin/ninja
  p/fovea one >one.out 2>/dev/null &
  p/fovea two >two.out 2>/dev/null
  wait
  equal "$(<one.out)$(<two.out) $(called ninja)" '<one><two> 1'
}

# Wheels as the pins of the made-up project name them, in the user's cache already: pip must not be asked.
made_up_wheels() {
  made_up_project
  unset FOVEA_LIBTORCH
  mkdir -p w/torch/lib w/torch/include w/nvidia/cu13/lib w/torch-1.dist-info/licenses "$room/cache/fovea/wheels"
  echo cpu >w/torch/lib/libtorch_cpu.so
  touch w/torch/lib/{libc10,libtorch,libtorch_cuda}.so w/torch/lib/libgomp.so.1 w/torch/include/a.h w/torch-1.dist-info/licenses/LICENSE
  touch w/nvidia/cu13/lib/libcupti.so.13
  (cd w && "$real_cmake" -E tar cf ../torch.whl --format=zip torch torch-1.dist-info && "$real_cmake" -E tar cf ../cupti.whl --format=zip nvidia)
  local torch cupti
  torch=$(sha256sum <torch.whl) cupti=$(sha256sum <cupti.whl)
  mv torch.whl "$room/cache/fovea/wheels/${torch%% *}.whl"
  mv cupti.whl "$room/cache/fovea/wheels/${cupti%% *}.whl"
  printf "libtorch_wheels='\ntorch 0.0.0 %s 1\nnvidia-cuda-cupti 0.0.0 %s 1\n'\n" "${torch%% *}" "${cupti%% *}" >>p/tools/pins
}
real_cmake=$(command -v cmake)

what_is_cached_is_not_downloaded() {
  command -v unzip >/dev/null || skip "no unzip here"
  made_up_wheels
  ends_with 0 p/fovea x
  equal "$out $(<p/.deps/libtorch/torch/lib/libtorch_cpu.so)" '<x> cpu'
  [[ -e p/.deps/libtorch/nvidia/cu13/lib/libcupti.so.13 && ! -e p/.deps/libtorch/torch/lib/libgomp.so.1 ]]
  [[ ! -e p/.deps/libtorch/torch/lib/libtorch_cuda.so ]]
  holds "$(grep '^cmake' "$calls")" "-DLIBTORCH_ROOT=$room/p/.deps/libtorch"
  lacks "$err" 'Downloading'
}
killed_while_unpacking_the_next_call_unpacks_anew() {
  command -v unzip >/dev/null || skip "no unzip here"
  made_up_wheels
  stand_in unzip <<<'exec /usr/bin/unzip "$@"'
  act=unzip:kill ends_with 137 p/fovea x
  [[ ! -e p/.deps/libtorch ]]
  ends_with 0 p/fovea x
  [[ ! -e p/.deps/libtorch.part ]]
}
a_damaged_download_is_thrown_away() {
  made_up_wheels
  for wheel in "$room"/cache/fovea/wheels/*.whl; do echo junk >>"$wheel"; done
  ends_with 4 p/fovea x
  holds "$err" 'is damaged'
  [[ ! -e p/.deps/libtorch ]]
}
a_full_disk_is_said_before_anything_happens() {
  made_up_wheels
  stand_in df <<<'printf "head\n/dev/x 9 9 1000000 9%% /\n"'
  ends_with 4 p/fovea --yes x
  holds "$err" 'expected 3000 MB of free disk'
  equal "$(called cmake)" 0
}
a_libtorch_that_is_not_there_is_refused() {
  made_up_project
  FOVEA_LIBTORCH=$room/nowhere ends_with 2 p/fovea x
  holds "$err" 'FOVEA_LIBTORCH'
}
a_libtorch_once_named_is_remembered() {
  made_up_project
  ends_with 0 p/fovea x
  unset FOVEA_LIBTORCH
  touch p/src/base/a.cpp
  ends_with 0 p/fovea x
  equal "$out $(called ninja)" '<x> 2'
}
no_place_is_written_down_where_packages_come_from() {
  local found
  found=$(cd "$project" && grep -rnEi 'https?://[^ ]*(pypi|pythonhosted|deb\.debian|npmjs)|--(extra-)?index-url' \
    fovea tools cmake CMakeLists.txt CMakePresets.json || true)
  equal "$found" ''
}
the_front_program_does_not_load_libtorch() {
  local program=${FOVEA_BUILD-}/fovea
  [[ -x $program ]] || skip "no program in FOVEA_BUILD"
  lacks "$(ldd "$program")" torch
}

for name in $(declare -F | awk '{ print $3 }'); do
  case $name in
    case_ | skip | finish | answer | ends_with | equal | holds | lacks | stand_in | called | made_up_*) ;;
    *) case_ "$name" "$name" ;;
  esac
done
finish
