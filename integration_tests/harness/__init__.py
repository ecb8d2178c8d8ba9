"""What the tests stand on: a ground of their own, servers on it, and eyes for its processes and its database."""

from integration_tests.harness.clients import ask
from integration_tests.harness.ground import Ground, UnfulfilledError
from integration_tests.harness.processes import Process
from integration_tests.harness.servers import Server
from integration_tests.harness.shops import Shop

__all__ = ["Ground", "Process", "Server", "Shop", "UnfulfilledError", "ask"]
