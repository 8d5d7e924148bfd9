"""What every process store does.

Subclass `ProcessStoreContract` and give it a fixture `processes` with an empty store."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ..errors import DuplicateProcess, NoSuchProcess, StorageFull, VersionConflict
from ..model.identity import EVERYTHING, Scope, Sharing
from ..model.process import Input, JobControl, Output, Package, Process, Source
from ..store.base import ProcessStore

PACKAGE = Package(
    {"class": "CommandLineTool", "cwlVersion": "v1.2"}, "#main", b"cwlVersion: v1.2\n\xff\0", "application/cwl+yaml"
)


def a_process(process_id: str = "buffer", owner: str = "alice", version: str = "1.0") -> Process:
    """A process with something in each field."""
    return Process(
        id=process_id,
        version=version,
        title="Buffer \0",
        description="",
        inputs={"size": Input("size", "Size", {"type": "number"}, "m", 0, None, ("k",), ({"role": "r"},))},
        outputs={"out": Output("out", "Out", {"type": "string"}, "d", ("k",), ({"role": "r"},))},
        package=PACKAGE,
        keywords=("a", "b"),
        metadata=({"title": "t", "href": "h"},),
        job_control=(JobControl.SYNC,),
        owner=owner,
        engine="hpc",
        extra={"x": [1, None]},
    )


class ProcessStoreContract:
    """Deploying, replacing, undeploying, reading."""

    def test_one_process_more_than_allowed_is_refused(self, processes: ProcessStore) -> None:
        for process_id in ("one", "two"):
            processes.add(a_process(process_id, "alice"), most=2)
        processes.add(replace(a_process("built-in", "alice"), source=Source.BUILTIN))
        with pytest.raises(StorageFull, match="^2 processes of yours are deployed, and no more than 2 may be"):
            processes.add(a_process("three", "alice"), most=2)
        with pytest.raises(DuplicateProcess):
            processes.add(a_process("one", "alice"), most=2)
        processes.add(a_process("three", "bob"), most=2)
        processes.replace(a_process("one", "alice"))
        processes.remove("one", owner="alice")
        processes.add(a_process("three", "alice"), most=2)

    def test_a_deployed_process_is_read_back_whole(self, processes: ProcessStore) -> None:
        stored = processes.add(a_process())
        assert stored.created is not None and stored.created == stored.updated
        assert stored == replace(a_process(), revision=1, created=stored.created, updated=stored.updated)
        assert processes.get("buffer", EVERYTHING) == stored
        assert processes.get("buffer", EVERYTHING, 1) == stored

    def test_a_process_without_a_package_is_kept(self, processes: ProcessStore) -> None:
        processes.add(replace(a_process(), package=None))
        assert processes.get("buffer", EVERYTHING).package is None

    def test_an_id_is_deployed_once(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        before = processes.revision()
        with pytest.raises(DuplicateProcess):
            processes.add(a_process(version="2"))
        assert processes.revision() == before
        assert processes.get("buffer", EVERYTHING).version == "1.0"

    def test_replacing_keeps_the_old_revision(self, processes: ProcessStore) -> None:
        first = processes.add(a_process())
        second = processes.replace(a_process(version="2.0"))
        assert (second.revision, second.created) == (2, first.created)
        assert processes.get("buffer", EVERYTHING) == second
        assert processes.get("buffer", EVERYTHING, 1) == first
        history = processes.history("buffer", EVERYTHING)
        assert list(history) == [replace(second, package=None), replace(first, package=None)]

    def test_a_change_of_another_revision_than_the_present_one_is_refused(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        processes.replace(a_process(version="2.0"), expected=1)
        with pytest.raises(VersionConflict):
            processes.replace(a_process(version="3.0"), expected=1)
        with pytest.raises(VersionConflict):
            processes.remove("buffer", expected=1)
        assert processes.get("buffer", EVERYTHING).version == "2.0"
        processes.remove("buffer", expected=2)
        with pytest.raises(NoSuchProcess):
            processes.remove("buffer", expected=2)

    def test_a_locked_process_stays_locked(self, processes: ProcessStore) -> None:
        processes.add(replace(a_process(), locked=True))
        assert processes.get("buffer", EVERYTHING).locked
        assert processes.list(1, 0, EVERYTHING).processes[0].mutable is False

    @pytest.mark.parametrize("process_id", ["", "none", "a\0b", "\ud800"])
    def test_an_unknown_process_does_not_exist(self, processes: ProcessStore, process_id: str) -> None:
        for act in (
            lambda: processes.get(process_id, EVERYTHING),
            lambda: processes.get(process_id, EVERYTHING, 1),
            lambda: processes.history(process_id, EVERYTHING),
            lambda: processes.replace(a_process(process_id)),
            lambda: processes.remove(process_id),
        ):
            with pytest.raises(NoSuchProcess):
                act()
        assert processes.revision() == 0

    def test_an_unknown_revision_does_not_exist(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        for number in (0, 2, -1):
            with pytest.raises(NoSuchProcess):
                processes.get("buffer", EVERYTHING, number)

    def test_an_undeployed_process_is_gone_but_its_revisions_stay(self, processes: ProcessStore) -> None:
        stored = processes.add(a_process())
        processes.remove("buffer")
        for act in (
            lambda: processes.get("buffer", EVERYTHING),
            lambda: processes.history("buffer", EVERYTHING),
            lambda: processes.replace(a_process()),
            lambda: processes.remove("buffer"),
        ):
            with pytest.raises(NoSuchProcess):
                act()
        assert processes.list(10, 0, EVERYTHING).total == 0
        assert processes.get("buffer", EVERYTHING, 1) == stored

    def test_deployed_again_it_gets_the_next_revision(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        processes.remove("buffer")
        again = processes.add(a_process())
        assert again.revision == 2
        assert processes.get("buffer", EVERYTHING) == again
        assert [one.revision for one in processes.history("buffer", EVERYTHING)] == [2, 1]

    def test_each_owner_has_ids_and_revisions_of_its_own(self, processes: ProcessStore) -> None:
        first, second = processes.add(a_process(owner="alice")), processes.add(a_process(owner="bob", version="b"))
        assert (first.revision, second.revision) == (1, 1)
        processes.replace(a_process(owner="bob", version="c"))
        assert processes.get("buffer", Scope("alice")) == first
        assert processes.get("buffer", Scope("bob")).version == "c"
        assert processes.get("buffer", EVERYTHING, 1, "bob") == second
        assert [one.version for one in processes.history("buffer", Scope("bob"))] == ["c", "b"]
        with pytest.raises(NoSuchProcess):
            processes.get("buffer", Scope("alice"), owner="bob")
        with pytest.raises(NoSuchProcess):
            processes.get("buffer", Scope("carol"), 1)
        processes.remove("buffer", owner="alice")
        assert processes.get("buffer", Scope("bob")).version == "c"
        with pytest.raises(NoSuchProcess):
            processes.get("buffer", Scope("alice"))

    def test_what_is_shared_is_seen_by_those_and_no_others(self, processes: ProcessStore) -> None:
        processes.add(a_process(owner="alice"))
        group, stranger = Scope("bob", frozenset({"hydro", "x"})), Scope("carol", frozenset({"forest"}))
        shared = processes.share("buffer", "alice", Sharing(groups=frozenset({"hydro", "all"})))
        assert shared.sharing.groups == {"hydro", "all"}
        assert processes.get("buffer", group) == shared
        assert processes.list(9, 0, group).total == 1
        for act in (processes.get, processes.history):
            with pytest.raises(NoSuchProcess):
                act("buffer", stranger)
        assert processes.list(9, 0, stranger).total == 0
        processes.share("buffer", "alice", Sharing(public=True))
        assert processes.get("buffer", stranger).sharing == Sharing(public=True)
        processes.replace(a_process(owner="alice", version="2"))
        assert processes.get("buffer", stranger).version == "2"
        processes.remove("buffer", owner="alice")
        processes.add(a_process(owner="alice"))
        with pytest.raises(NoSuchProcess):
            processes.get("buffer", stranger)

    def test_of_one_id_the_own_one_comes_first_then_a_public_one(self, processes: ProcessStore) -> None:
        for owner in ("zoe", "alice", "bob", "carol"):
            processes.add(a_process(owner=owner, version=owner))
        processes.share("buffer", "alice", Sharing(groups=frozenset({"g"})))
        processes.share("buffer", "zoe", Sharing(public=True))
        scopes = {
            Scope("bob", frozenset({"g"})): "bob",
            Scope("dora", frozenset({"g"})): "zoe",
            Scope(None, first="carol"): "carol",
            Scope(None): "zoe",
        }
        for scope, wanted in scopes.items():
            assert processes.get("buffer", scope).version == wanted
            assert [one.version for one in processes.list(9, 0, scope).processes] == [wanted]
            assert processes.list(9, 0, scope).total == 1

    def test_nothing_is_shared_that_is_not_there(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        with pytest.raises(NoSuchProcess):
            processes.share("buffer", "bob", Sharing(public=True))

    def test_each_change_grows_the_revision_of_the_store(self, processes: ProcessStore) -> None:
        seen = [processes.revision()]
        for change in (
            lambda: processes.add(a_process()),
            lambda: processes.replace(a_process()),
            lambda: processes.remove("buffer"),
        ):
            change()
            seen.append(processes.revision())
        assert seen == sorted(set(seen))

    def test_a_list_is_ordered_paged_and_without_packages(self, processes: ProcessStore) -> None:
        for name in ("b", "a", "C", "d"):
            processes.add(a_process(name))
        page = processes.list(2, 1, EVERYTHING)
        assert [one.id for one in page.processes] == ["a", "b"]
        assert (page.more, page.total) == (True, 4)
        assert all(one.package is None for one in page.processes)
        page = processes.list(2, 3, EVERYTHING)
        assert ([one.id for one in page.processes], page.more) == (["d"], False)

    def test_a_scope_sees_its_own_and_public_processes(self, processes: ProcessStore) -> None:
        for name, owner in (("mine", "alice"), ("public", "anonymous"), ("theirs", "bob")):
            processes.add(a_process(name, owner))
        page = processes.list(10, 0, Scope("alice"))
        assert ([one.id for one in page.processes], page.total) == (["mine", "public"], 2)
        assert processes.get("public", Scope("alice")).owner == "anonymous"
        for act in (processes.get, processes.history):
            with pytest.raises(NoSuchProcess):
                act("theirs", Scope("alice"))

    def test_of_many_deployments_at_once_one_wins(self, processes: ProcessStore) -> None:
        def deploy(number: int) -> Process | None:
            try:
                return processes.add(a_process(version=str(number)))
            except DuplicateProcess:
                return None

        with ThreadPoolExecutor(6) as pool:
            winners = [won for won in pool.map(deploy, range(6)) if won is not None]
        assert len(winners) == 1
        assert processes.get("buffer", EVERYTHING) == winners[0]

    def test_replacements_at_once_get_a_revision_each(self, processes: ProcessStore) -> None:
        processes.add(a_process())
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda n: processes.replace(a_process(version=str(n))), range(6)))
        assert sorted(one.revision for one in made) == [2, 3, 4, 5, 6, 7]
