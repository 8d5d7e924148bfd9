cwlVersion: v1.2
class: CommandLineTool
id: everything
label: Every kind of input
doc: |
  Writes its inputs into one JSON document, so that a test can see what the form sent.
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: inputs.json
        entry: |
          ${
            var found = {};
            Object.keys(inputs).forEach(function (key) {
              var value = inputs[key];
              found[key] = value && value.class === "File" ? {basename: value.basename, size: value.size, contents: value.contents} : value;
            });
            return JSON.stringify(found, null, 1);
          }
      - entryname: words.txt
        entry: $((inputs.words || []).join("\n"))
baseCommand: [sh, -c, "cat inputs.json; echo all read >&2"]
inputs:
  title:
    type: string
    label: A title
    doc: Any text.
  count:
    type: int
    default: 3
    doc: How many.
  ratio: double?
  level:
    type: {type: enum, symbols: [low, middle, high]}
    label: Level of detail
  quick: {type: boolean, default: true}
  words: string[]?
  file:
    type: File?
    label: A file
    format: iana:text/plain
    loadContents: true
  bbox:
    type: double[]?
    label: Area of interest
  mixed: [int?, "string[]"]
  place:
    type:
      - "null"
      - type: record
        name: place
        fields:
          name: {type: string}
          height: {type: double?}
          tags: {type: "string[]?"}
outputs:
  document: {type: stdout, format: iana:application/json}
  words_out: {type: File, format: iana:text/plain, outputBinding: {glob: words.txt}}
stdout: document.json
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
