"""The page about policies: it names each policy with its options and their defaults, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botapi.data.unroll import MAX_WAYS
from botapi.policies.ensemble import POLICIES
from botapi.policies.learned import LearnedPolicy
from botapi.policies.memoization import MemoizationPolicy
from botapi.policies.rules import RulePolicy
from botapi.policies.unexpected import UnexpectedIntentPolicy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text()


@pytest.mark.parametrize("policy", [RulePolicy, MemoizationPolicy, LearnedPolicy, UnexpectedIntentPolicy])
def test_all_options_are_in_the_table(policy):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{policy.name}`")]
    for option, default in policy.defaults.items():
        shown = "no" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        assert f"`{option}` ({shown}" in row


def test_all_policies_are_in_the_table():
    assert [name for name in POLICIES if f"`{name}`" not in PAGE] == []
    assert f"{MAX_WAYS:,}" in PAGE


def test_the_example_runs_with_the_starter_bot(monkeypatch):
    monkeypatch.chdir(ROOT / "botapi" / "cli" / "starter")
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(program, {})
