"""Several real processes: the numbers of one, whatever the number of processes and devices."""

import json
import socket
import subprocess
import sys

import pytest

import collapse_theory as ct

CHAINS = 150_000  # five units: neither of two processes has as many as the other
FILE = """
n = 20
generations = 4
observables = ["variance", "mean_squared_error"]
[family]
name = "Gaussian"
[workflow]
name = "Accumulate"
"""


def start(path, *more, chains=CHAINS):
    words = ["simulate", str(path), "--chains", str(chains), "--json", *more]
    command = [sys.executable, "-m", "collapse_theory", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "e.toml").write_text(FILE)
    return tmp_path / "e.toml"


def test_two_processes_of_two_devices_print_what_one_prints(path):
    address = f"127.0.0.1:{free_port()}"
    every = [start(path)] + [
        start(path, "--devices", "2", "--distributed", f"{address},{rank}/2") for rank in (0, 1)
    ]
    try:
        alone, first, second = (p.communicate(timeout=120) for p in every)
    finally:
        for p in every:
            p.kill()
    assert [p.returncode for p in every] == [0, 0, 0], (alone[1], first[1], second[1])
    assert second[0] == ""
    assert json.loads(first[0]) == json.loads(alone[0])


def together(path, *more, chains=CHAINS):
    """Two processes that share a run; what each left behind."""
    address = f"127.0.0.1:{free_port()}"
    both = [
        start(path, "--distributed", f"{address},{rank}/2", *more, chains=chains) for rank in (0, 1)
    ]
    try:
        return [(p.returncode, *p.communicate(timeout=120)) for p in both], both
    finally:
        for p in both:
            p.kill()


@pytest.mark.slow
def test_two_processes_keep_a_run_and_let_it_grow(path, tmp_path):
    folder = str(tmp_path / "run")
    for chains in (70_000, CHAINS):
        (_, both) = together(path, "--save", folder, chains=chains)
        assert [p.returncode for p in both] == [0, 0]
    alone = start(path, "--save", str(tmp_path / "alone"))
    assert alone.communicate(timeout=120)
    there, here = (ct.load(tmp_path / name) for name in ("run", "alone"))
    assert [a.tobytes() for a in there.moments] == [a.tobytes() for a in here.moments]
    assert there.chains == CHAINS
    (told, both) = together(path, "--save", folder, "--seed", "1")
    assert [p.returncode for p in both] == [2, 2]
    assert "seed is 0 there and 1 here" in told[0][2]
    assert "the first process refused it" in told[1][2]


@pytest.mark.parametrize(
    "where",
    [
        "127.0.0.1:1,2/2",
        *(pytest.param(w, marks=pytest.mark.slow) for w in ("here", "127.0.0.1,0/2")),
    ],
)
def test_words_that_make_no_sense_are_refused_in_one_line(path, where):
    p = start(path, "--distributed", where)
    out, err = p.communicate(timeout=60)
    assert (p.returncode, out, len(err.splitlines())) == (2, "", 1)
    assert "HOST:PORT,RANK/COUNT" in err
