"""A page on this computer: drop a screenshot, see its elements, and ask for one in words.

    python -m evaluation.demo                                       http://127.0.0.1:8765, the detector of artifacts/train_detector
    python -m evaluation.demo --tiles 64 --model models/detector/v3/model
    python -m evaluation.demo --grounder artifacts/tune_grounder    with a search in words; by default where that folder is

Nothing leaves the computer: the page loads nothing from elsewhere, and the server answers 127.0.0.1 alone. Pictures are not kept.
"""

import argparse
import base64
import io
import json
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from contracts.errors import InputError, run_command
from evaluation.predict import add_model_options, device

if TYPE_CHECKING:
    from evaluation.screenshots import Screenshot

PAGE = Path(__file__).with_name("demo.html")
HOST = "127.0.0.1"
MAX_BYTES = 64_000_000
"""Larger files are refused unread: a PNG of the most pixels that are taken is smaller."""
MAX_COMMAND = 500
# The page draws on a picture of at most this width; boxes are in pixels of the screenshot whatever it is.
_PICTURE_WIDTH_PX = 1920
# The page's slider begins here; what is found below it is not sent.
_LOWEST_SCORE = 0.05


def main() -> None:
    options = _options()
    finder = Finder(options)
    with serve(finder, options.port) as server:
        print(
            f"http://{HOST}:{server.server_address[1]}  ({finder.about['model']}{', search in words' if finder.about['grounder'] else ''}); Ctrl-C ends it",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)


class Finder:
    """The models, loaded once; one picture at a time. `about` is what the page says of them."""

    def __init__(self, options: argparse.Namespace):
        from training.models.detector import Detector

        options.threshold = _LOWEST_SCORE
        self._options, self._lock = options, threading.Lock()
        self._detector = Detector.from_pretrained(options.model).to(device(options.device)).eval()
        self._grounder: Any = None
        grounder = options.grounder or _DEFAULT_GROUNDER if (options.grounder or (_DEFAULT_GROUNDER / "run.json").is_file()) else None
        if grounder is not None:
            self._grounder = _load_grounder(grounder, options)
        self.about = {
            "model": str(options.model),
            "grounder": None if grounder is None else str(grounder),
            "lowest": _LOWEST_SCORE,
            "max_pixels": options.max_pixels,
        }

    def elements(self, data: bytes, name: str) -> dict[str, Any]:
        """What is on a picture, as evaluation.predict's `json` says it, with the `picture` as the model saw it (a data URI). InputError if it cannot be read."""
        from evaluation.predict import elements, find_elements

        with self._lock:
            shot = self._read(data, name)
            found = find_elements(self._detector, shot.image, self._options)
        image = shot.image
        return {
            "name": name, "width": image.width, "height": image.height, "notes": list(shot.notes), "picture": _data_uri(image),
            "elements": elements(self._detector.config.class_names, found),
        }  # fmt: skip

    def place(self, data: bytes, name: str, command: str) -> dict[str, Any]:
        """Where a command points: `point` (x, y) and `box` (xyxy) in pixels, None if the `answer` names none. InputError for what cannot be read or asked."""
        from evaluation.asking import Question, ask
        from training.grounding.answers import parse_answer
        from training.grounding.coordinates import SCALE

        if self._grounder is None:
            raise InputError("is not loaded.", field="grounder", fix="Train one (`dvc repro tune_grounder`) and start the demo again.")
        if not 0 < len(command.strip()) <= MAX_COMMAND:
            raise InputError(
                "is no command.", field="command", found=f"{len(command)} characters", fix=f"Say in 1 to {MAX_COMMAND} characters what to find."
            )
        model, processor, protocol, kind = self._grounder
        with self._lock:
            shot = self._read(data, name)
            (text,) = ask(model, processor, [Question(protocol.prompt(command.strip(), *kind), lambda: shot.image)], protocol, micro_batch=1)
        answer = parse_answer(text)
        size = (shot.image.width / SCALE, shot.image.height / SCALE)
        point = answer.point and [round(value * size[n % 2], 1) for n, value in enumerate(answer.point)]
        box = answer.box and [round(value * size[n % 2], 1) for n, value in enumerate(answer.box)]
        return {"command": command, "answer": text, "point": point, "box": box, "problem": answer.problem}

    def _read(self, data: bytes, name: str) -> "Screenshot":
        from evaluation.screenshots import decode_screenshot

        return decode_screenshot(data, name, self._options.max_pixels)


_DEFAULT_GROUNDER = Path("artifacts/tune_grounder")


def _load_grounder(folder: Path, options: argparse.Namespace) -> tuple[Any, Any, Any, Any]:
    """Model, processor, protocol and how it answers, as its stage packed the conversations that it learned from."""
    from evaluation.asking import read_protocol
    from training.grounding.dataset import read_index
    from training.models.grounder import load_grounder

    index = read_index(options.grounding_pack)
    if index.answer_format is None or index.geometry is None:
        raise InputError(
            "does not say how answers are written.", file=options.grounding_pack / "index.json", fix="Run `dvc repro --force pack_grounding`."
        )
    return *load_grounder(folder, device=device(options.device)), read_protocol(options.protocol), (index.answer_format, index.geometry)


def serve(finder: Finder, port: int) -> ThreadingHTTPServer:
    """The server, bound and not yet serving; port 0 takes a free one. InputError if the port is taken."""
    handler = type("Handler", (_Handler,), {"finder": finder})
    try:
        return ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        raise InputError(
            f"cannot be used: {error.strerror}.", field="--port", found=port, fix="Choose another one, or 0 for any that is free."
        ) from None


class _Handler(BaseHTTPRequestHandler):
    """GET / and /about; POST /elements and /place?command=..., with a picture's bytes as body and its name in the header X-Name."""

    finder: Finder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._is_ours():
            return
        if self.path == "/":
            self._send(HTTPStatus.OK, PAGE.read_bytes(), "text/html; charset=utf-8")
        elif self.path == "/about":
            self._json(HTTPStatus.OK, self.finder.about)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def do_POST(self) -> None:
        if not self._is_ours():
            return
        url = urlsplit(self.path)
        answers: dict[str, Callable[[bytes, str], dict[str, Any]]] = {
            "/elements": self.finder.elements,
            "/place": lambda data, name: self.finder.place(data, name, parse_qs(url.query).get("command", [""])[0]),
        }
        length = self.headers.get("Content-Length", "")
        if url.path not in answers or not length.isdigit():
            self._refuse(HTTPStatus.NOT_FOUND if url.path not in answers else HTTPStatus.LENGTH_REQUIRED, "There is no such request.")
        elif int(length) > MAX_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The file has {int(length):,} bytes; at most {MAX_BYTES:,} are taken.")
        else:
            name = unquote(self.headers.get("X-Name", "")) or "the picture"
            try:
                self._json(HTTPStatus.OK, answers[url.path](self.rfile.read(int(length)), name))
            except InputError as error:
                self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def _is_ours(self) -> bool:
        """Only pages of this server may ask: another site's could otherwise reach it under a name of its own (DNS rebinding)."""
        port = self.server.server_address[1]
        own = {f"{host}:{port}" for host in (HOST, "localhost")}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") in own and (origin is None or origin in {f"http://{host}" for host in own}):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "Open the page under the address that the demo printed.")
        return False

    def _refuse(self, status: HTTPStatus, problem: str) -> None:
        self.close_connection = True  # a body may be left unread
        self._json(status, {"problem": problem})

    def _json(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'",
            ),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Not a line for every request."""


def _data_uri(image: Any) -> str:
    if image.width > _PICTURE_WIDTH_PX:
        image = image.resize((_PICTURE_WIDTH_PX, max(1, round(image.height * _PICTURE_WIDTH_PX / image.width))))
    data = io.BytesIO()
    image.save(data, "WEBP" if max(image.size) <= 16_383 else "PNG", quality=85)  # WebP has no larger sides
    return f"data:image/{'webp' if max(image.size) <= 16_383 else 'png'};base64,{base64.b64encode(data.getvalue()).decode()}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8765, metavar="N", help="0: any that is free (default: %(default)s)")
    add_model_options(parser)
    parser.add_argument("--grounder", type=Path, metavar="DIR", help=f"a grounder's folder (default: {_DEFAULT_GROUNDER}, if it is there)")
    parser.add_argument(
        "--grounding-pack", type=Path, default=Path("artifacts/pack_grounding"), metavar="DIR",
        help="the conversations that it learned from, which say how it answers (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--protocol", default="grounding-v1", metavar="NAME", help="the words in which it is asked (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
