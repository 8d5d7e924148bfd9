"""Packages run: results, failures, steps, logs, expressions, limits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.local.progress import all_parts
from pygeoapi_oapip.model.run import RunState

from .conftest import Bench, shell

STEP = {"in": {}, "out": ["done"]}


def workflow(*commands: str) -> dict[str, object]:
    names = ["first", "second", "third"][: len(commands)]
    steps = {}
    for number, (name, command) in enumerate(zip(names, commands, strict=True)):
        tool = shell(command, inputs={"after": "Any?"}, outputs={"done": "stdout"}, stdout="done.txt")
        del tool["cwlVersion"]
        after = {"after": f"{names[number - 1]}/done"} if number else {}
        steps[name] = {"run": tool, "in": after, "out": ["done"]}
    outputs = {"done": {"type": "File", "outputSource": f"{names[-1]}/done"}}
    return {"cwlVersion": "v1.2", "class": "Workflow", "inputs": {}, "outputs": outputs, "steps": steps}


def test_a_file_given_and_a_file_made(bench: Bench) -> None:
    given = bench.folder / "given.txt"
    given.write_text("from the input")
    tool = shell("cat $0", inputs={"text": {"type": "File", "inputBinding": {}}}, outputs={"out": "stdout"})
    tool["stdout"] = "out.txt"
    run = bench.submit(tool, {"text": {"class": "File", "location": given.as_uri()}})
    assert bench.end(run).state is RunState.SUCCEEDED
    assert (bench.workspace(run) / "outputs" / "out.txt").read_text() == "from the input"
    assert "checksum" not in bench.record(run, "exit")["outputs"]["out"]


def test_checksums_are_computed_where_an_expression_reads_them(bench: Bench) -> None:
    tool = shell("echo hello", outputs={"made": "stdout"}, stdout="made.txt")
    del tool["cwlVersion"]
    sums = {
        "class": "ExpressionTool",
        "inputs": {"made": "File"},
        "outputs": {"sum": "string"},
        "expression": "${ return {sum: inputs.made.checksum}; }",
    }
    package = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {},
        "outputs": {"sum": {"type": "string", "outputSource": "second/sum"}},
        "steps": {
            "first": {"run": tool, "in": {}, "out": ["made"]},
            "second": {"run": sums, "in": {"made": "first/made"}, "out": ["sum"]},
        },
    }
    run = bench.submit(package, {})
    assert bench.end(run).state is RunState.SUCCEEDED
    expected = hashlib.sha1(b"hello\n").hexdigest()
    assert bench.record(run, "exit")["outputs"]["sum"] == f"sha1${expected}"


@pytest.mark.parametrize("name", ["a file (1).txt", "Höhe & Tiefe.txt", "$HOME.txt"])
def test_files_keep_the_names_that_their_owners_gave_them(bench: Bench, name: str) -> None:
    given = bench.folder / name
    given.write_text("from the input")
    inputs = {"text": {"type": "File", "inputBinding": {}}}
    tool = shell('cat "$0"; basename "$0"', inputs=inputs, outputs={"out": "stdout"}, stdout="out.txt")
    run = bench.submit(tool, {"text": {"class": "File", "location": given.as_uri()}})
    assert bench.end(run).state is RunState.SUCCEEDED, bench.log(run)
    assert (bench.workspace(run) / "outputs" / "out.txt").read_text() == f"from the input{name}\n"


def test_a_packed_document_runs_from_its_entry(bench: Bench) -> None:
    main, other = shell("echo main >&2"), shell("echo other >&2")
    graph = {"cwlVersion": "v1.2", "$graph": [main | {"id": "main"}, other | {"id": "other"}]}
    for entry in ("main", "other"):
        run = bench.submit(graph, entry=f"#{entry}")
        assert bench.end(run).state is RunState.SUCCEEDED
        assert entry in bench.log(run).splitlines()


def test_documents_of_older_versions_run(bench: Bench) -> None:
    for version in ("v1.0", "v1.1"):
        assert bench.run(shell("true") | {"cwlVersion": version}).state is RunState.SUCCEEDED


@pytest.mark.parametrize("glob", ["*.txt", "."])
def test_a_result_whose_name_is_not_utf8_fails_by_name(bench: Bench, glob: str) -> None:
    kind = {"type": "Directory" if glob == "." else "File", "outputBinding": {"glob": glob}}
    report = bench.end(bench.submit(shell(r"touch $(printf 'stra\337e.txt')", outputs={"made": kind})))
    assert report.state is RunState.FAILED
    assert report.message == r"The tool made a file whose name is not UTF-8: stra\xdfe.txt"


def test_a_failure_names_step_exit_code_and_last_words(bench: Bench) -> None:
    report = bench.run(workflow("true", "echo so sorry >&2; exit 42"))
    assert report.state is RunState.FAILED
    assert report.message == "Step second: the tool ended with exit code 42:\nso sorry"
    assert [(s.name, s.state, s.exit_code) for s in report.steps] == [
        ("first", RunState.SUCCEEDED, 0),
        ("second", RunState.FAILED, 42),
    ]


def test_a_failure_quotes_a_redirected_stderr(bench: Bench) -> None:
    report = bench.run(shell("echo hidden >&2; exit 5", stderr="errors.txt"))
    assert report.message == "The tool ended with exit code 5:\nhidden"


def test_a_missing_output_is_the_cause(bench: Bench) -> None:
    report = bench.run(shell("true", outputs={"map": {"type": "File", "outputBinding": {"glob": "map.tif"}}}))
    assert report.state is RunState.FAILED
    assert "map.tif" in report.message and "map" in report.message


def test_a_missing_program_is_the_cause(bench: Bench) -> None:
    report = bench.run(shell("") | {"baseCommand": "no-such-program"})
    assert report.state is RunState.FAILED and "no-such-program" in report.message


def test_an_input_of_the_wrong_type_is_the_cause(bench: Bench) -> None:
    report = bench.run(shell("true", inputs={"count": "int"}), {"count": "many"})
    assert report.state is RunState.FAILED and "count" in report.message


def test_messages_and_logs_hold_no_path_of_this_machine(bench: Bench) -> None:
    run = bench.submit(workflow("pwd >&2", "pwd >&2; exit 1"))
    report = bench.end(run)
    assert str(bench.folder) not in report.message + bench.log(run)
    assert "work/" in report.message


def test_a_running_workflow_tells_its_steps(bench: Bench) -> None:
    run = bench.submit(workflow("true", "sleep 600", "true"))
    report = bench.until(run, lambda r: "second" in r.message)
    assert report.message == "step 2 of 3: second"
    assert report.progress == 33
    assert [(s.name, s.state) for s in report.steps] == [("first", RunState.SUCCEEDED), ("second", RunState.RUNNING)]
    bench.engine.cancel(run)
    assert [s.state for s in bench.end(run).steps] == [RunState.SUCCEEDED, RunState.CANCELLED]


def scattered(name: str, source: str, command: str, method: str = "dotproduct", *more: str) -> dict[str, object]:
    keys = [f"n{number}" for number in range(1 + len(more))]
    tool = shell(command, inputs={keys[0]: {"type": "Any", "inputBinding": {}}}, outputs={"done": "stdout"})
    tool["inputs"] |= {key: "Any" for key in keys[1:]}
    del tool["cwlVersion"]
    inputs = dict(zip(keys, (source, *more), strict=True))
    return {name: {"run": tool, "in": inputs, "out": ["done"], "scatter": keys, "scatterMethod": method}}


def scatters(**steps: dict[str, object]) -> dict[str, object]:
    inputs = {"numbers": "int[]", "letters": "string[]"}
    head: dict[str, object] = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": inputs, "outputs": {}}
    head["requirements"] = [{"class": "ScatterFeatureRequirement"}]
    return head | {"steps": {name: step for made in steps.values() for name, step in made.items()}}


def test_a_scattered_step_counts_its_parts(bench: Bench) -> None:
    """The second step is scattered over what the first makes, and named so that it comes before it in the package."""
    document = scatters(
        one=scattered("make", "numbers", "echo $0"),
        two=scattered("count", "make/done", "grep -q -e 1 -e 2 $0 || sleep 600"),
    )
    run = bench.submit(document, {"numbers": [1, 2, 3, 4], "letters": []})
    report = bench.until(run, lambda r: r.ended or "count (2 of 4 done)" in r.message)
    assert report.message == "step 2 of 2: count (2 of 4 done)"
    assert report.progress == 75
    assert [step.name for step in report.steps] == ["make", "count"]
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED


@pytest.mark.parametrize("base", ["file:///package.cwl#", "file:///package.cwl#main/"])
@pytest.mark.parametrize(
    ("method", "counts"),
    [
        ("dotproduct", {"make": 3, "count": 3, "plain": 0}),
        ("flat_crossproduct", {"make": 9, "count": 9, "plain": 0}),
        ("nested_crossproduct", {"make": 9, "count": 3, "plain": 0}),
    ],
)
def test_parts_are_known_through_a_chain_of_steps(base: str, method: str, counts: dict[str, int]) -> None:
    def step(name: str, **sources: str) -> dict[str, object]:
        inputs = [{"id": f"{base}{name}/{key}", "source": f"{base}{source}"} for key, source in sources.items()]
        return {"id": f"{base}{name}", "inputs": inputs, "outputs": [{"id": f"{base}{name}/done"}]}

    count = step("count", n="make/done") | {"scatter": f"{base}count/n"}
    make = step("make", n="numbers", m="letters")
    make |= {"scatter": [f"{base}make/n", f"{base}make/m"], "scatterMethod": method}
    steps = [count, make, step("plain", n="make/done")]
    assert all_parts(steps, {"numbers": [1, 2, 3], "letters": ["a", "b", "c"]}) == counts
    assert all_parts(steps, {"numbers": [1, 2, 3]}) == dict.fromkeys(counts, 0)


def test_expressions_run_without_node(bench: Bench, tmp_path: Path) -> None:
    tool = {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {"expressionLib": ["function twice(n) { return 2 * n; }"]}},
        "inputs": {"n": "int"},
        "outputs": {"m": "int"},
        "expression": "${ return {m: twice(inputs.n) + 1}; }",
    }
    run = bench.submit(tool, {"n": 20})
    assert bench.end(run).state is RunState.SUCCEEDED
    assert bench.record(run, "exit")["outputs"] == {"m": 41}


def test_a_wrong_expression_is_the_cause(bench: Bench) -> None:
    tool = shell("true", requirements={"InlineJavascriptRequirement": {}}, arguments=["$(nothing.here)"])
    report = bench.run(tool)
    assert report.state is RunState.FAILED and "nothing is not defined" in report.message


def test_a_tool_time_limit_ends_the_tool_and_its_children(bench: Bench) -> None:
    command = "trap '' TERM; sleep 601 & echo $! > pid; wait; wait; sleep 600"
    limit = {"ToolTimeLimit": {"timelimit": 1}}
    run = bench.submit(shell(command, requirements=limit))
    report = bench.end(run)
    assert report.state is RunState.FAILED and "time limit of 1 seconds" in report.message


def test_the_time_limit_of_the_engine_ends_a_job(tmp_path: Path, shared_home: Path) -> None:
    bench = Bench(tmp_path, shared_home, time_limit=0.5, stop_grace=0.2, workers=4, cores=4)
    report = bench.run(shell("sleep 600"))
    assert report.state is RunState.FAILED
    assert report.message == "The job exceeded the time limit of 0.5 seconds."
    bench.engine.close()


def test_what_a_tool_leaves_behind_ends_with_the_job(bench: Bench) -> None:
    run = bench.submit(shell("(setsid sleep 600 & echo $! >&2)"))
    assert bench.end(run).state is RunState.SUCCEEDED
    pid = int(next(line for line in bench.log(run).splitlines() if line.isdigit()))
    from .conftest import gone

    assert gone(pid)


def test_steps_may_run_at_the_same_time(tmp_path: Path, shared_home: Path) -> None:
    bench = Bench(tmp_path, shared_home, parallel_steps=True, workers=4, cores=4)
    document = workflow("sleep 0.5", "true", "true")
    for step in document["steps"].values():  # type: ignore[attr-defined]
        step["in"] = {}
    report = bench.run(document)
    assert report.state is RunState.SUCCEEDED, report.message
    assert len(report.steps) == 3
    bench.engine.close()


def test_usage_is_told(bench: Bench) -> None:
    report = bench.run(shell("sleep 0.1"))
    assert report.usage["wall_seconds"] >= 0.1
    assert report.usage["cpu_seconds"] > 0


def test_more_jobs_than_slots_all_run(bench: Bench) -> None:
    runs = [bench.submit(shell("true")) for _ in range(30)]
    assert {bench.end(run).state for run in runs} == {RunState.SUCCEEDED}


@pytest.mark.parametrize("command", ["ln -s /etc/hostname out", "mkdir out && ln -s /etc out/inner"])
def test_an_output_that_links_to_the_machine_is_refused(bench: Bench, command: str) -> None:
    kind = "Directory" if "mkdir" in command else "File"
    report = bench.run(shell(command, outputs={"out": {"type": kind, "outputBinding": {"glob": "out"}}}))
    assert report.state is RunState.FAILED and "is a link to a file that is neither" in report.message


def test_an_output_may_link_to_an_output_or_an_input(bench: Bench) -> None:
    given = bench.folder / "given.txt"
    given.write_text("given")
    outputs = {name: {"type": "File", "outputBinding": {"glob": name}} for name in ("own", "passed")}
    tool = shell("echo made > made; ln -s made own; ln -s $0 passed", outputs=outputs)
    tool["inputs"] = {"text": {"type": "File", "inputBinding": {}}}
    run = bench.submit(tool, {"text": {"class": "File", "location": given.as_uri()}})
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, report.message
    assert given.read_text() == "given"


def test_an_output_folder_has_what_its_links_lead_to(bench: Bench) -> None:
    (bench.folder / "given").mkdir()
    (bench.folder / "given" / "in.txt").write_text("given")
    command = "mkdir -p out/real; echo a > out/real/a; ln -s real out/again; ln -s again/a out/b; ln -s $0 out/given"
    tool = shell(command, outputs={"out": {"type": "Directory", "outputBinding": {"glob": "out"}}})
    tool["inputs"] = {"folder": {"type": "Directory", "inputBinding": {}}}
    run = bench.submit(tool, {"folder": {"class": "Directory", "location": (bench.folder / "given").as_uri()}})
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, report.message
    bench.engine.forget(run)
    out = bench.workspace(run) / "outputs" / "out"
    found = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert found == {"real/a": "a\n", "again/a": "a\n", "b": "a\n", "given/in.txt": "given"}
    assert not [path for path in out.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    ("target", "told"),
    [("..", "the link link in an output leads to a folder that it is in"), ("nowhere", "leads nowhere")],
)
def test_an_output_folder_whose_link_cannot_be_kept_fails_the_job(bench: Bench, target: str, told: str) -> None:
    tool = shell(
        f"mkdir out; ln -s {target} out/link", outputs={"out": {"type": "Directory", "outputBinding": {"glob": "out"}}}
    )
    report = bench.run(tool)
    assert report.state is RunState.FAILED and "The output out: " in report.message and told in report.message


def test_an_address_that_was_not_staged_is_not_fetched(bench: Bench) -> None:
    tool = shell("cat $0", inputs={"text": {"type": "File", "inputBinding": {}}})
    report = bench.run(tool, {"text": {"class": "File", "location": "http://192.0.2.1/text", "basename": "text"}})
    assert report.state is RunState.FAILED and "is not a file of this job" in report.message
