"""A headless Chromium, and what every page must hold to."""

import base64
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from vsara import Case

PLACE = Path(os.environ.get("VSARA_BROWSER", "target/browser")).resolve()
AXE = (PLACE / "axe/node_modules/axe-core/axe.min.js").read_text()
WAIT_S = 15
DESKTOP, PHONE = (1280, 900), (390, 844)

# Every control has a name that a screen reader can say.
UNNAMED = """
return [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter(control =>
    !control.hidden && !(control.labels && control.labels.length) && !control.getAttribute("aria-label")
    && !control.getAttribute("aria-labelledby") && !control.textContent.trim()).map(control => control.outerHTML)
"""
AXE_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(
    result => done(result.violations.map(violation =>
        violation.id + ": " + violation.help + " " + violation.nodes.map(node => node.html).slice(0, 3).join(" | "))),
    error => done(["axe failed: " + error]));
"""


class Browser:
    """One window; `browser.path("/things")` opens a page of the console."""

    def __init__(self, url, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        # No sandbox within a sandbox; a small /dev/shm; and nothing that Chromium would fetch for itself.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--disable-background-networking", "--disable-component-update", "--no-first-run",
                         "--hide-scrollbars", "--force-device-scale-factor=1"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options, service)
        self.driver.set_page_load_timeout(WAIT_S)
        self.driver.set_script_timeout(WAIT_S)
        self.url = url.rstrip("/")
        self.look(DESKTOP, dark)

    def look(self, size, dark=False):
        """As on a screen of this size, light or dark."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})

    def path(self, path):
        self.driver.get(self.url + path)

    def find(self, css):
        return WebDriverWait(self.driver, WAIT_S).until(lambda driver: driver.find_element(By.CSS_SELECTOR, css))

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def click(self, css):
        self.find(css).click()

    def submit(self, css):
        """Clicks something that leads to a page; gives its text."""
        old = self.find("html")
        self.find(css).click()
        WebDriverWait(self.driver, WAIT_S).until(lambda _: is_gone(old))
        return self.text()

    def fill(self, **fields):
        for name, text in fields.items():
            field = self.find(f"main :is(input, select, textarea)[name={name}]:not([type=hidden])")
            if field.tag_name == "select":
                Select(field).select_by_value(text)
            elif field.get_attribute("type") == "checkbox":
                if field.is_selected() != bool(text):
                    field.click()
            else:
                field.clear()
                field.send_keys(text)

    def text(self):
        return self.find("main").text

    def wait_for(self, text):
        """Waits until the page says this; one page may give way to the next meanwhile."""
        wait = WebDriverWait(self.driver, WAIT_S, ignored_exceptions=[StaleElementReferenceException])
        wait.until(lambda _: text in self.text(), f"the page never said {text!r}")

    def keys(self, *keys):
        """Types wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, what):
        """Presses Tab until the focus is on something; `what` is a CSS selector."""
        for _ in range(80):
            self.keys(Keys.TAB)
            if self.driver.execute_script("return document.activeElement.matches(arguments[0])", what):
                return
        raise AssertionError(f"no way by Tab to {what}")

    def screenshot(self, name):
        """The whole page."""
        folder = PLACE / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 4000), "scale": 1}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """What Chromium's console says since the last time, and what was asked of anybody else."""
        logged = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" != self.url and not url.startswith(("data:", "chrome")):
                    logged.append(f"a request elsewhere: {url}")
        return logged

    def barriers(self):
        """What keeps people from using the page: unnamed controls, a page too wide, what axe finds."""
        found = [f"no name: {control}" for control in self.driver.execute_script(UNNAMED)]
        wide = self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append(f"{wide} px wider than the screen")
        self.driver.execute_script(AXE)
        return found + self.driver.execute_async_script(AXE_RUN)

    def quit(self):
        self.driver.quit()


class ConsoleCase(Case):
    """A server, and a browser that looks at its console."""

    def browser(self, program, **options):
        console = program.ready["console"]
        browser = Browser(console.partition("/?")[0], **options)
        self.addCleanup(browser.quit)
        return browser

    def signed_in(self, program, domain=None, company="Acme Pumps", **options):
        """A browser that has come with the token, and has registered a domain where one is named."""
        browser = self.browser(program, **options)
        browser.driver.get(program.ready["console"])
        if domain:
            browser.fill(company=company, name=domain)
            browser.submit("form.card button")
        else:
            browser.submit("button[name=open][value=default]")
        return browser

    def assert_fine(self, browser, what):
        """No barrier on this page, and nothing in the browser's console."""
        self.assertEqual(browser.barriers(), [], what)
        self.assertEqual(browser.complaints(), [], what)

    def assert_look(self, browser, name, complaints=True):
        """Looks at a page on a desk and on a phone, light and dark."""
        for size, place in ((PHONE, "phone"), (DESKTOP, "desktop")):
            for dark in (True, False):
                browser.look(size, dark)
                browser.screenshot(f"{name}-{place}-{'dark' if dark else 'light'}")
                self.assertEqual(browser.barriers(), [], f"{name} {place} dark={dark}")
        if complaints:
            self.assertEqual(browser.complaints(), [], name)
        else:
            # Chromium notes a 401 itself.
            browser.complaints()


def is_gone(element):
    try:
        element.is_enabled()
        return False
    except WebDriverException as error:
        # Between two documents the driver sometimes says so in other words than for a stale element.
        if isinstance(error, StaleElementReferenceException) or "does not belong to the document" in str(error):
            return True
        raise
