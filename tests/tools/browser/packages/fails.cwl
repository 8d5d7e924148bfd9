cwlVersion: v1.2
class: CommandLineTool
id: fails
label: Always fails
baseCommand: [sh, -c, "echo 'no data for <img src=x onerror=alert(3)>' >&2; exit 3"]
inputs: {}
outputs: {}
