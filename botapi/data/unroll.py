"""Unrolling: Story records and a domain in, one training tracker for each way through stories and rules out.

A way is a chain of blocks, from one that begins a conversation to one that ends it; blocks are joined at checkpoints.
Behaviour follows Rasa 3.6's TrainingDataGenerator.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.data.blocks import BEGIN, SHOULD_NOT_BE_SET, Block, Checkpoint, cut_story, without_dead_forks
from botapi.data.steps import Story
from botapi.errors import DataError
from botapi.names import ACTION_LISTEN
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from botapi.state.slots import ListSlot
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)

AUGMENTATION_ROUNDS = 3
# How often a way goes round circles of checkpoints.
CIRCLE_ROUNDS = 2
MAX_WAYS = 20_000
NAME_SEPARATOR = " > "


@dataclass(frozen=True)
class TrainingTracker:
    """One way through the stories, as a tracker; `name` joins the names of the stories it passes, `story` is the last.

    `is_augmented`: made by joining stories that end with stories that begin, for policies that learn by example.
    """

    name: str
    tracker: Tracker
    story: Story
    is_augmented: bool = False

    @property
    def is_rule(self) -> bool:
        return self.tracker.is_rule


@dataclass(frozen=True)
class Way:
    """A chain of blocks with the events it makes; `key` is what policies can see of them."""

    blocks: tuple[Block, ...] = ()
    events: tuple[Event, ...] = ()
    key: tuple[Any, ...] = ()
    is_augmented: bool = False

    def name(self) -> str:
        return NAME_SEPARATOR.join(dict.fromkeys(block.story.name for block in self.blocks))


def training_trackers(stories: Iterable[Story], domain: Domain, augmentation: int = 50) -> list[TrainingTracker]:
    """Trackers of all stories, then of all rules; those that look alike to policies come once.

    `augmentation` joins up to that many finished stories with each story that begins, in each of three rounds, and
    keeps up to ten times as many of the results; 0 turns it off. Rules are never joined. Deterministic.
    Raises DataError when checkpoints and `or` multiply to more than MAX_WAYS ways.
    """
    given = list(stories)
    found: list[TrainingTracker] = []
    for is_rule in (False, True):
        blocks = [block for story in given if story.is_rule == is_rule for block in cut_story(story, domain)]
        unroller = _Unroller(blocks, domain)
        ways = unroller.ways()
        if augmentation > 0 and not is_rule:
            ways = ways + unroller.augmented(ways, augmentation)
        found.extend(_tracker(way, domain, is_rule) for way in ways)
    return found


def _tracker(way: Way, domain: Domain, is_rule: bool) -> TrainingTracker:
    tracker = Tracker(way.name(), domain.slots, is_rule=is_rule)
    tracker.apply_all(way.events)
    return TrainingTracker(way.name(), tracker, way.blocks[-1].story, way.is_augmented)


class _Unroller:
    """Walks the graph of blocks in topological order; circles are walked CIRCLE_ROUNDS times."""

    def __init__(self, blocks: Sequence[Block], domain: Domain) -> None:
        self.domain = domain
        self.slots = {slot.name: slot for slot in domain.slots}
        self.blocks = without_dead_forks(blocks)
        self.starting: dict[str, list[Block]] = defaultdict(list)
        for block in self.blocks:
            for start in block.starts:
                self.starting[start.name].append(block)
        self.order, self.closing = self._sort()
        self.extensions = {block: self._extension(block) for block in self.blocks}
        self._warn_of_loose_ends()

    def ways(self) -> list[Way]:
        """All ways from a beginning to an end, each look once."""
        begin = {block: [Way()] for block in self.starting[BEGIN]}
        finished, circling = self._walk(begin)
        for _ in range(CIRCLE_ROUNDS):
            found, circling = self._walk(circling)
            finished += found
        return _unique(finished)

    def augmented(self, ways: Sequence[Way], factor: int) -> list[Way]:
        """Finished ways, each without its last listen, followed by whole ways: up to `factor` in, 10 × `factor` out."""
        # A seed of its own keeps training the same from run to run.
        shuffle = random.Random(42)
        ended = [way for way in ways if not way.blocks[-1].ends]
        seen = {way.key for way in ways}
        found: list[Way] = []
        pool = list(ended)
        for _ in range(AUGMENTATION_ROUNDS):
            shuffle.shuffle(pool)
            pairs = [(first, second) for first in pool[:factor] for second in ended]
            shuffle.shuffle(pairs)
            for first, second in pairs[: 10 * factor]:
                way = Way(
                    first.blocks + second.blocks,
                    first.events[:-1] + second.events,
                    first.key[:-1] + second.key,
                    is_augmented=True,
                )
                if way.key not in seen:
                    seen.add(way.key)
                    found.append(way)
                    pool.append(way)
        shuffle.shuffle(found)
        return found[: 10 * factor]

    def _walk(self, arrivals: dict[Block, list[Way]]) -> tuple[list[Way], dict[Block, list[Way]]]:
        """One pass over all blocks: (ways that came to an end, ways that stand before a closed circle)."""
        waiting: dict[Block, list[Way]] = defaultdict(list, arrivals)
        circling: dict[Block, list[Way]] = defaultdict(list)
        finished: list[Way] = []
        for block in self.order:
            arrived = _unique(waiting.pop(block, []))
            if len(arrived) + len(finished) > MAX_WAYS:
                raise DataError(
                    f"Checkpoints and 'or' multiply the stories that pass '{block.story.name}' to more than "
                    f"{MAX_WAYS:,}. Use fewer checkpoints, or repeat the shared steps in each story.",
                    file=block.story.file,
                    line=block.story.line,
                )
            passed = [self._extend(way, block) for way in arrived]
            if not block.ends:
                finished.extend(passed)
            for end in block.ends:
                followers = self.starting.get(end.name, ())
                if not followers:
                    finished.extend(passed)
                for follower in followers:
                    allowed = [way for way in passed if self._may_pass(way, follower, end.name)]
                    (circling if (block, follower) in self.closing else waiting)[follower].extend(allowed)
        return finished, circling

    def _extend(self, way: Way, block: Block) -> Way:
        events, key = self.extensions[block]
        return Way((*way.blocks, block), way.events + events, way.key + key)

    def _may_pass(self, way: Way, block: Block, name: str) -> bool:
        """Whether the way has the slot values that a checkpoint at the block's start wants."""
        for start in block.starts:
            if start.name == name and all(self._value(way, slot) == value for slot, value in start.slots):
                return True
        return False

    def _value(self, way: Way, name: str) -> Any:
        for event in reversed(way.events):
            if isinstance(event, SlotSet) and event.name == name:
                return event.value
        slot = self.slots.get(name)
        return slot.initial_value if slot else None

    def _extension(self, block: Block) -> tuple[tuple[Event, ...], tuple[Any, ...]]:
        """The block's events with the listens and slots that follow from its form, and what policies see of them."""
        events: list[Event] = []
        for event in block.events:
            if isinstance(event, UserUttered):
                _add_listen(events)
                events.append(event)
                events.extend(slots_for_entities(self.domain, event.entities))
            else:
                events.append(event)
        if not block.ends:
            _add_listen(events)
        return tuple(events), tuple(self._keys(events))

    def _keys(self, events: Iterable[Event]) -> Iterator[Any]:
        for event in events:
            if isinstance(event, UserUttered):
                entities = {(e.get("entity"), e.get("role"), e.get("group")) for e in event.entities}
                yield ("user", event.intent_name, event.text, frozenset(entities))
            elif isinstance(event, SlotSet):
                yield ("slot", event.name, self._look(event))
            elif isinstance(event, ActiveLoop):
                yield ("loop", event.name)
            elif isinstance(event, ActionExecuted):
                yield ("action", event.name, event.action_text, event.unpredictable)

    def _look(self, event: SlotSet) -> Any:
        slot = self.slots.get(event.name)
        if slot is None or event.value == SHOULD_NOT_BE_SET:
            return event.value
        return slot.features(event.value)

    def _sort(self) -> tuple[list[Block], set[tuple[Block, Block]]]:
        """(blocks in topological order, edges that close a circle); beginnings are visited first."""
        done: dict[Block, bool] = {}  # False while the block's followers are being visited
        order: list[Block] = []
        closing: set[tuple[Block, Block]] = set()
        for root in [*reversed(self.starting[BEGIN]), *reversed(self.blocks)]:
            if root in done:
                continue
            done[root] = False
            stack = [(root, iter(self._followers(root)))]
            while stack:
                block, followers = stack[-1]
                follower = next(followers, None)
                if follower is None:
                    done[block] = True
                    order.append(block)
                    stack.pop()
                elif follower not in done:
                    done[follower] = False
                    stack.append((follower, iter(self._followers(follower))))
                elif not done[follower]:
                    closing.add((block, follower))
        order.reverse()
        return order, closing

    def _followers(self, block: Block) -> list[Block]:
        # The order turns round with the sorting, so that ways come out in the order of the file.
        return [follower for end in block.ends for follower in reversed(self.starting.get(end.name, []))]

    def _warn_of_loose_ends(self) -> None:
        reached = {end.name for block in self.blocks for end in block.ends} | {BEGIN}
        if self.blocks and not self.starting[BEGIN]:
            log.warning("Every story starts at a checkpoint, so none can be learned. Let at least one start without.")
        for block in self.blocks:
            for start in block.starts:
                if start.name not in reached:
                    log.warning(_loose("starts", "ends", block, start))
            for end in block.ends:
                if end.name not in self.starting:
                    log.warning(_loose("ends", "starts", block, end))


def slots_for_entities(domain: Domain, entities: Sequence[Mapping[str, Any]]) -> list[SlotSet]:
    """The slots that a story's entities fill through `from_entity` mappings that hold outside of loops."""
    if not domain.store_entities_as_slots:
        return []
    found = []
    for slot in domain.slots:
        values = [
            entity.get("value")
            for mapping in slot.mappings
            if mapping.get("type") == "from_entity" and not _needs_loop(mapping)
            for entity in entities
            if all(entity.get(part) == mapping.get(part) for part in ("entity", "role", "group"))
        ]
        if values:
            found.append(SlotSet(slot.name, values if isinstance(slot, ListSlot) else values[-1]))
    return found


def _needs_loop(mapping: Mapping[str, Any]) -> bool:
    conditions = mapping.get("conditions") or [{}]
    return conditions[0].get("active_loop") is not None


def _loose(does: str, other: str, block: Block, checkpoint: Checkpoint) -> str:
    return (
        f"'{block.story.name}' {does} at the checkpoint '{checkpoint.name}', but no story {other} there. "
        f"Remove the checkpoint, or add a story that {other} with it ({block.story.file}, line {block.story.line})."
    )


def _unique(ways: Iterable[Way]) -> list[Way]:
    return list({way.key: way for way in reversed(list(ways))}.values())[::-1]


def _add_listen(events: list[Event]) -> None:
    last = events[-1] if events else None
    if not (isinstance(last, ActionExecuted) and last.name == ACTION_LISTEN):
        events.append(ActionExecuted(ACTION_LISTEN))
