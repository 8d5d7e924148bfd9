cwlVersion: v1.2
class: CommandLineTool
id: count-words
label: Count words
doc: Counts the words of a text.
inputs:
  text:
    type: string
    doc: The text whose words are counted.
baseCommand: [python3, -c, "import json, sys; print(json.dumps({'words': len(sys.argv[1].split())}))"]
arguments: [$(inputs.text)]
stdout: cwl.output.json
outputs:
  words:
    type: int
    doc: Number of words.
