"""The web application: Elexon's paths under its base path, and the stand-in's own under `/_standin/`."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from reingest.clock import utc_now
from reingest.errors import ReingestError
from reingest.standin.answers import Answers
from reingest.standin.asked import BASE_PATH, COUNTED, PATHS, Asked, Dataset, understand
from reingest.standin.control import CONTROL_PATH, RestateRequest, WarmRequest, parsed, warm
from reingest.standin.faults.delivery import deliver_badly
from reingest.standin.faults.rules import FaultRule, FaultScript, script_from
from reingest.standin.fleet import chance
from reingest.standin.journal import Journal
from reingest.standin.reply import Reply, bad_request, json_reply, not_found
from reingest.standin.spoiling import Spoiled, spoil

_NOT_FOUND: Final = 404
_NO_STATUS: Final = frozenset({"reset_before_headers", "close_before_headers", "not_http", "hang"})


class BadDelivery(Response):
    """A response that a delivery fault spoils on its way to the client."""

    def __init__(self, request: Request, reply: Reply, rule: FaultRule) -> None:
        """Prepare to send the reply as the rule's fault does."""
        super().__init__()
        self._request = request
        self._reply = reply
        self._rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write to the connection itself, and send nothing through ASGI."""
        del scope, receive, send
        await deliver_badly(self._request, self._reply, self._rule)


class StandInApp:
    """The endpoints, over the answers, the fault script and the journal of one stand-in."""

    def __init__(self, answers: Answers, script: FaultScript, *, latency: float = 0.0) -> None:
        """Answer, with at least `latency` seconds from a request to the first byte of its answer."""
        self.answers = answers
        self.script = script
        self.latency = latency
        self.journal = Journal()

    def starlette(self) -> Starlette:
        """Return the web application."""
        elexon = [Route(BASE_PATH + path, partial(self.elexon, dataset)) for path, dataset in PATHS.items()]
        own = [
            Route(f"{CONTROL_PATH}/requests", self.requests),
            Route(f"{CONTROL_PATH}/restate", self.restate, methods=["POST"]),
            Route(f"{CONTROL_PATH}/faults", self.replace_faults, methods=["PUT"]),
            Route(f"{CONTROL_PATH}/reset", self.reset, methods=["POST"]),
            Route(f"{CONTROL_PATH}/warm", self.warm, methods=["POST"]),
        ]
        handlers = {HTTPException: _http_error, ReingestError: _refused}
        app = Starlette(routes=[*elexon, *own], exception_handlers=handlers)
        # A path with a slash too many is a wrong path, as it is at Elexon's gateway.
        app.router.redirect_slashes = False
        return app

    async def elexon(self, dataset: Dataset, request: Request) -> Response:
        """Answer one of Elexon's paths."""
        arrived, due = utc_now(), asyncio.get_running_loop().time() + self.latency
        if request.path_params.get("counted", COUNTED[0]) not in COUNTED:
            return _response(request, not_found())
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["path"].removeprefix(BASE_PATH) + (f"?{query}" if query else "")
        attempt = self.journal.attempt(path)
        spoiled = self._answer(dataset, request, attempt)
        await asyncio.sleep(due + spoiled.delay - asyncio.get_running_loop().time())
        if spoiled.delivery is not None:
            status = 0 if spoiled.delivery.kind in _NO_STATUS else spoiled.reply.status
            self.journal.note(path, attempt, status, spoiled.struck, at=arrived)
            return BadDelivery(request, spoiled.reply, spoiled.delivery)
        self.journal.note(path, attempt, spoiled.reply.status, spoiled.struck, at=arrived)
        return _response(request, spoiled.reply)

    async def requests(self, _request: Request) -> Response:
        """Tell what was asked."""
        return JSONResponse(self.journal.as_dict())

    async def restate(self, request: Request) -> Response:
        """Change what is published of a date."""
        change = parsed(RestateRequest, await request.body()).restatement()
        periods = self.answers.publication.restate(change)
        return JSONResponse({"settlement_date": change.settlement_date.isoformat(), "periods": periods})

    async def replace_faults(self, request: Request) -> Response:
        """Replace the fault script; its counts begin anew."""
        self.script = script_from(await request.body(), "the body")
        return JSONResponse({"rules": len(self.script.rules)})

    async def reset(self, _request: Request) -> Response:
        """Forget what was asked."""
        self.journal.forget()
        return JSONResponse({})

    async def warm(self, request: Request) -> Response:
        """Make all answers of a date beforehand."""
        return JSONResponse({"answers": warm(self.answers, parsed(WarmRequest, await request.body()))})

    def _answer(self, dataset: Dataset, request: Request, attempt: int) -> Spoiled:
        try:
            asked = understand(dataset, request.path_params, request.query_params.multi_items())
        except ReingestError as error:
            return _unspoiled(bad_request(str(error)))
        rules = self.script.strike(asked, attempt) if self.script.rules else ()
        try:
            return self._spoiled(asked, rules, attempt)
        except ReingestError as error:
            return _unspoiled(json_reply(500, error.as_dict()))

    def _spoiled(self, asked: Asked, rules: Sequence[FaultRule], attempt: int) -> Spoiled:
        if not rules:
            return _unspoiled(self.answers.answer(asked))
        return spoil(asked, self.answers, rules, chance(self.script.seed, "row", asked, attempt))


def _unspoiled(reply: Reply) -> Spoiled:
    return Spoiled(reply, delay=0, delivery=None, struck=())


def _response(request: Request, reply: Reply) -> Response:
    body, headers = reply.encoded(request.headers.get("accept-encoding", ""))
    if "location" in headers and not headers["location"]:
        headers["location"] = str(request.url)
    return Response(body, reply.status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code != _NOT_FOUND:
        return Response(error.detail, error.status_code)
    return _response(request, not_found())


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ReingestError):
        raise error
    return JSONResponse(error.as_dict(), 400)
