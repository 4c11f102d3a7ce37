"""A bot project: a folder or one YAML document comes in; domain, training data, stories and configuration go out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.data import domain as domain_files
from botapi.data import nlu, stories
from botapi.data.examples import TrainingData, merge_all
from botapi.data.steps import ActionStep, Story
from botapi.errors import DataError
from botapi.state.domain import Domain
from botapi.yamlfile import line_of, place, plain

log = logging.getLogger(__name__)

CONFIG_KEYS = ("recipe", "language", "pipeline", "policies", "assistant_id")
DEFAULT_LANGUAGE = "en"
DEFAULT_RECIPE = "default.v1"

Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class Config:
    """What config.yml says. `pipeline` and `policies` are lists of {"name": ..., option: ...}; None when not given."""

    recipe: str = DEFAULT_RECIPE
    language: str = DEFAULT_LANGUAGE
    pipeline: list[dict[str, Any]] | None = None
    policies: list[dict[str, Any]] | None = None
    assistant_id: str | None = None


@dataclass(frozen=True)
class Project:
    """Everything that a training reads. `files` are the files it came from; `tests` are the stories of test files.

    `domain` already has the responses and actions of retrieval intents, and the bot texts of end-to-end stories.
    """

    domain: Domain
    nlu: TrainingData
    stories: list[Story]
    config: Config
    tests: list[Story] = field(default_factory=list)
    files: tuple[Path, ...] = ()


def read_folder(
    folder: str | Path = ".",
    *,
    config: str | Path | None = None,
    domain: Paths | None = None,
    data: Paths | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """A project as `train` finds it; paths are relative to `folder`.

    Without a path, config.yml, domain.yml (or the folder domain) and data are read where they exist; a path that is
    given has to exist. `environment` fills `${NAME}` in the configuration only. DataError names file and line.
    """
    root = Path(folder)
    config_file = _existing(root, [config] if config else ["config.yml", "config.yaml"], bool(config))[:1]
    domain_paths = _existing(root, _listed(domain) or ["domain.yml", "domain.yaml", "domain"], domain is not None)
    data_files = [
        file
        for path in _existing(root, _listed(data) or ["data"], data is not None)
        for file in (domain_files.yaml_files(path) if path.is_dir() else [path])
    ]
    contents = [
        yamlfile.load_file(file, lines=True) or yamlfile.LineDict(str(file), 1) for file in dict.fromkeys(data_files)
    ]
    parsed = domain_files.contents(domain_paths if domain is not None else domain_paths[:1])
    origins = [place(content)[0] for content in (*parsed, *contents)]
    settings = yamlfile.load_file(config_file[0], environment=environment, lines=True) if config_file else {}
    files = (*config_file, *(Path(origin) for origin in origins if origin))
    return _project(parsed, contents, read_config(settings or {}), files)


def read_text(text: str | bytes, source: str | None = None) -> Project:
    """A project from one YAML document that holds all of its parts, as `POST /model/train` gets it."""
    content = yamlfile.load_with_lines(text, source)
    if not isinstance(content, Mapping):
        raise DataError(
            "The training data holds no mapping; expected parts such as `nlu:` and `intents:`.", file=source
        )
    settings = yamlfile.LineDict(source, place(content)[1] or 1)
    settings.update((key, value) for key, value in content.items() if key in CONFIG_KEYS)
    settings.lines.update(getattr(content, "lines", {}))
    return _project([content], [content], read_config(settings), ())


def read_config(content: Any) -> Config:
    """The configuration from the content of config.yml; keys that are not known are left to their owners."""
    if not isinstance(content, Mapping):
        raise DataError(
            "The configuration is not a mapping; expected `pipeline:` and the like.", file=place(content)[0]
        )
    for key in ("recipe", "language", "assistant_id"):
        if content.get(key) is not None and not isinstance(content[key], str):
            raise _error(content, key, f"The {key} is {content[key]!r}; expected text, in quotes.")
    return Config(
        recipe=content.get("recipe") or DEFAULT_RECIPE,
        language=content.get("language") or DEFAULT_LANGUAGE,
        pipeline=_parts(content, "pipeline"),
        policies=_parts(content, "policies"),
        assistant_id=content.get("assistant_id"),
    )


def _parts(content: Mapping[str, Any], key: str) -> list[dict[str, Any]] | None:
    """The entries of `pipeline` or `policies`; a bare name counts as an entry without options."""
    entries = content.get(key)
    if entries is None:
        return None
    if not isinstance(entries, list):
        raise _error(content, key, f"The {key} is not a list; expected entries such as `- name: ...`.")
    parts = []
    for number, entry in enumerate(entries):
        part = {"name": entry} if isinstance(entry, str) else plain(entry)
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise _error(entries, number, f"An entry of the {key} has no name; expected `- name: ...`.")
        if not all(isinstance(option, str) for option in part):
            raise _error(entries, number, f"An option of {part['name']} is not text; put its name in quotes.")
        parts.append(part)
    return parts


def _project(domain_contents: list[Any], data_contents: list[Any], config: Config, files: tuple[Path, ...]) -> Project:
    examples: list[TrainingData] = []
    learned: list[Story] = []
    tests: list[Story] = []
    for content in data_contents:
        known = [
            key for key in ("nlu", "responses", "stories", "rules") if isinstance(content, Mapping) and key in content
        ]
        if not known:
            log.info("%s holds no training data", place(content)[0])
            continue
        if "nlu" in known or "responses" in known:
            examples.append(nlu.from_dict(content))
        if "stories" in known or "rules" in known:
            is_test = Path(place(content)[0] or "").name.startswith(stories.TEST_FILE_PREFIX)
            (tests if is_test else learned).extend(stories.from_dict(content))
    training_data = merge_all(examples)
    domain = domain_files.merge(domain_contents)
    domain = domain.with_retrieval_intents(sorted(training_data.retrieval_intents), training_data.responses)
    texts = {step.text for story in learned for step in story.steps if isinstance(step, ActionStep) and step.text}
    domain = domain.with_action_texts(sorted(texts))
    training_data.responses = {**training_data.responses, **domain.retrieval_responses}
    return Project(domain, training_data, learned, config, tests, files)


def _listed(paths: Paths | None) -> list[str | Path]:
    if paths is None:
        return []
    return [paths] if isinstance(paths, (str, Path)) else list(paths)


def _existing(root: Path, names: Iterable[str | Path], is_required: bool) -> list[Path]:
    found = []
    for path in (root / name for name in names):
        if path.exists():
            found.append(path)
        elif is_required:
            raise DataError("The path does not exist; expected a file or a folder.", file=str(path))
    return found


def _error(container: Any, key: Any, message: str) -> DataError:
    file, line = place(container)
    return DataError(message, file=file, line=line_of(container, key) or line)
