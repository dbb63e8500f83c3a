#!/bin/sh
# Runs the public TUF conformance suite against `sallyport tuf-client`.
#
#   scripts/tuf-conformance.sh <checkout of theupdateframework/tuf-conformance> [arguments for pytest]
#
# Needs python3 with venv, and faketime (Debian: apt-get install faketime). The suite is in no registry, so the
# checkout is yours to bring; what it depends on comes from PyPI into a temporary folder.
set -eu

usage() {
  echo "usage: scripts/tuf-conformance.sh <checkout of theupdateframework/tuf-conformance> [arguments for pytest]" >&2
  exit 2
}

[ "$#" -ge 1 ] || usage
[ -f "$1/pyproject.toml" ] || usage
checkout=$(cd "$1" && pwd)
shift
repository=$(cd "$(dirname "$0")/.." && pwd)

command -v faketime >/dev/null || {
  echo "faketime is missing: the suite moves the clock with it (Debian: apt-get install faketime)" >&2
  exit 2
}

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
python3 -m venv "$environment"
"$environment/bin/pip" install --quiet "$checkout"

cd "$checkout"
"$environment/bin/pytest" tuf_conformance -p no:cacheprovider \
  --entrypoint "$repository/apps/sallyport/bin/sallyport.mjs tuf-client" "$@"
