cwlVersion: v1.2
class: CommandLineTool
id: fails
doc: Fails as soon as it runs.
baseCommand: [sh, -c, 'echo "the tool says no" >&2; exit 3']
inputs: {anything: string?}
outputs: {said: stdout}
