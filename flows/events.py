"""Facts as events of Prefect, so that its automations can act on a publish: a sink of the outbox beside the others.

| event | resource | payload |
|---|---|---|
| `reingest.date.published` | `reingest.date.2025-03-21` | the fact's message, with its `dedupe_key` |
| `reingest.date.withdrawn` | the same | the same |

The server takes an event with 204 and writes it some seconds later. A fact that is sent again has the same event id,
and stands once in Prefect's database; an automation may see it twice.
"""

import asyncio
from typing import Any, ClassVar, Final
from uuid import NAMESPACE_URL, uuid5

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError

from reingest.operations.deliveries.posting import Failure
from reingest.store.outbox import OwedFact, SinkName

_OVERLOADED: Final = frozenset({429, 502, 503, 504})


class PrefectEvents:
    """Posts each fact to the server that runs the flow."""

    name: ClassVar[SinkName] = "prefect"

    async def send(self, fact: OwedFact, timeout_seconds: float) -> Failure | None:
        """Post the fact; None means that Prefect's server took the event within the time."""
        try:
            async with asyncio.timeout(timeout_seconds), get_client() as client:
                await client.request("POST", "/events", json=[event_of(fact)])
        except TimeoutError:
            return Failure(f"no answer within {timeout_seconds:.1f} s", sink_down=True)
        except PrefectHTTPStatusError as error:
            status = error.response.status_code
            return Failure(f"it answered {status}", sink_down=status in _OVERLOADED)
        except (httpx.HTTPError, RuntimeError) as error:  # the client's own word for a server that does not answer
            return Failure(f"{type(error).__name__}: {error}", sink_down=True)
        return None


def event_of(fact: OwedFact) -> dict[str, Any]:
    """Return the event that tells of a fact; a fact has one event, however often it is sent."""
    happened = str(fact.message["type"]).removeprefix("date_")
    return {
        "id": str(uuid5(NAMESPACE_URL, f"reingest:{fact.dedupe_key}")),
        "occurred": fact.message["timestamp"],
        "event": f"reingest.date.{happened}",
        "resource": {
            "prefect.resource.id": f"reingest.date.{fact.settlement_date}",
            "prefect.resource.name": f"{fact.settlement_date}",
        },
        "payload": fact.message,
    }
