#!/bin/bash
# Runs the RUN lines of a test file, as lit would: lit.sh FILE TOOLS... where each tool is a path; %s is the file, %S its
# folder, %t a temporary file, and a tool's name stands for its path.
set -o pipefail
file=$1
shift
temporary=$(mktemp)
trap 'rm -rf "$temporary" "$temporary".*' EXIT
lines=$(sed -n 's|^ *// *RUN: *||p' "$file")
[ -n "$lines" ] || { echo "$file has no RUN line"; exit 1; }
while IFS= read -r line; do
  line=${line//%s/$file}
  line=${line//%S/$(dirname "$file")}
  line=${line//%t/$temporary}
  for tool in "$@"; do
    name=$(basename "$tool")
    name=${name%-[0-9]*}  # FileCheck-22 is FileCheck
    line=$(sed -E "s#(^|[|&!] *)$name( |\$)#\1$tool\2#g" <<<"$line")
  done
  bash -o pipefail -c "$line" || { echo "failed: $line"; exit 1; }
done <<<"$lines"
