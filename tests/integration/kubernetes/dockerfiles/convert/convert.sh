#!/bin/sh
# convert.sh OPERATION --url URL [SIZE]
set -eu
operation=$1 url=$3 size=${4:-50%}
name=$(basename "${url%%\?*}")
result="${name%.*}-$operation.${name##*.}"
curl --fail --silent --show-error --location --output "/tmp/$name" "$url"
convert "/tmp/$name" "-$operation" "$size" "$result"
width=$(identify -format %w "$result") height=$(identify -format %h "$result")
cat >"${result%.*}.json" <<ITEM
{"type": "Feature", "stac_version": "1.0.0", "id": "${result%.*}", "bbox": [-180, -90, 180, 90],
 "geometry": {"type": "Polygon", "coordinates": [[[-180, -90], [-180, 90], [180, 90], [180, -90], [-180, -90]]]},
 "properties": {"datetime": "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "width": $width, "height": $height}, "links": [],
 "assets": {"picture": {"href": "$result", "type": "image/png", "roles": ["data"]}}}
ITEM
cat >catalog.json <<CATALOG
{"type": "Catalog", "stac_version": "1.0.0", "id": "catalog", "description": "A converted picture",
 "links": [{"rel": "item", "type": "application/geo+json", "href": "${result%.*}.json"}]}
CATALOG
