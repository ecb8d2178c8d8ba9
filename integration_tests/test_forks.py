"""Processes forked after the start: they may call, and they inherit no connection."""

from __future__ import annotations

import pytest

from integration_tests.harness import Ground, Shop

TASKS = "import autocron\n\n@autocron.delay\ndef double(number): return 2 * number\n"

# Registered before autocron's own hook, so that it looks before the child can have opened anything itself.
LOOK_IN_THE_CHILD = """
import os

def inherited():
    names = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:  # the folder's own
            pass
    return names

def note():
    with open(os.path.join(os.environ["HOME"], f"fds-{os.getpid()}"), "w") as file:
        file.write("\\n".join(inherited()))

os.register_at_fork(after_in_child=note)
"""


def connections_inherited_by(ground: Ground, pid: int) -> list[str]:
    files = (ground.home / f"fds-{pid}").read_text().splitlines()
    assert len(files) >= 3
    database = ground.database("shop.db")
    return [file for file in files if file in (str(database), f"{database}-wal", f"{database}-shm")]


def test_g7_calls_from_the_workers_of_a_preloaded_gunicorn_run_and_no_connection_crosses_the_fork(ground: Ground) -> None:
    ground.write("gunicorn.conf.py", LOOK_IN_THE_CHILD)
    shop = Shop(ground, "gunicorn --preload")
    pids = shop.answering(2)
    uuids = [shop.call("/call/version") for _ in range(10)]
    assert [shop.result(uuid) for uuid in uuids] == ['"first"'] * 10
    assert len(ground.supervisors_ever()) == 1
    assert [file for pid in pids for file in connections_inherited_by(ground, pid)] == []


@pytest.mark.parametrize("called_before", [False, True], ids=["first call in the child", "called before"])
def test_g7_forked_children_call_and_inherit_no_connection(ground: Ground, called_before: bool) -> None:
    ground.write("tasks.py", TASKS)
    ground.write("look.py", LOOK_IN_THE_CHILD)
    said = ground.python(
        """
        import os, sys
        import look
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            if sys.argv[1:] == ["True"]:
                assert tasks.double(1).wait(60) == 2
            assert any(name.endswith("shop.db") for name in look.inherited())  # there is something to be inherited
            for number in range(5):
                pid = os.fork()
                if not pid:
                    status = 1
                    try:
                        status = 0 if tasks.double(number).wait(60) == 2 * number else 2
                    finally:
                        os._exit(status)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
                print("CHILD", pid)
                assert tasks.double(number).wait(60) == 2 * number
            print("BOTH SIDES")
        """,
        str(called_before),
    )
    assert "BOTH SIDES" in said
    children = [int(line.split()[1]) for line in said.splitlines() if line.startswith("CHILD ")]
    assert [file for pid in children for file in connections_inherited_by(ground, pid)] == []
    assert len(children) == 5
    assert len(ground.supervisors_ever()) == 1


def test_g7_a_child_of_uwsgis_master_which_forks_without_a_hook_calls_and_is_attached(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    ground.write("uwsgi.py", "number = 0\n\ndef worker_id(): return number\n")
    said = ground.python(
        """
        import ctypes, os, threading
        import autocron, tasks, uwsgi

        if __name__ == "__main__":
            autocron.start("shop.db")
            assert threading.active_count() == 1  # a thread could hold a lock while the master forks
            assert tasks.double(1).wait(60) == 2
            for number in range(3):
                (called, says_called), (seen, says_seen) = os.pipe(), os.pipe()
                pid = ctypes.PyDLL(None).fork()  # as a C program does
                if not pid:
                    status = 1
                    try:
                        uwsgi.number = number + 1
                        assert tasks.double(number).wait(60) == 2 * number
                        os.write(says_called, b".")
                        os.read(seen, 1)
                        status = 0
                    finally:
                        os._exit(status)
                os.close(says_called)
                assert os.read(called, 1) == b"."
                assert pid in [process.pid for process in autocron.status().processes.attached]
                os.write(says_seen, b".")
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            print("ALL CALLED")
        """
    )
    assert "ALL CALLED" in said


def test_g4_a_start_where_nothing_watches_has_a_supervisor_although_the_last_one_has_just_died(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    ground.write("uwsgi.py", "def worker_id(): return 0\n")
    said = ground.python(
        """
        import os, signal
        import autocron, tasks, uwsgi
        from autocron.attachment import spawned_for

        if __name__ == "__main__":
            assert autocron.start("shop.db")
            (first,) = spawned_for(autocron.default.database)
            os.kill(first, signal.SIGKILL)
            os.waitpid(first, 0)
            autocron.stop()
            print("STARTED ANOTHER" if autocron.start("shop.db") else "NOBODY")
        """
    )
    assert "STARTED ANOTHER" in said


def test_g7_multiprocessing_by_fork_calls_in_its_children(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    said = ground.python(
        """
        import multiprocessing
        import autocron, tasks

        def work(number):
            return tasks.double(number).wait(60)

        if __name__ == "__main__":
            autocron.start("shop.db")
            assert tasks.double(1).wait(60) == 2
            with multiprocessing.get_context("fork").Pool(3) as pool:
                print("SUM", sum(pool.map(work, range(30), chunksize=1)))
        """
    )
    assert f"SUM {sum(range(30)) * 2}" in said


def test_g7_a_fork_while_threads_are_calling_loses_no_job_and_hangs_nobody(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    said = ground.python(
        """
        import os, sys, threading, time
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            handles, stop = [], threading.Event()

            def call():
                while not stop.is_set():
                    handles.append(tasks.double(len(handles)))

            threads = [threading.Thread(target=call) for _ in range(3)]
            for thread in threads:
                thread.start()
            for number in range(20):
                pid = os.fork()
                if not pid:
                    uuid = tasks.double(number).uuid
                    with open(f"{os.environ['HOME']}/forked", "a") as file:
                        file.write(uuid + "\\n")
                    os._exit(0)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            stop.set()
            for thread in threads:
                thread.join()
            forked = open(f"{os.environ['HOME']}/forked").read().split()
            assert len(set(forked)) == 20
            for uuid in forked:
                autocron.TaskResult.get(uuid)
            known = {handle.uuid for handle in autocron.get_results()}
            assert known == {handle.uuid for handle in handles} | set(forked)
            print("ALL THERE", len(known))
        """
    )
    assert "ALL THERE" in said


def test_g7_a_child_that_only_execs_leaves_the_attachment_as_it_was(ground: Ground) -> None:
    ground.write("tasks.py", TASKS)
    said = ground.python(
        """
        import os, subprocess
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            for number in range(10):
                if not (pid := os.fork()):
                    os.execvp("true", ["true"])
                os.waitpid(pid, 0)
                subprocess.run(["true"], check=True)
                assert tasks.double(number).wait(60) == 2 * number
            print("STILL THERE")
        """
    )
    assert "STILL THERE" in said
    assert len(ground.supervisors_ever()) == 1


def test_g7_a_fork_after_the_start_warns_of_no_thread(ground: Ground) -> None:
    """Python 3.12 and newer warn when a process forks that has threads; the application has none."""
    ground.write("tasks.py", TASKS)
    said = ground.python(
        """
        import multiprocessing, os
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            for number in range(3):
                assert tasks.double(number).wait(60) == 2 * number
                if not (pid := os.fork()):
                    os._exit(0)
                os.waitpid(pid, 0)
            process = multiprocessing.get_context("fork").Process(target=print, args=["IN THE CHILD"], daemon=True)
            process.start()
            process.join()
            print("NO WARNING")
        """,
        options=["-W", "always::DeprecationWarning"],
    )
    assert "NO WARNING" in said
    assert "multi-threaded" not in said
