"""Serves a console over real HTTP, beside a simulated Clientary, to clients that act as browsers.

with stage(tmp_path) as ground:
    admin = ground.browser("admin")
    page = admin.open("/connect")
    done = page.send({"name": "books", "subdomain": "acme"}, button=("step", "test"))
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urljoin

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from clientary_connector import Call, Connector, Result, Secret, Settings, Terms
from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.frontends.console.desk import Desk
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from clientary_connector.states import create_state
from clientary_connector.wiring import open_connector

T = TypeVar("T")

NAME: Final = "books"
PERSONA: Final = "bookkeeper"
USER: Final = "maria"
PROMPT: Final = "Do the books, please."


@dataclass(frozen=True, slots=True)
class PageForm:
    """A form as it stands on a page: where it goes, and what it holds before somebody types."""

    action: str
    method: str
    fields: tuple[tuple[str, str], ...]
    #: The buttons that have a name.
    buttons: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Page:
    """One page that a browser shows."""

    browser: Browser
    response: httpx.Response
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        """Reads the page."""
        self._reader = Reader()
        self._reader.feed(self.response.text)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def html(self) -> str:
        """The page as it was sent."""
        return self.response.text

    @property
    def text(self) -> str:
        """What a person reads of it, with single spaces."""
        return " ".join("".join(self._reader.words).split())

    @property
    def forms(self) -> Sequence[PageForm]:
        """The forms of the page itself, without those in the bar above it."""
        return [form for form in self._reader.forms if not form.action.endswith(BAR)]

    @property
    def all_forms(self) -> Sequence[PageForm]:
        """The forms of the page, with those in the bar above it."""
        return self._reader.forms

    @property
    def links(self) -> Sequence[str]:
        """Where its links lead."""
        return self._reader.links

    def form(self, action: str = "") -> PageForm:
        """Returns the first form whose address ends so."""
        return next(form for form in self.forms if form.action.endswith(action))

    def send(
        self,
        values: Mapping[str, str | Sequence[str]] | None = None,
        *,
        action: str = "",
        button: tuple[str, str] | None = None,
        follow: bool = True,
    ) -> Page:
        """Sends a form as a browser does: what stands in it, what was typed, the button pressed.

        `action` chooses the form by the end of its address. A list of values stands for boxes
        that are ticked. A redirect is followed.
        """
        form = self.form(action)
        typed = dict(values or {})
        fields = [(name, value) for name, value in form.fields if name not in typed]
        for name, value in typed.items():
            many = [value] if isinstance(value, str) else value
            fields += [(name, one) for one in many]
        fields += [button] if button else []
        address = urljoin(str(self.response.url), form.action)
        return self.browser.post(address, fields, follow=follow)

    def follow(self, end: str) -> Page:
        """Opens the first link whose address ends so."""
        return self.browser.open(next(link for link in self.links if link.endswith(end)))


class Browser:
    """A client that keeps cookies, says where it comes from, and sends forms from pages."""

    def __init__(self, url: str, root: str = "") -> None:
        """Takes where the console is served, and under which path."""
        self.url = url
        self.root = root
        self.client = httpx.Client(
            base_url=url,
            timeout=30,
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback; spares loading certificates
        )

    def open(self, path: str, *, follow: bool = True, **query: str) -> Page:
        """Opens a page by its path under the console, or by a whole path that a link had."""
        whole = path if path.startswith(("http", f"{self.root}/")) else f"{self.root}{path}"
        response = self.client.get(whole, params=query or None, follow_redirects=follow)
        return Page(self, response)

    def post(self, address: str, fields: Sequence[tuple[str, str]], *, follow: bool = True) -> Page:
        """Sends fields, as a browser does from a page of the same site."""
        pairs: dict[str, list[str]] = {}
        for name, value in fields:
            pairs.setdefault(name, []).append(value)
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        response = self.client.post(address, data=pairs, headers=headers, follow_redirects=follow)
        return Page(self, response)

    def close(self) -> None:
        """Lets go of its lines."""
        self.client.close()


@dataclass(slots=True, kw_only=True)
class Ground:
    """A console that is served, the connector behind it, and the simulated account."""

    url: str
    app: Starlette
    connector: Connector
    sandbox: RunningSandbox
    root: str = ""
    _browsers: list[Browser] = field(default_factory=list[Browser])

    @property
    def desk(self) -> Desk:
        """What the pages work with."""
        return cast("Desk", self.app.state.desk)

    def browser(self, role: Role | str | None = None, *, name: str = USER) -> Browser:
        """Returns a browser; with a role it is signed in, by a one-time link."""
        browser = Browser(self.url, self.root)
        self._browsers.append(browser)
        if role is not None:
            token = self.desk.links.make(Person(name, Role(role)))
            assert browser.open(f"/sign-in/{token}").status == 200
        return browser

    def at(self, path: str) -> str:
        """Returns the whole address of a page."""
        return f"{self.url}{self.root}{path}"

    def close(self) -> None:
        """Closes the browsers."""
        for browser in self._browsers:
            browser.close()

    def run(self, work: Awaitable[T]) -> T:
        """Runs a coroutine of the connector to its end."""

        async def awaited() -> T:
            return await work

        # In a thread of its own: the one of a test may be driving a browser, on a loop too.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, awaited()).result()

    def join(
        self, *, name: str = NAME, persona: str = PERSONA, scopes: Sequence[str] = ("*:*",)
    ) -> None:
        """Connects the simulated account, and lets a persona do everything without being asked."""
        with Secret(self.sandbox.key) as secret:
            self.run(
                self.connector.connect(name, secret=secret, user=USER, sandbox=self.sandbox.url)
            )
        terms = Terms(approve="never")
        self.connector.grant(persona, name, scopes=scopes, user=USER, terms=terms)

    def call(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        **other: Any,  # noqa: ANN401 - the fields of a call
    ) -> Result:
        """Runs a call by the usual user and persona, for the usual prompt."""
        usual = Call(
            action=action,
            arguments=arguments or {},
            connection=NAME,
            user=USER,
            persona=PERSONA,
            prompt=PROMPT,
        )
        return self.connector.run_sync(replace(usual, **other))


@contextmanager
def stage(
    folder: Path,
    *,
    settings: Settings | None = None,
    make: Callable[[Connector], Starlette] = console,
    mount: Callable[[Starlette], ASGIApp] | None = None,
    root: str = "",
) -> Generator[Ground]:
    """Serves a console over a fresh state for the length of the block.

    `make` makes the console of a connector, by default one that signs people in itself; `mount`
    puts it into a host's application, under the path `root`.
    """
    with ExitStack() as stack:
        sandbox = stack.enter_context(serve(Sandbox()))
        create_state(folder / "state", settings=Settings())
        chosen = settings or Settings()
        connector = stack.enter_context(open_connector(folder / "state", settings=chosen))
        app = make(connector)
        url = stack.enter_context(served(app if mount is None else mount(app)))
        ground = Ground(url=url, app=app, connector=connector, sandbox=sandbox, root=root)
        stack.callback(ground.close)
        yield ground


@contextmanager
def served(app: ASGIApp) -> Generator[str]:
    """Serves an application on a free port of loopback; gives its URL."""
    server = _Server(uvicorn.Config(app, port=0, ws="none", lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, name="console", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401 - as the library has it
        await super().startup(sockets)
        self.ready.set()


#: Where the forms of the bar above every page go.
BAR: Final = ("/theme", "/sign-out")


class Reader(HTMLParser):
    """Reads from a page what a browser would act on: words, links and forms."""

    def __init__(self) -> None:
        """Begins with nothing read."""
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[PageForm] = []
        self._form: dict[str, Any] | None = None
        self._select = ""
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes in the beginning of an element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            action, method = given.get("action", ""), given.get("method", "get")
            self._form = {"action": action, "method": method, "fields": [], "buttons": []}
        elif self._form is not None:
            self._control(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Takes in the end of an element."""
        if tag == "form" and self._form is not None:
            form = self._form
            self.forms.append(
                PageForm(
                    form["action"], form["method"], tuple(form["fields"]), tuple(form["buttons"])
                )
            )
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area is not None and self._form is not None:
            name, words = self._area
            self._form["fields"].append((name, "".join(words).removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        """Takes in words."""
        self.words.append(data)
        if self._area is not None:
            self._area[1].append(data)

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        assert self._form is not None
        name, value = given.get("name", ""), given.get("value", "")
        if "disabled" in given:
            return
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._choose(value, chosen="selected" in given)
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "button" and name:
            self._form["buttons"].append((name, value))
        elif tag == "input" and name:
            ticks = given.get("type") in {"checkbox", "radio"}
            if not ticks or "checked" in given:
                self._form["fields"].append((name, value or ("on" if ticks else "")))

    def _choose(self, value: str, *, chosen: bool) -> None:
        assert self._form is not None
        fields: list[tuple[str, str]] = self._form["fields"]
        has = any(name == self._select for name, _ in fields)
        if chosen and has:
            fields[:] = [one for one in fields if one[0] != self._select]
        if chosen or not has:
            fields.append((self._select, value))
