cwlVersion: v1.2
class: CommandLineTool
id: survey
label: Survey
doc: Counts the lines of a text and says what else it was given.
baseCommand: [python3, survey.py]
requirements:
  InitialWorkDirRequirement:
    listing:
      - entryname: survey.py
        entry: |
          import argparse, json
          parser = argparse.ArgumentParser()
          for name in ("document", "extra", "factor", "unit"):
              parser.add_argument("--" + name)
          parser.add_argument("--name", action="append", default=[])
          given = parser.parse_args()
          lines = open(given.document).read().splitlines()
          lines += open(given.extra).read().splitlines() if given.extra else []
          with open("table.csv", "w") as table:
              table.writelines(f"{number},{line}\n" for number, line in enumerate(lines, 1))
          with open("map.tif", "wb") as image:
              image.write(b"II*\0" + bytes(range(200)))
          with open("cwl.output.json", "w") as out:
              json.dump({
                  "lines": len(lines),
                  "mean": float(given.factor) * len(lines),
                  "names": given.name,
                  "said": " ".join([*given.name, given.unit]),
                  "table": {"class": "File", "path": "table.csv",
                            "format": "https://www.iana.org/assignments/media-types/text/csv"},
                  "map": {"class": "File", "path": "map.tif",
                          "format": "https://www.iana.org/assignments/media-types/image/tiff"},
              }, out)
inputs:
  document:
    type: File
    label: Document
    doc: Whose lines are counted.
    format: https://www.iana.org/assignments/media-types/text/plain
    inputBinding: {prefix: --document}
  extra:
    type: File?
    doc: Further lines.
    format: https://www.iana.org/assignments/media-types/text/plain
    inputBinding: {prefix: --extra}
  factor: {type: double, default: 1.5, doc: Is multiplied with the number of lines., inputBinding: {prefix: --factor}}
  unit: {type: {type: enum, symbols: [metre, foot]}, default: metre, inputBinding: {prefix: --unit}}
  names:
    type: {type: array, items: string, inputBinding: {prefix: --name}}
    default: []
outputs:
  lines: int
  mean: double
  said: string
  names: string[]
  table: {type: File, format: https://www.iana.org/assignments/media-types/text/csv}
  map: {type: File, format: https://www.iana.org/assignments/media-types/image/tiff}
