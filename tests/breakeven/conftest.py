"""The demo, made once for all who look at it."""

from datetime import UTC, datetime

import pytest

from breakeven import demo
from breakeven.service import Service


@pytest.fixture(scope="session")
def demo_service(tmp_path_factory):
    """The demo of today: its service, what was planted, and its instant."""
    as_of = datetime.now(UTC)
    settings = demo.config(as_of)
    with Service.open(settings, str(tmp_path_factory.mktemp("demo"))) as service:
        service.demo = True
        planted = demo.fill(service.store, service.prices, settings, as_of)
        service.tick()
        service.evaluate()
        yield service, planted, as_of
