"""The watcher's page in a headless Chromium."""

import contextlib

from selenium import webdriver

from cluster import wait_for

WIDE, PHONE = (1280, 900), (390, 844)
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"


@contextlib.contextmanager
def browser(*arguments):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver")
                              if hasattr(webdriver, "ChromeService") else None)
    try:
        yield driver
    finally:
        driver.quit()


def open_page(driver, watcher, size=WIDE):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1],
                                                                   "deviceScaleFactor": 1, "mobile": False})
    driver.get(f"http://{watcher.address}/")


def text_of(driver, selector="body"):
    # In one step: what is found by a first one may be replaced before the second.
    return driver.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('\\n')",
                                 selector)


def await_text(driver, text, selector="body", within=20):
    try:
        wait_for(lambda: text in text_of(driver, selector), within, f"\"{text}\" in {selector}", every=0.1)
    except TimeoutError as error:
        raise TimeoutError(f"{error}; there is: {text_of(driver, selector)}") from None


def await_fresh_figures(driver):
    # Not by the age that is shown: of figures as old as the last ones it is the same.
    seen = driver.execute_script("return lastAt")
    wait_for(lambda: driver.execute_script("return lastAt") != seen, what="fresh figures")


def press(driver, *keys):
    """To whatever has the focus by then."""
    for key in keys:
        webdriver.ActionChains(driver).send_keys(key).perform()


def overflow(driver):
    """What is wider than the window, or cut off by it."""
    return driver.execute_script("""
        const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
        return wide.concat([...document.querySelectorAll("body *")].filter(element => {
          const box = element.getBoundingClientRect();
          // What is there to be heard only is a pixel.
          return !element.closest(".spoken, thead") && box.width > 1 && (box.right > innerWidth + 0.5 || box.left < -0.5);
        }).map(element => `${element.tagName} ${element.className.baseVal ?? element.className}: ${element.textContent}`));""")


def complaints(driver):
    """What went wrong in the page, of itself."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
