"""Custom actions without a server: a module of action classes in; the events and responses of their runs out."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import pkgutil
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from botapi.actions.action import ActionFailed, ActionRejected, Response
from botapi.actions.remote import BadAnswer, action_call, read_result
from botapi.actions.view import Dispatcher, TrackerView
from botapi.errors import ConfigError
from botapi.state.domain import Domain
from botapi.state.events import Event
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)

# What an action's class looks like: `name(self)` and `run(self, dispatcher, tracker, domain)`.
SHAPE = ("name", "run")
REJECTION = "ActionExecutionRejection"  # rasa-sdk's exception
Run = Callable[[Any, Any, Any], Any]


class ActionModule:
    """The actions of a Python module or package, as rasa-sdk would serve them.

    Where rasa-sdk is installed they get its tracker and dispatcher, else ours, which have the same shape. Every call
    has an event loop of its own, so that conversations don't wait for each other.
    """

    def __init__(self, name: str) -> None:
        """Import the module and make its actions. Raises ConfigError."""
        self.name = name
        self._actions: dict[str, Run] = {}
        for cls in _action_classes(name):
            self._add(cls)
        if not self._actions:
            raise ConfigError(
                f"action_endpoint: the module '{name}' has no actions; expected classes with the methods "
                "name(self) and run(self, dispatcher, tracker, domain)."
            )
        self._make_tracker, self._make_dispatcher = _kit()

    def run(self, name: str, tracker: Tracker, domain: Domain) -> tuple[list[Event], list[Response]]:
        """Run an action: its events, and the responses it wants to be said.

        Raises ActionRejected where the action rejects to run, ActionFailed for whatever else it raises or returns
        that is no list of events.
        """
        run = self._actions.get(name)
        if run is None:
            known = ", ".join(self._actions)
            raise ActionFailed(f"The module '{self.name}' has no action '{name}', only {known}.")
        # A copy of everything, as if it had travelled: what an action changes in place is nobody else's.
        call = json.loads(json.dumps({**action_call(name, tracker), "domain": domain.as_dict()}))
        dispatcher = self._make_dispatcher()
        try:
            events = _complete(run(dispatcher, self._make_tracker(call["tracker"]), call["domain"]))
            result = {"events": _dicts(events), "responses": dispatcher.messages}
            return read_result(name, json.loads(json.dumps(result)))
        except Exception as error:  # an action is somebody else's code: whatever it raises, the dialogue goes on
            if isinstance(error, ActionRejected) or type(error).__name__ == REJECTION:
                message = getattr(error, "message", None) or str(error)
                log.info("The action '%s' rejected to run: %s", name, message)
                raise ActionRejected(name, message) from error
            raise ActionFailed(
                f"The action '{name}' failed in the module '{self.name}': {_cause(error)}. Its events are lost."
            ) from error

    def _add(self, cls: type) -> None:
        try:
            action = cls()
            name = action.name()
        except NotImplementedError:  # a base class for other actions
            return
        except Exception as error:  # the class is somebody else's code
            raise ConfigError(
                f"action_endpoint: {cls.__qualname__} of '{self.name}' fails: {_cause(error)}."
            ) from error
        if name in self._actions:
            raise ConfigError(f"action_endpoint: the module '{self.name}' has two actions named '{name}'; rename one.")
        self._actions[str(name)] = action.run


def _action_classes(name: str) -> Iterator[type]:
    """The action classes that a module, or any module of a package, defines; abstract ones are left out."""
    for module in _modules(name):
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and value.__module__ == module.__name__
                and not inspect.isabstract(value)
                and all(callable(getattr(value, method, None)) for method in SHAPE)
            ):
                yield value


def _modules(name: str) -> Iterator[ModuleType]:
    """The module and, of a package, all modules below it."""
    module = _imported(name)
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield _imported(found.name)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a module is somebody else's code
        raise ConfigError(
            f"action_endpoint: the module '{name}' can't be imported: {_cause(error)}. "
            "Expected a module of actions that lies in the bot's folder or is installed."
        ) from error


def _kit() -> tuple[Callable[[Mapping[str, Any]], Any], Callable[[], Any]]:
    """What makes trackers and dispatchers: rasa-sdk's, which its form validation needs, or ours."""
    try:
        executor = importlib.import_module("rasa_sdk.executor")
        interfaces = importlib.import_module("rasa_sdk.interfaces")
    except ImportError:
        return TrackerView, Dispatcher
    return interfaces.Tracker.from_dict, executor.CollectingDispatcher


def _complete(result: Any) -> Any:
    """What an action returned, or what it returns at last if it is asynchronous."""
    return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(result: Any) -> Any:
    return await result


def _dicts(events: Iterable[Any] | None) -> list[Any]:
    """The events as JSON objects; nothing means none."""
    if events is None:
        return []
    if isinstance(events, (str, Mapping)) or not isinstance(events, Iterable):
        raise BadAnswer(f"it returned {events!r:.100}; expected a list of events")
    return list(events)


def _cause(error: Exception) -> str:
    """An error in one line, with the place it comes from unless that is here."""
    if isinstance(error, BadAnswer):
        return error.message.rstrip(".")
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".") + where
