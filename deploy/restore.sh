#!/bin/sh
# A lake from a copy that deploy/backup.sh took, with everything in it proved.
#
#   deploy/restore.sh COPY LAKE      LAKE is made and must not be there. CARELAKE names the program, if it is not in the path
set -eu
if [ $# != 2 ]; then
    echo "usage: $0 COPY LAKE" >&2
    exit 2
fi
carelake=${CARELAKE:-carelake}
umask 077
mkdir "$2"
cp -R --preserve=mode,timestamps "$1/." "$2"
# The sign of a run that died: what was landed while the copy was taken and has no receipt yet is looked for.
mkdir -p "$2/_carelake/runs"
: > "$2/_carelake/runs/restored.lock"

# Tables without a row, then a row for each message that had found its end, then all that had not.
"$carelake" init "$2"
"$carelake" replay --lake "$2"
"$carelake" ingest --lake "$2" - < /dev/null
"$carelake" verify --lake "$2"
