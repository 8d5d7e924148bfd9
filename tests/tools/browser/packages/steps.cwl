cwlVersion: v1.2
class: Workflow
id: steps
label: "Two steps <script>alert('title')</script>"
inputs:
  seconds: {type: int, default: 2}
outputs:
  last: {type: File, outputSource: second/out}
steps:
  first:
    in: {seconds: seconds}
    out: [out]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'for i in 1 2 3; do echo "line $i" >&2; sleep $0; done; echo one']
      inputs: {seconds: {type: int, inputBinding: {position: 1}}}
      outputs: {out: stdout}
  second:
    in: {file: first/out}
    out: [out]
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {file: {type: File, inputBinding: {}}}
      outputs: {out: stdout}
