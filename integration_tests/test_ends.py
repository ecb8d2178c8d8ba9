"""What becomes of jobs and processes when one of them is killed, or all."""

from __future__ import annotations

import signal
import time

import pytest

from integration_tests.harness import Ground, Shop

BUSY = 15.0
"""Seconds that a machine with other work may add to what is promised."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_g4_a_job_and_the_process_it_started_are_gone_6_s_after_the_last_web_process(
    ground: Ground, number: signal.Signals
) -> None:
    shop = Shop(ground, "gunicorn 4 workers")
    held = shop.hold("long", "hold_with_child")
    child = int((ground.home / "long-child").read_text())
    assert child in {process.pid for process in ground.processes()}
    ground.wait_until(lambda: not ground.zombies(), "nobody leaves a zombie")
    if number is signal.SIGKILL:
        web = [process for process in shop.web_processes() if process.pid != child]
        assert shop.popen.pid in {process.pid for process in web}
        for process in web:
            process.kill()
        shop.popen.wait()
    else:
        shop.end(number)
    seconds = ground.wait_until_nobody_is_left()
    ground.measured(f"from {number.name} to the end of all, with a job running", seconds)
    assert seconds < 6 + BUSY
    assert shop.job(held)["state"] == "waiting"  # for the next start
    assert shop.job(held)["lost"] == 0


def test_g4_a_supervisor_outlives_the_web_process_only_for_a_while_and_serves_the_next_one(ground: Ground) -> None:
    shop = Shop(ground, "flask run")
    for name in ("first", "second", "third"):  # should the machine be so busy that the next server comes too late
        held = shop.hold(name)
        supervisor, attempt = ground.wait_for_one_supervisor(), shop.job(held)["attempt"]
        shop.end(signal.SIGKILL)
        shop = Shop(ground, "flask run")
        shop.call("/call/version")
        shop.open_gate(name)
        assert shop.result(held) == '"first"'
        if ground.wait_for_one_supervisor().pid == supervisor.pid:
            assert shop.job(held)["attempt"] == attempt
            return
        assert f"supervisor {supervisor.pid} ends" in ground.evidence()
    raise AssertionError("three times the next server came too late")


def test_g22_the_job_of_a_killed_worker_is_free_within_a_second(ground: Ground) -> None:
    shop = Shop(ground, "flask run")
    held = shop.hold("long", "hold_with_child")
    child = int((ground.home / "long-child").read_text())
    (worker,) = ground.workers()
    assert shop.began("long") == [worker.pid]
    began = time.monotonic()
    worker.kill()
    ground.wait_until(lambda: is_free(shop, held), "the job is free again", look_every=0.002)
    seconds = ground.measured("from KILL of a worker until its job is free", time.monotonic() - began)
    assert seconds < 1 + BUSY
    ground.wait_until(lambda: len(shop.began("long")) == 2, "the job has begun again")
    assert child not in {process.pid for process in ground.processes()}
    shop.open_gate("long")
    assert shop.result(held) == '"first"'
    assert (shop.job(held)["attempt"], shop.job(held)["lost"]) == (2, 1)
    ground.wait_until(lambda: not ground.zombies(), "nobody leaves a zombie")


@pytest.mark.parametrize("name", ["flask run", "gunicorn 4 workers"])
def test_g22_the_job_of_a_killed_supervisor_is_free_within_two_seconds(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    held = shop.hold("long", "hold_with_child")
    child = int((ground.home / "long-child").read_text())
    supervisor = ground.wait_for_one_supervisor()
    began = time.monotonic()
    supervisor.kill()
    ground.wait_until(lambda: is_free(shop, held), "the job is free again", look_every=0.002)
    seconds = ground.measured(f"from KILL of the supervisor ({name}) until its job is free", time.monotonic() - began)
    assert seconds < 2 + BUSY
    ground.wait_until(lambda: len(shop.began("long")) == 2, "the job has begun again")
    assert child not in {process.pid for process in ground.processes()}
    shop.open_gate("long")
    assert shop.result(held) == '"first"'
    assert len(shop.began("long")) == 2
    assert ground.wait_for_one_supervisor().pid != supervisor.pid
    ground.wait_until(lambda: not ground.zombies(), "nobody leaves a zombie")


def is_free(shop: Shop, uuid: str) -> bool:
    row = shop.job(uuid)
    return row["state"] == "waiting" or row["attempt"] > 1


def test_g20_a_job_is_in_the_file_when_its_caller_is_killed_right_after_the_call(ground: Ground) -> None:
    ground.write("tasks.py", "import autocron\n\n@autocron.delay\ndef note(number): return number\n")
    said = ground.python(
        """
        import os, signal, sys
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            for number in range(40):
                reader, writer = os.pipe()
                pid = os.fork()
                if not pid:
                    uuid = tasks.note(number).uuid
                    os.write(writer, uuid.encode())
                    os.kill(os.getpid(), signal.SIGKILL)
                os.close(writer)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
                uuid = os.read(reader, 100).decode()
                os.close(reader)
                handle = autocron.TaskResult.get(uuid)  # raises if there is no such job
                assert handle.wait(60) == number
            print("ALL THERE")
        """
    )
    assert "ALL THERE" in said


def test_g20_nothing_is_kept_in_memory_when_the_whole_process_is_killed_right_after_the_call(ground: Ground) -> None:
    ground.write("tasks.py", "import autocron\n\n@autocron.delay\ndef note(number): return number\n")
    uuids = []
    for number in range(8):
        path = ground.write(
            "caller.py",
            "import os, signal, sys, autocron, tasks\n"
            "autocron.start('shop.db')\n"
            "uuid = tasks.note(int(sys.argv[1])).uuid\n"
            "os.write(1, f'\\nUUID {uuid}\\n'.encode())\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n",
        )
        ended = ground.run([*ground.interpreter, str(path), str(number)])
        assert ended.returncode == -signal.SIGKILL
        uuids += [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("UUID ")]
    assert len(uuids) == 8
    said = ground.python(
        """
        import sys
        import autocron, tasks

        if __name__ == "__main__":
            autocron.start("shop.db")
            print("VALUES", *[autocron.TaskResult.get(uuid).wait(60) for uuid in sys.argv[1:]])
        """,
        *uuids,
    )
    assert "VALUES 0 1 2 3 4 5 6 7" in said
