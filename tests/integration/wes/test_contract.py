"""What the contract suite of engines asks, on the real thing: with two runs in all, because each takes ten seconds.

The whole suite passes on the minimal WES server (tests/contract/test_wes_engine.py).
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from pygeoapi_oapip.model.run import RunRef, RunState

from .engine_bench import EngineBench, wes_settings
from .packages import Sample, shell
from .serving import until
from .toil import ToilServer

_SAYS = shell("echo hello; echo hello >&2", stdout="said.txt", outputs={"said": "stdout"})
_LONG = shell("echo hello >&2; exec sleep 300")


def test_runs_are_adopted_cancelled_and_forgotten(toil: ToilServer, tmp_path: Path) -> None:
    bench = EngineBench(tmp_path / "bench", wes_settings(toil))
    engine, before = bench.engine, set(toil.runs())
    plan, long_plan = bench.plan(Sample(_SAYS)), bench.plan(Sample(_LONG))
    run, long = engine.submit(plan), engine.submit(long_plan)
    assert RunRef.from_json(run.to_json()) == run and engine.submit(plan) == run

    bench.until(long, lambda report: report.state is RunState.RUNNING)
    restarted = bench.another()
    assert restarted.submit(long_plan) == long
    until(lambda: restarted.poll([long])[long.job_id].state is RunState.RUNNING, "another engine object knows the run")
    until(lambda: "toil" in bench.log(long).lower(), "the log can be read while the run goes on")

    end = bench.end(run)
    assert end.state is RunState.SUCCEEDED and end.progress == 100, end
    assert end.started and end.finished and end.started <= end.finished
    assert bench.results(plan, run)["said"]["text"] == "hello\n"
    assert engine.submit(plan) == run and engine.outputs(run) == restarted.outputs(run)
    stranger = RunRef(run.engine, str(uuid4()), "unknown", {"workspace": str(tmp_path / "nowhere")})
    assert set(engine.poll([run, stranger])) == {run.job_id}
    for ended in (run, stranger):
        engine.cancel(ended)
    assert bench.report(run) == end

    for _ in range(2):
        engine.cancel(long)
    assert bench.end(long).state is RunState.CANCELLED
    engine.cancel(long)
    for known in (run, long, stranger):
        engine.forget(known)
    assert bench.report(long).state is RunState.CANCELLED and "hello" in bench.log(run)
    assert len(set(toil.runs()) - before) == 2
