cwlVersion: v1.0
$namespaces: {s: "https://schema.org/"}
s:softwareVersion: 0.1.2
$graph:
  - class: Workflow
    id: convert-here
    label: convert url app, without its image
    doc: Writes a STAC catalogue with one item, as convert-url does
    requirements:
      ResourceRequirement: {coresMax: 1, ramMax: 256}
    inputs:
      fn: {label: the operation to perform, type: string, default: resize}
      url: {label: the image to convert, type: string, default: "https://example.org/image.png"}
      size: {label: the percentage for a resize operation, type: string, default: "50%"}
    outputs:
      - {id: converted_image, type: Directory, outputSource: convert/results}
    steps:
      convert:
        run: "#convert"
        in: {fn: fn, url: url, size: size}
        out: [results]
  - class: CommandLineTool
    id: convert
    requirements:
      ResourceRequirement: {coresMax: 1, ramMax: 128}
      InitialWorkDirRequirement:
        listing:
          - entryname: convert.sh
            entry: |
              mkdir results && cd results
              echo "$1 of $3 to $4" > image.txt
              cat > catalog.json <<END
              {"stac_version": "1.0.0", "id": "catalog", "type": "Catalog", "description": "Root catalog",
               "links": [{"rel": "item", "type": "application/geo+json", "href": "image.json"}]}
              END
              cat > image.json <<END
              {"stac_version": "1.0.0", "id": "image", "type": "Feature", "geometry": null, "links": [],
               "properties": {"datetime": "2024-06-21T10:30:00Z"},
               "assets": {"image": {"type": "text/plain", "href": "image.txt"}}}
              END
    baseCommand: [sh, convert.sh]
    inputs:
      fn: {type: string, inputBinding: {position: 1}}
      url: {type: string, inputBinding: {position: 2, prefix: --url}}
      size: {type: string, inputBinding: {position: 3}}
    outputs:
      results: {type: Directory, outputBinding: {glob: results}}
