"""The form of a process: made from its schema, and it really submits."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

Sent = Callable[[Page], dict[str, Any]]
Opened = Callable[..., Page]


def field(page: Page, name: str) -> Any:
    return page.locator(f"#fields > [data-id={name}]")


def fill_required(page: Page) -> None:
    field(page, "title").locator("input").fill("Lakes")
    field(page, "level").locator("select").select_option("middle")


def test_defaults_are_filled_in_and_required_inputs_are_marked(form: Page) -> None:
    expect(field(form, "count").locator("input")).to_have_value("3")
    expect(field(form, "quick").locator("input")).to_be_checked()
    expect(field(form, "title").locator(".must")).to_have_text("required")
    expect(field(form, "ratio").locator(".must")).to_have_count(0)
    assert field(form, "level").locator("option").all_inner_texts() == ["choose…", "low", "middle", "high"]


def test_every_kind_of_input_arrives_and_the_results_come_without_leaving_the_page(form: Page, sent: Sent) -> None:
    form.evaluate("window.here = 'the same page'")
    fill_required(form)
    field(form, "count").locator("input").fill("12")
    field(form, "ratio").locator("input").fill("0.25")
    field(form, "quick").locator("input").uncheck()
    words = field(form, "words")
    for text in ("one", "drop", "two"):
        words.locator("button", has_text="Add").click()
        words.locator("li input").last.fill(text)
    words.locator("li", has=form.get_by_label("Value 2")).locator("button").click()
    field(form, "mixed").locator("select").select_option(label="list of text")
    field(form, "mixed").locator("button", has_text="Add").click()
    field(form, "mixed").locator("li input").fill("a")
    field(form, "place").locator("[data-id=name] input").fill("Rome")
    field(form, "place").locator("[data-id=height] input").fill("21.5")
    field(form, "file").get_by_label("Written here").check()
    field(form, "file").locator("textarea").fill("some text")
    found = sent(form)
    assert form.evaluate("window.here") == "the same page"
    assert found["title"] == "Lakes" and found["level"] == "middle"
    assert (found["count"], found["ratio"], found["quick"]) == (12, 0.25, False)
    assert found["words"] == ["one", "two"] and found["mixed"] == ["a"]
    assert {key: found["place"][key] for key in ("name", "height")} == {"name": "Rome", "height": 21.5}
    assert found["file"]["contents"] == "some text"
    outcome = form.locator("#followed .outcome")
    expect(outcome.locator(".result")).to_have_count(2)
    expect(outcome).to_contain_text('"title": "Lakes"')


def test_what_is_missing_is_told_at_the_field_and_nothing_is_sent(form: Page) -> None:
    posted: list[str] = []
    form.on("request", lambda request: posted.append(request.method))
    form.click("#execute button[type=submit]")
    expect(field(form, "title").locator(".wrong")).to_have_text("This is required.")
    expect(field(form, "level").locator(".wrong")).to_have_text("This is required.")
    expect(field(form, "title").locator("input")).to_be_focused()
    expect(field(form, "title").locator("input")).to_have_attribute("aria-invalid", "true")
    assert "POST" not in posted


def test_a_member_that_is_missing_in_a_record_is_told_at_the_member(form: Page) -> None:
    fill_required(form)
    field(form, "place").locator("[data-id=height] input").fill("3")
    form.click("#execute button[type=submit]")
    expect(field(form, "place").locator("[data-id=name] .wrong")).to_have_text("This is required.")


def refuse(page: Page, errors: list[dict[str, str]]) -> None:
    text = "; ".join(error["detail"] for error in errors)
    problem = {"type": "about:blank", "title": "Invalid inputs", "status": 400, "detail": text, "errors": errors}
    page.route("**/execution", lambda route: route.fulfill(status=400, json=problem))


@pytest.mark.parametrize("named", [True, False])
def test_what_the_server_refuses_is_told_at_the_field(opened: Opened, named: bool) -> None:
    page = opened("/processes/everything", allow="status of 400")
    page.wait_for_selector("#fields [data-id=title]")
    fill_required(page)
    field(page, "words").locator("button", has_text="Add").click()
    field(page, "words").locator("li input").fill("x")
    errors = [
        {
            "location": "inputs.words[0]",
            "rule": "minLength",
            "detail": "inputs.words[0]: must have at least 2 characters",
        },
        {"location": "inputs.place.name", "rule": "pattern", "detail": "inputs.place.name: must match ^A (is <b>)"},
    ]
    refuse(page, errors if named else [{"location": "", "rule": "", "detail": "; ".join(e["detail"] for e in errors)}])
    if not named:
        page.unroute("**/execution")
        text = "; ".join(error["detail"] for error in errors)
        page.route("**/execution", lambda route: route.fulfill(status=400, json={"title": "No", "detail": text}))
    page.click("#execute button[type=submit]")
    expect(field(page, "words").locator("li .wrong")).to_have_text("must have at least 2 characters")
    expect(field(page, "place").locator("[data-id=name] .wrong")).to_have_text("must match ^A (is <b>)")
    expect(page.locator("#problem")).to_be_visible()


def test_a_real_refusal_of_the_server_is_told(opened: Opened) -> None:
    page = opened("/processes/everything", allow="status of 400")
    page.wait_for_selector("#fields [data-id=title]")
    fill_required(page)
    field(page, "file").get_by_label("Address", exact=True).fill("nothing://here")
    page.click("#execute button[type=submit]")
    expect(page.locator("#problem")).to_be_visible()
    expect(field(page, "file").locator(".wrong")).to_be_visible()


def test_a_local_file_is_sent_with_the_request(form: Page, sent: Sent) -> None:
    fill_required(form)
    field(form, "file").get_by_label("From this computer").check()
    picker = field(form, "file").locator("input[type=file]")
    picker.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": "größer\n".encode()})
    assert sent(form)["file"]["contents"] == "größer\n"


def test_a_file_that_is_too_large_is_refused_at_once(form: Page) -> None:
    fill_required(form)
    field(form, "file").get_by_label("From this computer").check()
    expect(field(form, "file")).to_contain_text("Up to 20.0 MiB")
    picker = field(form, "file").locator("input[type=file]")
    picker.set_input_files({"name": "big.bin", "mimeType": "text/plain", "buffer": bytes(21 * 2**20)})
    form.click("#execute button[type=submit]")
    expect(field(form, "file").locator(".wrong")).to_contain_text("by address")


def test_a_box_is_drawn_on_the_map(form: Page, sent: Sent) -> None:
    fill_required(form)
    box = field(form, "bbox")
    box.locator(".leaflet-tile-pane path").first.wait_for(state="attached")
    box.get_by_role("button", name="Draw on the map").click()
    area = box.locator(".map").bounding_box()
    assert area is not None
    x, y = area["x"], area["y"]
    form.mouse.move(x + 150, y + 80)
    form.mouse.down()
    form.mouse.move(x + 200, y + 120, steps=4)
    form.mouse.up()
    west, south, east, north = [float(item.input_value()) for item in box.locator(".sides input").all()]
    assert -180 <= west < east <= 180 and -90 <= south < north <= 90
    assert sent(form)["bbox"] == [west, south, east, north]


def test_a_box_is_given_by_numbers_and_must_be_complete(form: Page) -> None:
    fill_required(form)
    field(form, "bbox").get_by_label("west").fill("5")
    form.click("#execute button[type=submit]")
    expect(field(form, "bbox").locator(".wrong")).to_have_text("All four sides are needed.")


def test_the_form_is_filled_and_sent_by_keyboard_alone(form: Page) -> None:
    def focus(name: str) -> None:
        for _ in range(80):
            form.keyboard.press("Tab")
            if form.evaluate("document.activeElement.closest('[data-id]')?.dataset.id") == name:
                return
        raise AssertionError(f"{name} cannot be reached")

    form.locator("body").press("Tab")
    expect(form.locator(".skip")).to_be_focused()
    focus("title")
    form.keyboard.type("Keys")
    focus("level")
    form.keyboard.type("hi")
    form.keyboard.press("Shift+Tab")
    form.keyboard.press("Enter")
    form.wait_for_selector("#followed #job[data-status=successful]")
    expect(form.locator("#followed .outcome")).to_contain_text('"title": "Keys"')
    expect(form.locator("#followed .outcome")).to_contain_text('"level": "high"')


def test_only_chosen_outputs_are_asked_for(form: Page) -> None:
    fill_required(form)
    form.locator("input[name=outputs][value=document]").uncheck()
    form.click("#execute button[type=submit]")
    form.wait_for_selector("#followed .outcome .result")
    expect(form.locator("#followed .outcome h2").nth(1)).to_have_text("words_out")
    expect(form.locator("#followed .outcome .result")).to_contain_text("The file is empty.")
    expect(form.locator("#followed .outcome .result")).to_have_count(1)


def test_an_earlier_job_can_be_run_again(form: Page, opened: Opened, sent: Sent) -> None:
    fill_required(form)
    field(form, "words").locator("button", has_text="Add").click()
    field(form, "words").locator("li input").fill("kept")
    sent(form)
    form.click("#followed a:has-text('Run again')")
    form.wait_for_url("**/processes/everything?from=*")
    expect(field(form, "title").locator("input")).to_have_value("Lakes")
    expect(field(form, "level").locator("select option:checked")).to_have_text("middle")
    expect(field(form, "words").locator("li input")).to_have_value("kept")
    form.click("#execute button[type=reset]")
    expect(field(form, "title").locator("input")).to_have_value("")


@pytest.mark.parametrize("filled", [True, False])
def test_the_command_line_example_runs(form: Page, filled: bool) -> None:
    if filled:
        fill_required(form)
        field(form, "title").locator("input").fill("it's $HOME")
        expect(form.locator("#curl")).to_contain_text("it'\\''s $HOME")
    command = form.locator("#curl").inner_text()
    done = subprocess.run(["sh", "-c", f"{command} -sS"], capture_output=True, text=True, timeout=240, check=True)
    assert json.loads(done.stdout)["status"] == "accepted"


def test_a_process_with_both_modes_offers_them(opened: Opened, server: LiveServer) -> None:
    both = [
        row["id"]
        for row in server.get("/processes").json()["processes"]
        if {"sync-execute", "async-execute"} <= set(row["jobControlOptions"])
    ]
    if not both:
        pytest.skip("no process has both modes")
    page = opened(f"/processes/{both[0]}")
    expect(page.locator("input[name=mode]")).to_have_count(2)
    expect(page.locator("input[name=mode][value=async]")).to_be_checked()
    page.locator("input[name=mode][value=sync]").check()
    assert not re.search("respond-async", page.locator("#curl").inner_text())


def test_everything_stays_below_the_prefix_that_the_page_came_by(opened: Opened) -> None:
    prefix = "/alice/ogc-api"
    page = opened(f"{prefix}/processes/everything")
    page.wait_for_selector("#fields [data-id=title]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    fill_required(page)
    page.click("#execute button[type=submit]")
    page.wait_for_selector("#followed #job[data-status=successful]")
    expect(page.locator("#followed .outcome .result").first).to_be_visible()
    page.click("#followed h2 a")
    page.wait_for_url(f"**{prefix}/jobs/*")
    page.wait_for_selector(".outcome .result")
    page.click("header a:has-text('Jobs')")
    page.wait_for_url(f"**{prefix}/jobs")
    assert asked and not [url for url in asked if prefix not in url]
