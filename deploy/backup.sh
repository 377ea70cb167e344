#!/bin/sh
# A copy of a lake from which all of it can be made again, taken while the lake is written to.
#
#   deploy/backup.sh LAKE COPY      COPY is made and must not be there
#
# What is copied is what was received and what is known of it. The tables are left out: deploy/restore.sh makes them again.
# In a lake nothing is changed once it is written, and whatever names something is written after it. So each kind of thing is
# copied before the kind that it names: marks, the log, receipts, and the bytes last.
set -eu
if [ $# != 2 ]; then
    echo "usage: $0 LAKE COPY" >&2
    exit 2
fi
if [ ! -f "$1/_carelake/format" ]; then
    echo "error: there is no lake at $1" >&2
    exit 1
fi
# The copy is patient data as the lake is.
umask 077
mkdir "$2"
copy=$(cd "$2" && pwd)
cd "$1"

# The files of a folder, but for those that are still being written, which have a # in their names, and tables.
copy_folder() {
    [ ! -d "$1" ] || find "$1" -type f ! -name '*#*' ! -path 'error/table/*' \
        -exec cp --parents --preserve=mode,timestamps -t "$copy" {} +
}

# Which batches have found their end. The others are finished after restoring.
copy_folder _carelake/settled
# What live doors took and is not sealed into raw yet. A segment that goes meanwhile has become a raw object and receipts.
mkdir -p "$copy/_carelake/log"
for segment in _carelake/log/*; do
    cp --preserve=mode,timestamps "$segment" "$copy/_carelake/log/" 2> /dev/null || [ ! -e "$segment" ]
done
# Who saw what; and errors: exact bytes, reports, and which messages a retry held to no standard.
copy_folder audit
copy_folder error
copy_folder raw/_receipts
copy_folder raw

# A segment that was sealed after the receipts were copied: its deliveries are in the copied log. Those that came after the
# log was copied are for the next copy.
find "$copy/raw" -path "$copy/raw/*/live/*.hl7" | while IFS= read -r object; do
    segment=$(basename "$object" .hl7)
    [ -f "$copy/raw/_receipts/$segment.parquet" ] || rm "$object"
done
sync
