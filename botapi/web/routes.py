"""The whole HTTP API on one page: nothing in, the table of endpoints out; channels add theirs under `/webhooks/`."""

from __future__ import annotations

from botapi.web.api import TRAINING_BYTES, Endpoint
from botapi.web.handlers import conversations, docs, info, jobs, listing, model, older, testing, training

_ONE = "/conversations/{conversation_id:path}"

# Method, path, handler, what must be there first, public.
API = (
    Endpoint("GET", "/version", info.version, public=True),
    Endpoint("GET", "/healthz", info.healthz, public=True),
    Endpoint("GET", "/readyz", info.readyz, public=True),
    Endpoint("GET", "/openapi.json", docs.openapi),
    Endpoint("GET", "/docs", docs.docs),
    Endpoint("GET", "/metrics", info.metrics),
    Endpoint("GET", "/status", info.status, "agent"),
    Endpoint("GET", "/domain", info.domain, "agent"),
    Endpoint("GET", "/conversations", listing.listed),
    Endpoint("GET", f"{_ONE}/tracker", conversations.retrieve_tracker, "agent"),
    Endpoint("POST", f"{_ONE}/tracker/events", conversations.append_events, "agent"),
    Endpoint("PUT", f"{_ONE}/tracker/events", conversations.replace_events, "agent"),
    Endpoint("GET", f"{_ONE}/story", conversations.retrieve_story, "conversation"),
    Endpoint("POST", f"{_ONE}/execute", conversations.execute_action, "conversation"),
    Endpoint("POST", f"{_ONE}/trigger_intent", conversations.trigger_intent, "agent"),
    Endpoint("POST", f"{_ONE}/predict", conversations.predict, "conversation"),
    Endpoint("POST", f"{_ONE}/messages", conversations.add_message, "agent"),
    Endpoint("GET", f"{_ONE}/export", conversations.export),
    Endpoint("GET", f"{_ONE}/respond", older.ask, "agent"),
    Endpoint("POST", f"{_ONE}/respond", older.respond, "agent"),
    # After all others below /conversations: an id may hold slashes.
    Endpoint("DELETE", _ONE, conversations.erase),
    Endpoint("PUT", "/model", model.load),
    Endpoint("POST", "/model", model.upload, limit_bytes=TRAINING_BYTES),
    Endpoint("DELETE", "/model", model.unload),
    Endpoint("POST", "/model/parse", model.parse, "agent"),
    Endpoint("POST", "/model/predict", model.predict, "core"),
    Endpoint("POST", "/model/train", training.train, limit_bytes=TRAINING_BYTES),
    Endpoint("POST", "/model/test/stories", testing.evaluate_stories, "core", limit_bytes=TRAINING_BYTES),
    Endpoint("POST", "/model/test/intents", testing.evaluate_intents, limit_bytes=TRAINING_BYTES),
    Endpoint("GET", "/jobs", jobs.listed),
    Endpoint("GET", "/jobs/{job_id}", jobs.show),
    Endpoint("DELETE", "/jobs/{job_id}", jobs.delete),
    Endpoint("GET", "/jobs/{job_id}/result", jobs.result),
    # Of rasa_core 0.12 and 0.14.
    Endpoint("POST", "/parse", older.parse, "agent"),
    Endpoint("POST", "/predict", older.predict, "core"),
    Endpoint("POST", "/evaluate", testing.evaluate, "core", limit_bytes=TRAINING_BYTES),
    Endpoint("POST", "/finetune", training.finetune, "core"),
)

# With JWT only: tokens are checked here, never given out.
JWT = (Endpoint("POST", "/auth", info.auth, public=True),)


def endpoints(*, enable_api: bool = True, jwt: bool = False) -> list[Endpoint]:
    """The table without the channels; `GET /` is all there is of it without the API."""
    table: list[Endpoint] = []
    info.add_root_route(table)
    return [*table, *(API if enable_api else ()), *(JWT if jwt and enable_api else ())]
