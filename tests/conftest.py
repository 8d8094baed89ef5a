"""A tarn for the tests: started once a test process on a free port with a data folder of its own, or any endpoint that TARN_TEST_ENDPOINT names."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from running_tarn import SHARED_DATA, Endpoint, Tarn  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long, so tools/check runs it, and tools/test does not")


@pytest.fixture(scope="session")
def tarn():
    with tempfile.TemporaryDirectory(prefix="tarn-test-") as folder:
        if os.environ.get("TARN_TEST_ENDPOINT"):
            yield Endpoint(os.environ["TARN_TEST_ENDPOINT"], folder)
            return
        running = Tarn(Path(folder) / "data", "--allow-reset")
        yield running
        running.stop()


@pytest.fixture
def own_tarn(tmp_path):
    """Makes a tarn of the test's own: own_tarn("--clock", "manual")."""
    started = []

    def make(*options, data_dir=None):
        started.append(Tarn(data_dir or tmp_path / f"data{len(started)}", *options))
        return started[-1]

    yield make
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared_data():
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def name(request):
    """A name of the test's own, good for a bucket or a database."""
    return (request.node.name.replace("_", "-").replace("[", "-").replace("]", "").replace("/", "-").lower()[:50].strip("-") + f"-{os.getpid() % 10000}")


