#!/usr/bin/env bash
# Stands for GitHub's `gh`, which cannot be installed here: `gh api` to $GH_STAND_IN_URL with
# curl and jq. Knows --method, --paginate, --silent, --jq and -F name=@file, and nothing else.
set -euo pipefail
[ "$1" = api ] || { echo "gh stand-in: unknown command $1" >&2; exit 1; }
shift
method=GET paginate="" silent="" filter=. field="" place=""
while [ $# -gt 0 ]; do
  case $1 in
    --method) method=$2; shift ;;
    --paginate) paginate=yes ;;
    --silent) silent=yes ;;
    --jq) filter=$2; shift ;;
    -F) field=$2; shift ;;
    -*) echo "gh stand-in: unknown option $1" >&2; exit 1 ;;
    *) place=$1 ;;
  esac
  shift
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sent=()
if [ -n "$field" ]; then
  jq -Rs --arg name "${field%%=@*}" '{($name): .}' < "${field#*=@}" > "$folder/sent"
  sent=(--data-binary "@$folder/sent" --header "Content-Type: application/json")
fi
next="$GH_STAND_IN_URL/$place"
while [ -n "$next" ]; do
  status=$(curl --silent --show-error --request "$method" --header "Authorization: token $GH_TOKEN" \
    "${sent[@]}" --dump-header "$folder/head" --output "$folder/body" --write-out '%{http_code}' "$next")
  if [ "$status" -ge 400 ]; then
    echo "gh: $(jq -r .message "$folder/body") (HTTP $status)" >&2
    exit 1
  fi
  [ -n "$silent" ] || jq -r "$filter" "$folder/body"
  next=""
  [ -z "$paginate" ] || next=$(sed -n 's/^Link: <\([^>]*\)>; rel="next".*/\1/p' "$folder/head" | tr -d '\r')
done
