"""Processes of the configuration that not everybody may see: at every door, as every kind of user."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.auth.context import acting
from pygeoapi_oapip.catalogue import configured_entries
from pygeoapi_oapip.errors import ConfigurationError, NoSuchProcess
from pygeoapi_oapip.model.identity import Principal
from pygeoapi_oapip.wiring import Wired

from .site import USERS, Site

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: any
label: very secret title
baseCommand: echo
inputs: {word: string}
outputs: {said: stdout}
stdout: said.txt
"""
SEEN: Mapping[str, tuple[Any, str]] = {
    "open": ("public", "alice bob carol olga root anybody"),
    "unsaid": (None, "alice bob carol olga root anybody"),
    "hydro": ({"groups": ["hydro"]}, "alice carol olga root"),
    "staff": ({"roles": ["operator"]}, "olga root"),
    "known": ({"roles": ["deployer"]}, "alice bob carol olga root"),
    "both": ({"groups": ["forest"], "roles": ["operator"]}, "bob olga root"),
    "own": ("private", "olga root"),
}
"""By id: the setting, and who sees it."""
PEOPLE = ("alice", "bob", "carol", "olga", "root", "anybody")


def resource(home: Path, name: str, visibility: Any) -> Mapping[str, Any]:
    path = home / f"{name}.cwl"
    if not path.exists():
        path.write_text(PACKAGE)
    own = {} if visibility is None else {"visibility": visibility}
    return {
        "type": "process",
        "processor": {"name": "pygeoapi_oapip.processor.CWLProcessor", "package": str(path), **own},
    }


class Configured(Site):
    def resources(self, home: Path) -> Mapping[str, Any]:
        return {name: resource(home, name, visibility) for name, (visibility, _) in SEEN.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Configured(tmp_path_factory.mktemp("configured"), anonymous="run")
    yield made
    made.wired.close()


def seen_by(person: str) -> set[str]:
    return {name for name, (_, people) in SEEN.items() if person in people.split()}


def who(person: str) -> str | None:
    return None if person == "anybody" else person


@pytest.mark.parametrize("person", PEOPLE)
def test_list_and_its_page_have_what_one_may_see(place: Site, person: str) -> None:
    listed: Any = place.ask(who(person), "GET", "/processes?limit=100").json
    assert {row["id"] for row in listed["processes"]} & SEEN.keys() == seen_by(person)
    page = place.ask(who(person), "GET", "/processes?f=html&limit=100").text
    for name in SEEN:
        assert (f"/processes/{name}?" in page or f'/processes/{name}"' in page) == (name in seen_by(person)), name


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", SEEN)
def test_what_one_may_not_see_is_like_what_is_not_there(place: Site, person: str, name: str) -> None:
    body = {"inputs": {"word": "x"}}
    for method, path, good in (
        ("GET", "/processes/{}", {200}),
        ("GET", "/processes/{}?f=html", {200}),
        ("GET", "/processes/{}/package", {200}),
        ("GET", "/processes/{}/history", {200, 404}),
        ("POST", "/processes/{}/execution", {201}),
        ("DELETE", "/processes/{}", {401, 403}),
        ("GET", "/processes/{}/sharing", {401, 403}),
    ):
        options: dict[str, Any] = {"json": body} if method == "POST" else {}
        found = place.ask(who(person), method, path.format(name), **options)
        none = place.ask(who(person), method, path.format("never"), **options)
        if name in seen_by(person):
            assert found.status_code in good, (path, found.text)
        else:
            assert found.status_code == none.status_code, path
            assert found.text.replace(name, "never") == none.text, path


@pytest.mark.parametrize("person", PEOPLE)
def test_definition_has_what_one_may_see(place: Site, person: str) -> None:
    paths = json.loads(place.ask(who(person), "GET", "/openapi?f=json").text)["paths"]
    assert {name for name in SEEN if f"/processes/{name}/execution" in paths} == seen_by(person)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_wps_has_what_one_may_see(place: Site, person: str, version: str) -> None:
    asked = f"/wps?service=WPS&version={version}&request="
    text = place.ask(who(person), "GET", f"{asked}GetCapabilities").text
    for name in SEEN:
        visible = name in seen_by(person)
        assert (f">{name}</ows:Identifier>" in text) == visible, name
        described = place.ask(who(person), "GET", f"{asked}DescribeProcess&identifier={name}")
        assert (described.status_code == 200) == visible
        assert ("very secret title" in described.text) == visible


@pytest.mark.parametrize("person", PEOPLE)
def test_service_behind_the_route_of_pygeoapi_has_what_one_may_see(place: Site, person: str) -> None:
    """pygeoapi asks the manager, and the manager the service, as whoever is acting."""
    principal = USERS.get(person, Principal("anonymous"))
    service = place.wired.service
    with acting(principal):
        assert {one.id for one in service.processes(principal, 100, 0).processes} & SEEN.keys() == seen_by(person)
        for name in SEEN.keys() - seen_by(person):
            with pytest.raises(NoSuchProcess):
                service.process(principal, name)


def test_nested_process_that_one_may_not_see_is_not_there(place: Site) -> None:
    texts = []
    for name in ("hydro", "never"):
        inner = {"process": f"https://example.org/processes/{name}", "inputs": {"word": "x"}}
        nested = {"inputs": {"message": inner}}
        texts.append(place.ask("bob", "POST", "/processes/echo/execution", json=nested))
    assert texts[0].status_code == texts[1].status_code and texts[0].status_code >= 400
    assert texts[0].text.replace("hydro", "never") == texts[1].text


def test_own_process_of_the_same_id_is_ones_own_and_nobody_elses(place: Site) -> None:
    kind = {"Content-Type": "application/cwl+yaml"}
    body = PACKAGE.replace("id: any", "id: own").replace("very secret title", "of bob")
    assert place.ask("bob", "POST", "/processes", data=body, headers=kind).status_code == 201
    shown: Any = place.ask("bob", "GET", "/processes/own").json
    assert shown["title"] == "of bob"
    assert place.ask("bob", "PUT", "/processes/own/sharing", json={"public": True}).status_code == 200
    shown = place.ask("olga", "GET", "/processes/own").json
    assert shown["title"] == "very secret title", "the one of the server comes first"
    assert place.ask("bob", "DELETE", "/processes/own").status_code == 204


def rewired(place: Site, visibility: Any) -> Wired:
    home = place.wired.settings.output_dir.parent
    return Wired(place.wired.settings, {"changing": resource(home, "changing", visibility)}, place.base)


def seen(wired: Wired, user: str) -> bool:
    try:
        return wired.service.process(USERS[user], "changing").title == "very secret title"
    except NoSuchProcess:
        return False


def test_visibility_follows_the_configuration(tmp_path: Path) -> None:
    place = Site(tmp_path / "site", anonymous="run")
    told: tuple[tuple[Any, list[bool]], ...] = (
        ("public", [True, True, True]),
        ({"groups": ["hydro"]}, [True, False, True]),
        ({"groups": ["forest"]}, [False, True, True]),
        ("private", [False, False, True]),
        ("public", [True, True, True]),
    )
    for visibility, expected in told:
        wired = rewired(place, visibility)
        assert [seen(wired, user) for user in ("alice", "bob", "olga")] == expected, visibility
        wired.close()
    gone = Wired(place.wired.settings, {}, place.base)
    with pytest.raises(NoSuchProcess):
        gone.database and gone.service.process(USERS["root"], "changing")
    gone.close()
    place.wired.close()


def test_process_that_breaks_as_it_is_hidden_is_hidden(tmp_path: Path) -> None:
    place = Site(tmp_path / "site", anonymous="run")
    rewired(place, "public").close()
    (place.wired.settings.output_dir.parent / "changing.cwl").write_text("no CWL")
    wired = rewired(place, "private")
    assert not seen(wired, "alice")
    wired.close()
    place.wired.close()


def test_configured_process_hides_the_built_in_one_of_its_id(tmp_path: Path) -> None:
    place = Site(tmp_path / "site", anonymous="run")
    home = place.wired.settings.output_dir.parent
    wired = Wired(place.wired.settings, {"echo": resource(home, "echo", "private")}, place.base)
    with pytest.raises(NoSuchProcess):
        wired.service.process(USERS["alice"], "echo")
    assert wired.service.process(USERS["olga"], "echo").title == "very secret title"
    wired.close()
    place.wired.close()


def test_where_nobody_is_asked_everybody_sees_all(tmp_path: Path) -> None:
    block = {"x": resource(tmp_path, "x", "private")}
    [entry] = configured_entries(block, asks=False)
    assert entry.sharing.public and entry.owner == "anonymous"
    [entry] = configured_entries(block)
    assert not entry.sharing.public and entry.owner != "anonymous"


@pytest.mark.parametrize(
    "visibility",
    [
        "hidden", "", True, [], {}, {"groups": []}, {"groups": "hydro"}, {"groups": [" operator"]}, {"roles": ["boss"]},
        {"users": ["a"]}, {"groups": [5]},
    ],
)  # fmt: skip
def test_visibility_that_cannot_be_is_refused(tmp_path: Path, visibility: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"resources\.x\.processor\.visibility"):
        list(configured_entries({"x": resource(tmp_path, "x", visibility)}))
