"""Words of Chinese texts (`JiebaTokenizer`): folders with dictionaries in; then tokens on messages out."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.component import Training
from botapi.nlu.local import require_named
from botapi.nlu.message import Message, Token
from botapi.nlu.tables import ADVICE, read_table, write_table
from botapi.nlu.tokenizers import WhitespaceTokenizer, read_pattern, split_further

MEMBER = "dictionary.json"
# SECURITY: jieba keeps all beginnings of each word, so long words in a model from elsewhere could fill the memory.
MAX_LINE_CHARACTERS = 100
MAX_CHARACTERS = 1_000_000


class JiebaTokenizer:
    """The words that jieba finds, blanks among them, as in Rasa 3.6.

    All files in the folder `dictionary_path` are dictionaries, lines of `word [how often] [part of speech]`; a model
    keeps what they say.
    """

    OPTIONS: Mapping[str, Any] = {**WhitespaceTokenizer.OPTIONS, "dictionary_path": None}

    def __init__(self, options: Mapping[str, Any], lines: Sequence[str]) -> None:
        self._pattern = read_pattern(options["token_pattern"])
        self._lines = lines
        self._splitter = _splitter(tuple(lines))

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> JiebaTokenizer:
        folder = options["dictionary_path"]
        if folder is None:
            return cls(options, [])
        require_named(folder, "The folder")
        lines = _read(Path(folder))
        if fault := _fault(lines):
            raise ConfigError(f"The dictionaries in {folder!r} can't be used: {fault}")
        return cls(options, lines)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> JiebaTokenizer:
        if not members:
            return cls(options, [])
        lines = read_table(members, MEMBER, list[str])
        if fault := _fault(lines):
            raise ModelError(f"Member {MEMBER!r} of the model can't be used: {fault}; {ADVICE}")
        return cls(options, lines)

    def save(self) -> dict[str, bytes]:
        return {MEMBER: write_table(self._lines)} if self._lines else {}

    def process(self, message: Message) -> None:
        found = [Token(word, start, end) for word, start, end in self._splitter.tokenize(message.text)]
        message.tokens = split_further(found, self._pattern)


def _read(folder: Path) -> list[str]:
    """The lines of all files in the folder, by their names; ConfigError where it is no folder, or one is no UTF-8."""
    if not folder.is_dir():
        raise ConfigError(f"dictionary_path of JiebaTokenizer is '{folder}'; expected a folder with dictionaries")
    lines: list[str] = []
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            lines += file.read_text(encoding="utf-8-sig").split("\n")
        except UnicodeDecodeError as error:
            raise ConfigError(f"The dictionary {file} is not UTF-8: {error}; convert it") from error
    return [line.strip() for line in lines if line.strip()]


def _fault(lines: Sequence[str]) -> str:
    """What is wrong with lines of dictionaries; "" where nothing is."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or "\n" in line or len(line) > MAX_LINE_CHARACTERS:
            return f"line {number} is {line[:50]!r}…; expected a word in at most {MAX_LINE_CHARACTERS} characters"
    if sum(map(len, lines)) > MAX_CHARACTERS:
        return f"they have over {MAX_CHARACTERS:,} characters"
    return ""


@lru_cache(maxsize=1)
def _splitter(lines: tuple[str, ...]) -> Any:
    """PERF: the dictionary takes a second, and a model that replaces another has the same most of the time."""
    try:
        jieba = importlib.import_module("jieba")
    except ImportError as error:
        raise ConfigError("JiebaTokenizer needs jieba: pip install 'botapi[jieba]'.") from error
    splitter = jieba.Tokenizer()
    # SECURITY: left to itself, it would read with marshal what lies in the folder for temporary files under a fixed
    # name, whoever put it there.
    splitter.FREQ, splitter.total = splitter.gen_pfdict(splitter.get_dict_file())
    splitter.initialized = True
    splitter.load_userdict(iter(lines))
    return splitter
