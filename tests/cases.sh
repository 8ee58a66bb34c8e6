# Sourced by tests/*_test.sh: cases by name, counted as ./fovea test counts those of the test programs.
#   case_ NAME FUNCTION   runs FUNCTION in a subshell with set -e, in a fresh folder $room (its name has a blank and
#                         letters beyond ASCII); skip REASON inside it ends it as skipped
#   finish                says how it went; the script's exit code
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cases=${FOVEA_RESULTS:+$FOVEA_RESULTS/$(basename "$0" .sh).cases}
rooms=$(mktemp -d "${TMPDIR:-/tmp}/fovea tests Ä XXXXXX")
trap 'chmod -R u+w "$rooms"; rm -rf "$rooms"' EXIT
failures=0
[[ -z $cases ]] || : >"$cases"

case_() {
  local code how=passed
  room=$(mktemp -d "$rooms/Fälle XXX")
  (set -e; cd "$room"; "$2") >"$room.said" 2>&1  # set -e would sleep in a condition
  code=$?
  case $code in
    0) ;;
    77) how=skipped ;;
    *)
      how=failed
      failures=$((failures + 1))
      sed 's/^/    /' "$room.said"
      ;;
  esac
  echo "$how $1"
  [[ -z $cases ]] || echo "$how $1" >>"$cases"
}
skip() { echo "$*"; exit 77; }
finish() { ((failures == 0)); exit; }

# The answer of the last command as ONE JSON object `v`: prints EXPRESSION of it.
answer() { python3 -c 'import json, sys; v = json.loads(sys.argv[1]); assert type(v) is dict; print(eval(sys.argv[2]))' "$out" "$1"; }

# Whether a process is the program and has a handler for SIGINT (the second signal), or has ended. Before it is the program it is the
# shell, which has one, too. Without a program of its own: the other must not end meanwhile.
hears_sigint() {
  local key value name=
  [[ -r /proc/$1/status ]] || return 0
  while read -r key value; do
    [[ $key != Name: ]] || name=$value
    [[ $key != State: || $value != Z* ]] || return 0
    [[ $key != SigCgt: || $name != fovea* || $value != *[2367abef] ]] || return 0
  done <"/proc/$1/status"
  return 1
}

# Assertions; each says what it got.
ends_with() {  # CODE COMMAND... : stdout in $out, stderr in $err
  local want=$1 got=0
  shift
  "$@" >"$room.out" 2>"$room.err" </dev/null || got=$?
  out=$(<"$room.out") err=$(<"$room.err")
  [[ $got == "$want" ]] || { echo "expected exit code $want, got $got from: $*"; echo "$out"; echo "$err"; return 1; }
}
equal() { [[ $1 == "$2" ]] || { echo "expected '$2', got '$1'"; return 1; }; }
holds() { [[ $1 == *"$2"* ]] || { echo "expected to find '$2' in: $1"; return 1; }; }
lacks() { [[ $1 != *"$2"* ]] || { echo "expected not to find '$2' in: $1"; return 1; }; }
