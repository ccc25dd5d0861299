#!/usr/bin/env python3
"""Take the pictures of docs/pictures from a running service: ``scripts/take_pictures.py [URL]``.

Makes a tenant with the example data, shows it to a headless Chromium, and deletes it. The service
is at http://localhost:5000 unless it is named, and must be open to this machine.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

from selenium import webdriver
from selenium.webdriver.common.by import By

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import flexdb.client as fx  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}


def browser(theme: str) -> webdriver.Chrome:
    """Return a Chromium that shows pages in a theme: ``light`` or ``dark``."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(
        shutil.which("chromedriver")))
    found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
    found.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": theme}]})
    return found


def take(theme: str, name: str, url: str, seen: str) -> None:
    """Take a picture of a page, once it is still.

    :param seen: a selector of CSS of what must be there
    """
    shown = browser(theme)
    try:
        shown.get(url)
        until = time.monotonic() + 30
        before = b""
        while time.monotonic() < until:
            time.sleep(1)
            picture = shown.get_screenshot_as_png()
            if picture == before and shown.find_elements(By.CSS_SELECTOR, seen):
                break
            before = picture
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / name).write_bytes(picture)
        print(PICTURES / name)
    finally:
        shown.quit()


def main(url: str) -> None:
    """Take both pictures."""
    with fx.connect(url) as db:
        tenant = db.create_tenant(slug="packages-to-look-at", name="Packages")["id"]
        try:
            console = f"{url}/console/t/{tenant}"
            with urlopen(Request(f"{console}/example", method="POST", data=b"")):
                pass
            kind = db.get_node_type(tenant_id=tenant, name="Package")["id"]
            (start,) = db.list_nodes(tenant_id=tenant, filter={
                "node_type_id": kind, "data.name": "webwright"})["nodes"]
            take("light", "console-records.png", f"{console}/types/{kind}", "tbody tr")
            take("dark", "console-graph.png", f"{console}/graph?start={start['id']}&depth=2",
                 "svg [data-id], svg g")
        finally:
            db.delete_tenant(id=tenant)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") if sys.argv[1:] else "http://localhost:5000")
