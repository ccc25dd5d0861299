"""A real browser: headless Chromium, what it complains of, and what axe finds in a page."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from selenium import webdriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# What a browser says of a page that asks for something from elsewhere, or that is refused a script.
FAULTS = ("Content Security Policy", "ERR_", "Uncaught")
WIDE, NARROW = (1280, 1000), (390, 844)
_ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-sync",
              "--disable-dev-shm-usage", "--window-size=1400,1600")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def start(profile: Path) -> webdriver.Chrome:
    """Start one.

    :param profile: a folder for what it keeps
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))


def forget(browser: webdriver.Chrome) -> None:
    """Make it what it was at its start."""
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.get("about:blank")
    faults(browser)


def resize(browser: webdriver.Chrome, size: tuple[int, int], theme: str = "light") -> None:
    """Show pages at a size, in pixels, and in a theme: ``light`` or ``dark``."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
    # A colour that is on its way to another is neither.
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": theme},
        {"name": "prefers-reduced-motion", "value": "reduce"}]})


def faults(browser: Any) -> list[str]:
    """Return what it complained of since it was asked last."""
    return [line["message"] for line in browser.get_log("browser")
            if any(word in line["message"] for word in FAULTS)]


def overflow(browser: webdriver.Chrome) -> int:
    """Return by how many pixels the page is wider than the window."""
    return int(browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def axe(browser: webdriver.Chrome) -> list[str]:
    """Return what axe finds wrong with the page: WCAG 2.2 AA and its best practices."""
    found = find_spec("axe_playwright_python")
    assert found and found.origin
    script = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    browser.execute_script(script)
    told = browser.execute_async_script("""
        const [rules, done] = arguments;
        axe.run({runOnly: {type: "tag", values: rules}}).then((found) => done(found.violations.map(
            (one) => one.id + ": " + one.nodes.map((node) => node.target.join(" ")).join(", "))));
        """, _RULES)
    return [str(one) for one in told]
