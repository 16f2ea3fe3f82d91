"""The page in a real browser: five dashboards on the demo and on nothing, both themes, narrow, by keyboard, cut off."""

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from browser import Browser

from breakeven import web
from breakeven.config import parse
from breakeven.service import Service
from dashboards import panel

AUDIT = (Path(__file__).parent / "audit.js").read_text("utf-8")
SHOWN = {
    "overview": ["API spend", "support-bot", "hybrid", "capacity unknown", "Break-even", "GPU empty", "Where the money goes"],
    "api": ["claude-demo-sonnet", "Prices in use", "gpt-demo-preview", "Uncached input", "Whole answer, p95", "Usual for this hour"],
    "gpu": ["GPU-demo-3", "Headroom", "loaded, no request", "no model server is looked at", "Serving a little"],
    "workload": ["support-bot: hybrid n=1.", "least sure:", "Today, best", "own-support", "Mon", "Objective", "grade A", "No move yet"],
    "health": ["Facts by source", "facts came", "Every request has its workload", "job", "Metered against billed", "One billed attempt"],
}  # fmt: skip
CHARTS = {"overview": 2, "api": 5, "gpu": 6, "workload": 5, "health": 2}


@contextmanager
def serving(service):
    """Serve on a free port, jobs and all."""
    server = uvicorn.Server(uvicorn.Config(web.application(service), port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not shutil.which("chromium"):
        pytest.skip("chromium is not here; .ci/run installs it")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def demo(demo_service):
    with serving(demo_service[0]) as url:
        yield url


def drawn(browser, url):
    """Open a page; nothing may be asked from elsewhere, nothing may be complained of."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(url)
    origin = url.split("/", 3)
    assert [r for r in browser.requests if not r.startswith(("/".join(origin[:3]) + "/", "data:"))] == []
    assert browser.complaints == []
    return browser.run("document.body.innerText")


@pytest.mark.parametrize("name", panel.NAMES)
def test_every_dashboard_is_drawn(browser, demo, name):
    chosen = "&var-workload=support-bot" if name == "workload" else ""
    url = f"{demo}/{name}?from=now-30d&to=now{chosen}"
    text = drawn(browser, url)
    if name == "workload":
        browser.until("document.querySelector('.sentence') !== null")
        text = browser.run("document.body.innerText")
    for said in ("demo data", panel.dashboard(name).title, *SHOWN[name]):
        assert said in text or said in browser.run("document.body.textContent"), said
    assert browser.run("document.querySelectorAll('.main-svg').length") >= CHARTS[name]
    assert browser.run("document.querySelectorAll('.error').length") == 0
    assert "NaN" not in text
    assert "undefined" not in text
    sizes = browser.run(
        "performance.getEntriesByType('resource').filter(r => r.name.includes('/panels/')).map(r => r.transferSize)"
    )
    assert sizes
    assert max(sizes) < 100_000
    for theme in ("light", "dark"):
        drawn(browser, f"{url}&theme={theme}")
        assert browser.run(AUDIT) == [], theme


def test_the_page_of_why(browser, demo):
    """Causes, price changes, contributors, in both themes and on a telephone."""
    text = drawn(browser, f"{demo}/why?to=28d")
    for said in (
        "demo data",
        "Why spend changed",
        "price",
        "utilisation",
        "gpt-demo, output",
        "lab: warm idle GPU time",
    ):
        assert said in text, said
    assert browser.run("document.querySelectorAll('svg.axis rect').length") >= 56
    for theme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        drawn(browser, f"{demo}/why?to=28d")
        assert browser.run(AUDIT) == [], theme
    browser.call("Emulation.setEmulatedMedia", features=[])
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=False)
    try:
        drawn(browser, f"{demo}/why")
        assert browser.run(AUDIT) == []
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
    drawn(browser, f"{demo}/why")
    browser.run("document.querySelector('[name=to]').value = '14d'; document.querySelector('form button').click()")
    browser.until("location.search.includes('to=14d') && document.readyState === 'complete'")


def test_the_page_of_why_of_nothing(browser, nothing):
    text = drawn(browser, f"{nothing}/why")
    assert "Nothing was spent in either period" in text
    assert "$0" not in text


def test_own_assets_are_small():
    from dashboards import page

    assert sum(len(page.asset(name).encode()) for name in ("page.html", "page.css", "page.js")) < 60_000


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    with Service.open(parse({}), str(tmp_path_factory.mktemp("empty") / "store")) as service, serving(service) as url:
        yield url


@pytest.mark.parametrize("name", panel.NAMES)
def test_narrow_and_empty(browser, nothing, name):
    """Nothing imported: every panel says what to set up, at the width of a telephone, and nothing is drawn as 0."""
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=False)
    try:
        text = drawn(browser, f"{nothing}/{name}")
        assert browser.run(AUDIT) == []
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
    assert browser.run("document.querySelectorAll('.main-svg').length") == 0
    assert "$0" not in text
    words = {"overview": "breakeven init", "api": "breakeven import", "gpu": "declare [pools.NAME]", "workload": "No verdict yet",
             "health": "Nothing yet. Import a request log"}  # fmt: skip
    assert words[name] in text


def test_table_sort_links_and_the_address(browser, demo):
    """A chart's table has the API's figures; a header sorts; a choice goes into the address and back comes out of it."""
    drawn(browser, f"{demo}/overview?from=now-30d&to=now")
    browser.run("document.querySelector('#unit_cost .switch').click()")
    shown = browser.run(
        "[...document.querySelectorAll('#unit_cost tbody tr:first-child td')].map(td => td.textContent)"
    )
    query = browser.run("String(asked(document.getElementById('unit_cost')))")
    told = browser.run(f"fetch('/api/v1/panels/overview/unit_cost?{query}').then(r => r.json())")
    assert shown[0] == time.strftime("%Y-%m-%d", time.gmtime(told["columns"][0][0] / 1000))
    assert shown[1] == f"${told['columns'][1][0]:.3f}"
    assert browser.run("document.querySelector('#unit_cost .switch').getAttribute('aria-pressed')") == "true"
    browser.run("[...document.querySelectorAll('#verdicts th button')].find(b => b.textContent === 'Workload').click()")
    names = browser.run("[...document.querySelectorAll('#verdicts tbody tr td:first-child')].map(td => td.textContent)")
    assert names == sorted(names)
    assert browser.run("document.querySelector('#verdicts th').getAttribute('aria-sort')") == "ascending"
    browser.run("{ const s = document.getElementById('var-workload'); s.value = 'support-bot'; s.onchange(); }")
    browser.until("document.querySelectorAll('#verdicts tbody tr').length === 1")
    assert "var-workload=support-bot" in browser.run("location.search")
    browser.run("history.back()")
    browser.until("document.querySelectorAll('#verdicts tbody tr').length === 3")
    links = browser.run("[...document.querySelectorAll('#verdicts td a')].map(a => a.getAttribute('href'))")
    assert "/workload?from=now-30d&to=now&var-workload=support-bot" in links
    drawn(browser, f"{demo}/overview?from=now-30d&to=now&var-workload=support-bot&var-workload=contract-review")
    assert browser.run("document.querySelectorAll('#verdicts tbody tr').length") == 2


def test_by_keyboard(browser, demo):
    """The first stop skips to the figures; every control is reached in order, and Enter presses it."""
    drawn(browser, f"{demo}/gpu?from=now-7d&to=now")
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    stops = []
    for _ in range(40):
        browser.press("Tab")
        stops.append(browser.run("document.activeElement.id || document.activeElement.textContent"))
    for wanted in ("Overview", "range", "var-pool", "theme", "Table", "CSV"):
        assert wanted in stops, stops
    browser.run("document.querySelector('#used_share .switch').focus()")
    browser.press("Enter")
    browser.until("document.querySelector('#used_share table') !== null")


def test_cut_off_it_keeps_what_it_has(browser, demo):
    """Without network the figures stay, with a note; with it again, a retry takes the note away."""
    drawn(browser, f"{demo}/overview?from=now-30d&to=now")
    before = browser.run("document.querySelector('#spend_own .value').textContent")
    cut = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.call("Network.emulateNetworkConditions", offline=True, **cut)
    try:
        browser.run("refresh()")
        assert browser.run("document.querySelector('#spend_own .value').textContent") == before
        assert browser.run("document.querySelectorAll('#spend_own .error').length") == 1
    finally:
        browser.call("Network.emulateNetworkConditions", offline=False, **cut)
    browser.run("document.querySelector('#spend_own .failed button').click()")
    browser.until("document.querySelector('#spend_own .error') === null")


def test_without_the_chart_library_there_are_tables(browser, demo):
    browser.call("Network.setBlockedURLs", urls=["*plotly*"])
    try:
        browser.open(f"{demo}/overview?from=now-30d&to=now&")
        assert "The chart library is missing" in browser.run("document.body.innerText")
        assert browser.run("document.querySelectorAll('#unit_cost table').length") == 1
    finally:
        browser.call("Network.setBlockedURLs", urls=[])


def test_the_audit_finds_what_is_wrong(browser, demo):
    """Planted faults, each found: faint text, a button and an image without a name, a level left out, an id twice."""
    drawn(browser, f"{demo}/api?from=now-7d&to=now")
    browser.run("""document.querySelector('main').insertAdjacentHTML('beforeend', `
      <p style="color:#999;background:#fff">faint</p><button id="range"></button><div role="img">.</div><h2>a</h2><h4></h4><h1>b</h1><h3>c</h3>
      <th>loose</th><span tabindex="3">x</span><div role="img"></div><table><tr><th>no scope</th></tr></table>`)""")
    found = " ".join(browser.run(AUDIT))
    for fault in ("contrast 2.85: faint", "no name: <button", "no name: <div role", "heading jumps to H3: c", "id twice: range", "tabindex 3",
                  "th without a scope: no scope"):  # fmt: skip
        assert fault in found, (fault, found)
