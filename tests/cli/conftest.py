"""The starter bot and a small bot, each trained once for all tests of the command line."""

from __future__ import annotations

import shutil

import pytest

from botapi.cli.main import main
from botapi.data.project import read_folder
from botapi.training.train import train
from tests.projects import small_project


@pytest.fixture(scope="session")
def starter(tmp_path_factory):
    """A folder with the starter bot, trained; tests don't change it."""
    folder = tmp_path_factory.mktemp("starter")
    assert main(["init", "--init-dir", str(folder)]) == 0
    train(read_folder(folder), folder / "models")
    return folder


@pytest.fixture(scope="session")
def _small(tmp_path_factory):
    folder = small_project(tmp_path_factory.mktemp("small"))
    train(read_folder(folder), folder / "models")
    return folder


@pytest.fixture
def small(_small, tmp_path):
    """A folder of the test's own with the small bot, trained."""
    return shutil.copytree(_small, tmp_path / "bot")
