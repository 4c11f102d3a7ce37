"""Secrets in lines of a log: what must go, and what must stay."""

from __future__ import annotations

import pytest

from botapi.jobs.masking import masked, secret_values


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("url is http://ann:s3cr3t@duck.example/parse", "url is http://***@duck.example/parse"),
        ("POST http://a.example/x?token=s3cr3t&b=1", "POST http://a.example/x?token=***&b=1"),
        ("Authorization: Bearer s3cr3ts3cr3t", "Authorization: ***"),
        ("sent with bearer s3cr3ts3cr3t", "sent with bearer ***"),
        ("options {'api_key': 's3cr3t', 'epochs': 3}", "options {'api_key': '***', 'epochs': 3}"),
        ('{"client_secret":"s3cr3t"}', '{"client_secret":"***"}'),
        ("DB_PASSWORD=s3cr3t", "DB_PASSWORD=***"),
        ("access-token = s3cr3t, the rest", "access-token = ***, the rest"),
    ],
)
def test_secrets_are_masked(line: str, shown: str) -> None:
    assert masked(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "INFO botapi.training.train: Nothing changed.",
        "WhitespaceTokenizer: 12 tokens in the example",
        "the file http://a.example/models/1.tar.gz",
        "MemoizationPolicy: 3 turns; max_history without effect",
    ],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    assert masked(line) == line


def test_values_of_secret_variables_are_masked_wherever_they_stand() -> None:
    secrets = secret_values({"MY_TOKEN": "abc-123-xyz", "PATH": "/usr/bin", "DB_PASSWORD": "hunter2!", "A_SECRET": "x"})
    assert secrets == ("abc-123-xyz", "hunter2!")
    assert masked("found abc-123-xyz, hunter2! and x in /usr/bin", secrets) == "found ***, *** and x in /usr/bin"
