"""What an adapter tells workers: once for each application."""

from __future__ import annotations

import pytest

from autocron import hosts
from autocron.app import Autocron
from autocron.errors import ConfigurationError
from autocron.hosts import Host


@pytest.mark.parametrize("host", [Host.SERVER, Host.TOOL])
def test_g66_a_second_application_cannot_change_how_workers_are_set_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "this_process", lambda: host)
    instance = Autocron()
    for _ in range(2):  # the same once more is what every process of a server does
        instance.setup_worker("shop.worker:setup", {"target": "shop:app"})
    instance.setup_worker("other.worker:setup", {"target": "office:app"})  # two adapters may surround one job
    with pytest.raises(ConfigurationError, match=r'"shop:app".* and can\'t be with .*"office:app".*Autocron\(\) instance'):
        instance.setup_worker("shop.worker:setup", {"target": "office:app"})
    Autocron().setup_worker("shop.worker:setup", {"target": "office:app"})


@pytest.mark.parametrize("host", [Host.TEST, Host.DISABLED, Host.WORKER])
def test_where_no_worker_is_started_the_last_word_counts(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "this_process", lambda: host)
    instance = Autocron()
    for target in ("shop:app", "office:app"):  # a test makes many applications
        instance.setup_worker("shop.worker:setup", {"target": target})


@pytest.mark.parametrize("function", ["setup", "shop.worker:", ":setup", "shop.worker.setup"])
def test_g66_a_setup_without_module_or_name_is_refused(function: str) -> None:
    with pytest.raises(ConfigurationError, match=f'named "module:function", not {function!r}'):
        Autocron().setup_worker(function)
