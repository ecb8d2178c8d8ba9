"""What autocron adds to a pytest run: its fixtures, its marker, and nothing for those who don't use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

MAIL = """
import os
import autocron

sent = []

@autocron.delay(retries=1, backoff=3600)
def send_mail(address, text="hello"):
    sent.append(address)
    return os.getpid()

@autocron.cron("0 9 * * *", dialect="unix", timezone="UTC")
def newsletter():
    sent.append("everybody")

autocron.start("mail.db", workers=4)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An application as users have it, whose tests run in a process of their own, with a home folder of its own."""
    for name in ("PYTEST_XDIST_WORKER", "AUTOCRON_DISABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # loading all that is installed takes longer than the tests
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p autocron.pytest_plugin")
    monkeypatch.setenv("HOME", str(pytester.mkdir("home")))
    pytester.makepyfile(mail=MAIL)
    return pytester


def test_g64_without_a_fixture_calls_run_at_once_and_nothing_is_spawned(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os
        import mail

        def test_calling():
            assert mail.send_mail("a@b.c").wait() == os.getpid()
            assert mail.sent == ["a@b.c"]
        """
    )
    project.runpytest_subprocess("-q").assert_outcomes(passed=1)
    assert list((project.path / "home").rglob("*")) == []


def test_g64_the_fixture_collects_jobs_until_they_are_run(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import unittest
        import mail
        from autocron import testing

        def test_collecting(autocron):
            handle = mail.send_mail("a@b.c")
            autocron.assert_called(mail.send_mail, address="a@b.c", times=1)
            assert mail.sent == []
            autocron.run_pending()
            assert mail.sent == ["a@b.c"]
            assert handle.is_ready
            mail.sent.clear()

        def test_a_day(autocron):
            assert autocron.jobs == []
            autocron.advance(days=1)
            assert mail.sent == ["everybody"]
            mail.sent.clear()

        def test_afterwards():
            assert mail.send_mail("d@e.f").is_ready

        class Case(unittest.TestCase):
            def test_unittest(self):
                autocron = self.enterContext(testing.collected())
                mail.send_mail("a@b.c")
                autocron.assert_called(mail.send_mail)
        """
    )
    project.runpytest_subprocess("-q").assert_outcomes(passed=4)


def test_g64_marked_tests_have_real_workers_that_end_with_them(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os
        import autocron
        import mail
        import pytest
        from autocron.processes.locks import LockFile
        from autocron import locations

        databases = []

        @pytest.mark.autocron(workers=2, threads=2)
        def test_marked(tmp_path):
            pids = {handle.wait(60) for handle in mail.send_mail.map([(n,) for n in range(8)])}
            assert os.getpid() not in pids
            assert mail.sent == []
            databases.append(tmp_path / "autocron-test.db")
            assert autocron.start("another.db") is False

        def test_fixture(autocron_workers):
            handle = mail.send_mail("a@b.c")
            autocron_workers.wait_until_idle()
            assert handle.result not in (None, os.getpid())
            databases.append(autocron_workers.database)

        def test_afterwards():
            assert mail.send_mail("a@b.c").wait() == os.getpid()
            assert len(databases) == 2
            for database in databases:
                locks = LockFile.open(locations.lock_path(database))
                assert (locks.supervisor_pid(), locks.worker_pids()) == (None, [])
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
        """
    )
    project.runpytest_subprocess("-q").assert_outcomes(passed=3)
    assert list((project.path / "home").rglob("*")) == []


def test_collecting_and_real_workers_in_one_test_is_an_error_that_says_so(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.autocron(workers=True)
        def test_both(autocron):
            pass
        """
    )
    result = project.runpytest_subprocess("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture `autocron` keeps the jobs for the test to run*use one of them"])


def test_a_run_that_does_not_use_it_imports_nothing_for_it(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    project.makepyfile(
        test_other="""
        import sys

        def test_strangers():
            assert "autocron.pytest_plugin" in sys.modules
            unwanted = ("testing", "supervisor", "worker", "cli", "schedules", "operations")
            assert [name for name in sys.modules if name.startswith(tuple("autocron." + name for name in unwanted))] == []
        """
    )
    project.runpytest_subprocess("-q", "--strict-markers").assert_outcomes(passed=1)


def test_g64_python_dash_m_unittest_starts_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_mail="""
        import os, unittest
        import mail
        from autocron import testing

        class Case(unittest.TestCase):
            def test_inline(self):
                self.assertEqual(mail.send_mail("a@b.c").wait(), os.getpid())

            def test_collected(self):
                with testing.collected() as jobs:
                    mail.send_mail("d@e.f")
                    self.assertNotIn("d@e.f", mail.sent)
                    jobs.run_pending()
                    self.assertIn("d@e.f", mail.sent)
        """
    )
    ran = subprocess.run([sys.executable, "-m", "unittest", "test_mail"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list((project.path / "home").rglob("*")) == []
