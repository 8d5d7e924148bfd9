"""The job list and the page of a job, while jobs run."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

Opened = Callable[..., Page]
ROWS = "#list tbody tr"


def row(page: Page, job: str) -> str:
    return f'{ROWS}[data-key="{job}"]'


def test_the_list_is_filtered_by_status_process_and_date(server: LiveServer, opened: Opened) -> None:
    failed = server.submit("fails", {})
    server.ended(failed)
    good = server.submit("pictures", {})
    server.ended(good)
    page = opened("/jobs?limit=200")
    expect(page.locator(row(page, good))).to_have_count(1)
    page.select_option("#by-status", "failed")
    page.click("#filter button[type=submit]")
    page.wait_for_url("**/jobs?*status=failed*")
    expect(page.locator(row(page, failed))).to_have_count(1)
    expect(page.locator(row(page, good))).to_have_count(0)
    expect(page.locator("#by-status")).to_have_value("failed")
    assert "processID" not in page.url, "empty parameters stay out of the address"
    page.fill("#by-process", "pictures")
    page.select_option("#by-status", "")
    page.click("#filter button[type=submit]")
    page.wait_for_url("**/jobs?*processID=pictures*")
    expect(page.locator(row(page, good))).to_have_count(1)
    expect(page.locator(row(page, failed))).to_have_count(0)
    page.fill("#until", "2001-01-01")
    page.click("#filter button[type=submit]")
    page.wait_for_url("**datetime=*")
    expect(page.locator("#list .empty")).to_be_visible()
    expect(page.locator("#until")).to_have_value("2001-01-01")


def test_the_processes_are_offered_as_a_list(opened: Opened) -> None:
    page = opened("/jobs")
    page.focus("#by-process")
    expect(page.locator("#processes option[value=everything]")).to_have_count(1)


def test_the_list_refreshes_itself_and_pauses_while_nobody_looks(server: LiveServer, opened: Opened) -> None:
    page = opened("/jobs?limit=200")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    job = server.submit("steps", {"seconds": 1})
    page.wait_for_timeout(3000)
    assert not asked
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(row(page, job))).to_have_count(1)
    expect(page.locator(f"{row(page, job)} .status.successful")).to_be_visible()
    expect(page.locator("#when")).to_contain_text("last at")


def test_the_list_is_sorted_by_its_headings(server: LiveServer, opened: Opened) -> None:
    for process in ("fails", "pictures"):
        server.ended(server.submit(process, {}))
    page = opened("/jobs?limit=200")
    page.click("button.head:has-text('Process')")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Process")
    names = page.locator(f"{ROWS} td[data-label=Process]").all_inner_texts()
    assert names == sorted(names) and len(set(names)) > 1
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Process")
    assert page.locator(f"{ROWS} td[data-label=Process]").all_inner_texts() == sorted(names, reverse=True)


def test_pages_follow_each_other(server: LiveServer, opened: Opened) -> None:
    for _ in range(3):
        server.submit("fails", {})
    page = opened("/jobs?limit=2")
    first = page.locator(ROWS).first.get_attribute("data-key")
    page.click("#pager a[rel=next]")
    page.wait_for_url("**/jobs?**")
    expect(page.locator(f'{ROWS}[data-key="{first}"]')).to_have_count(0)
    page.click("#pager a[rel=prev]")
    expect(page.locator(ROWS)).to_have_count(2)


def test_a_job_is_removed_from_the_list_after_a_question(server: LiveServer, opened: Opened) -> None:
    job = server.submit("fails", {})
    server.ended(job)
    page = opened("/jobs?limit=200")
    button = page.locator(f"{row(page, job)} [data-dismiss]")
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text(job[:8])
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    assert server.get(f"/jobs/{job}").status_code == 200
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(row(page, job))).to_have_count(0)
    expect(page.locator("#said")).to_have_text(f"Job {job[:8]} was removed.")
    assert server.get(f"/jobs/{job}").status_code == 404


def test_a_running_job_is_followed_to_its_end_without_a_reload(server: LiveServer, opened: Opened) -> None:
    # long enough for a slow browser to see it run
    job = server.submit("steps", {"seconds": 5})
    page = opened(f"/jobs/{job}")
    page.evaluate("window.here = true")
    expect(page.locator("#job .status").first).to_have_text("running")
    expect(page.locator("#job progress")).to_be_visible()
    expect(page.locator(".tail")).to_contain_text("line 2")
    expect(page.locator("#job table.stack")).to_contain_text("first")
    page.wait_for_selector("#job[data-status=successful]")
    expect(page.locator("#job progress")).to_be_hidden()
    expect(page.locator(".outcome .result pre")).to_have_text("one")
    expect(page).to_have_title("successful: Job " + job[:8] + " – pygeoapi-oapip")
    assert page.locator(".tail").inner_text().count("line 3") == 1, "no line of the log twice"
    assert page.evaluate("window.here")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)
    assert not asked, "an ended job is not asked for any more"


def test_a_job_is_dismissed_on_its_page(server: LiveServer, opened: Opened) -> None:
    job = server.submit("steps", {"seconds": 100})
    page = opened(f"/jobs/{job}")
    page.click("[data-dismiss]")
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    page.wait_for_selector("#job[data-status=dismissed]")
    expect(page.locator("#job [data-dismiss]")).to_have_text("Remove")
    assert server.ended(job)["status"] == "dismissed"


def test_a_failed_job_tells_the_problem(server: LiveServer, opened: Opened) -> None:
    job = server.submit("fails", {})
    server.ended(job)
    page = opened(f"/jobs/{job}")
    expect(page.locator("#job .problem")).to_contain_text("no data for <img")
    expect(page.locator(".tail .error").first).to_be_visible()
    page.click("details.asked summary")
    expect(page.locator("details.asked")).to_contain_text("without inputs")
    expect(page.locator("#job a.results")).to_be_hidden()


def test_a_job_that_waits_is_started_on_its_page(server: LiveServer, opened: Opened) -> None:
    process = f"{server.url}/processes/pictures"
    answer = server.post("/jobs", json={"process": process, "inputs": {}}, headers={"Prefer": "status=created"})
    assert answer.json()["status"] == "created", answer.text
    page = opened(f"/jobs/{answer.json()['jobID']}")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#job[data-status=successful]")
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
