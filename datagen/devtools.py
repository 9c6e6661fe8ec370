"""A client of Chromium's DevTools protocol over a pipe: it starts the browser, opens tabs, and answers what they request.

A pipe needs no port that others could reach, and no second process that passes messages on: a screen costs two of them, and each file that a page asks for two
more. (https://chromedevtools.github.io/devtools-protocol)
"""

import base64
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

# A file of a page: content type and bytes; None for what does not exist.
Answer = tuple[str, bytes] | None

PIPE_VARIABLE = "CONFINE_PIPE"
_PIPE_BYTES = 1 << 20
_FUNCTION = re.compile(r"\s*(?:async\b|function\b|\([^()]*\)\s*=>|[\w$]+\s*=>)")


class BrowserError(RuntimeError):
    """The browser or a page of it ended, or refused what it was asked."""


class DevTools:
    """A running browser. `command` is given more options, moves the two descriptors that PIPE_VARIABLE names to 3 and 4, and becomes Chromium (confine.py).

    BrowserError if it does not answer within `seconds`; what it wrote on its standard error is in the message.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], seconds: float = 60.0):
        self._profile = Path(tempfile.mkdtemp(prefix="screenry-profile-"))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (it is open as long as the browser runs)
        # Numbers from which they can be moved to the browser's own, 3 and 4, in any order.
        hears, self._writes = map(_moved_up, os.pipe())
        self._reads, says = map(_moved_up, os.pipe())
        for end in (self._writes, self._reads):
            with suppress(OSError):  # fewer turns for large messages; users may have a limit
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        options = [f"--user-data-dir={self._profile}", "--remote-debugging-pipe", "--no-startup-window"]
        self._process = subprocess.Popen(
            [*command, *options], env={**environment, PIPE_VARIABLE: f"{hears},{says}"}, pass_fds=(hears, says),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
            start_new_session=True,  # Ctrl-C in a terminal is for this process to decide on
        )  # fmt: skip
        os.close(hears)
        os.close(says)
        self._number, self._begun = 0, bytearray()
        self._awaited: int | None = None
        self._answer: dict[str, Any] = {}
        self._tabs: dict[str, Tab] = {}
        try:
            self.post("Browser.getVersion")
            if not select.select([self._reads], [], [], seconds)[0]:
                raise BrowserError(f"the browser did not answer within {seconds:.0f} s")
            self.version: str = self.send("Browser.getVersion")["product"].partition("/")[2]
            self._context = self.send("Target.createBrowserContext", {"disposeOnDetach": True})["browserContextId"]
            self.send("Browser.setDownloadBehavior", {"behavior": "deny", "browserContextId": self._context})
        except BrowserError as error:
            time.sleep(0.1)  # what it says as it ends
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace")
            self.close()
            raise BrowserError(f"{error}\n{said}") from None

    def close(self) -> None:
        """End the browser and remove its profile."""
        if self._process.poll() is None:
            with suppress(BrowserError):
                self.post("Browser.close")
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for end in (self._reads, self._writes):
            with suppress(OSError):
                os.close(end)
        self._errors.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def tab(self, answer: Callable[[str], Answer] | None = None) -> "Tab":
        """A new tab. `answer` is asked for each address that its page requests; without it nothing exists."""
        target = self.send("Target.createTarget", {"url": "about:blank", "browserContextId": self._context})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = self._tabs[session] = Tab(self, session, target, answer or (lambda address: None))
        tab.open()
        return tab

    def forget(self, session: str) -> None:
        """No more is expected of a tab."""
        self._tabs.pop(session, None)

    def send(self, method: str, parameters: Mapping[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """The browser's answer to a command; what pages request meanwhile is answered. BrowserError if it refuses, or ends."""
        self._awaited = self.post(method, parameters, session)
        while self._awaited is not None:
            self._listen()
            if session and (tab := self._tabs.get(session)) and tab.problem:
                raise BrowserError(tab.problem)
        if "error" in self._answer:
            raise BrowserError(f"{method}: {self._answer['error']['message']}")
        result: dict[str, Any] = self._answer["result"]
        return result

    def post(self, method: str, parameters: Mapping[str, Any] | None = None, session: str | None = None) -> int:
        """Send a command without waiting for the answer. Returns its number."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        left = memoryview(json.dumps(message).encode() + b"\0")
        try:
            while left:
                left = left[os.write(self._writes, left) :]
        except OSError:
            raise BrowserError("the browser has closed") from None
        return self._number

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Listen to the browser until something is so. False if it is not so in time."""
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._reads], [], [], left)[0]:
                self._listen()
        return True

    def _listen(self) -> None:
        """Wait for messages, and see to them."""
        data = os.read(self._reads, _PIPE_BYTES)
        if not data:
            raise BrowserError("the browser has closed")
        *whole, rest = data.split(b"\0")
        if whole:
            whole[0] = bytes(self._begun) + whole[0]
            self._begun = bytearray()
        self._begun += rest
        for text in whole:
            self._see(json.loads(text))

    def _see(self, message: dict[str, Any]) -> None:
        if "id" in message:
            if message["id"] == self._awaited:
                self._awaited, self._answer = None, message
        elif tab := self._tabs.get(message.get("sessionId") or message.get("params", {}).get("sessionId", "")):
            tab.see(message["method"], message["params"])


class Tab:
    """A tab and its page. `send` speaks the protocol, `evaluate` runs scripts."""

    def __init__(self, browser: DevTools, session: str, target: str, answer: Callable[[str], Answer]):
        self.problem = ""
        self._browser, self._session, self._target, self._answer = browser, session, target, answer
        self._loaded = False

    def open(self) -> None:
        """Settings of every tab: nothing but what `answer` gives, the look of a desktop whose user has chosen nothing."""
        self.send("Page.enable")
        self.send("Inspector.enable")
        self.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
        self.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        self.send("Page.setFontFamilies", {"fontFamilies": _FAMILIES})
        features = {
            "prefers-color-scheme": "light",
            "prefers-reduced-motion": "no-preference",
            "forced-colors": "none",
            "prefers-contrast": "no-preference",
        }
        self.send("Emulation.setEmulatedMedia", {"media": "", "features": [{"name": name, "value": value} for name, value in features.items()]})

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", {"targetId": self._target})
        self._browser.forget(self._session)

    def goto(self, address: str, seconds: float = 60.0) -> None:
        """Load a page. BrowserError if it does not come."""
        self._loaded = False
        result = self.send("Page.navigate", {"url": address})
        if result.get("errorText"):
            raise BrowserError(f"{address} does not load: {result['errorText']}")
        if not self._browser.wait(seconds, lambda: self._loaded or bool(self.problem)) or self.problem:
            raise BrowserError(self.problem or f"{address} does not load within {seconds:.0f} s")

    def send(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a command of the protocol."""
        return self._browser.send(method, parameters, self._session)

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """The value of an expression, or of a function called with `argument`; of a promise, what it is kept with. BrowserError with the script's own error."""
        expression = f"({script}\n)({json.dumps(argument)})" if _FUNCTION.match(script) else script
        answer = self.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True})
        if told := answer.get("exceptionDetails"):
            raise BrowserError(told.get("exception", {}).get("description") or told.get("exception", {}).get("value") or told["text"])
        return answer["result"].get("value")

    def see(self, event: str, what: dict[str, Any]) -> None:
        """What the browser tells of this tab."""
        if event == "Fetch.requestPaused":
            self._fulfil(what["requestId"], what["request"]["url"])
        elif event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Inspector.targetCrashed":
            self.problem = "the page has crashed"
        elif event in ("Inspector.detached", "Target.detachedFromTarget"):
            self.problem = self.problem or "the page has closed"
        elif event == "Page.javascriptDialogOpening":
            self._browser.post("Page.handleJavaScriptDialog", {"accept": False}, self._session)

    def _fulfil(self, request: str, address: str) -> None:
        found = self._answer(address)
        if found is None:
            self._browser.post("Fetch.failRequest", {"requestId": request, "errorReason": "Aborted"}, self._session)
            return
        kind, body = found
        headers = [{"name": "content-type", "value": kind}, {"name": "content-length", "value": str(len(body))}]
        reply = {"requestId": request, "responseCode": 200, "responseHeaders": headers, "body": base64.b64encode(body).decode()}
        self._browser.post("Fetch.fulfillRequest", reply, self._session)


def _moved_up(descriptor: int) -> int:
    """The same file under a number from 10 on."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


# What generic names mean where no style sheet says otherwise.
_FAMILIES = {
    "standard": "Times New Roman", "fixed": "Monospace", "serif": "Times New Roman", "sansSerif": "Arial", "cursive": "Comic Sans MS", "fantasy": "Impact",
}  # fmt: skip
