"""Nothing is fetched and nothing is sent: with every way out of the process shut all works."""

import socket

import pytest

from collapse_theory.cli.app import run

TOML = """n = 10
generations = 3
observables = ["variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""


class WayOutError(BaseException):
    """Not an Exception, so that nothing that is tried and left alone can hide it."""


def shut(*a, **k):
    raise WayOutError("a connection was tried")


@pytest.fixture(autouse=True)
def _closed(monkeypatch, tmp_path):
    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, shut, raising=True)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, shut)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text(TOML)
    (tmp_path / "s.toml").write_text(TOML + "[sweep]\nn = [5, 10]\n")
    (tmp_path / "data.csv").write_text("x\n" + "\n".join(str(i % 7) for i in range(60)))


def test_the_walls_hold():
    with pytest.raises(WayOutError):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(WayOutError), socket.socket() as s:
        s.connect(("127.0.0.1", 9))


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "e.toml", "--chains", "50", "--save", "run", "--plot", "p.svg"],
        ["sweep", "s.toml", "--chains", "20"],
        ["predict", "e.toml"],
        ["plan", "--family", "bernoulli", "--real", "20", "--inflation", "1.2"],
        pytest.param(
            ["forecast", "data.csv", "--column", "x", "--generations", "5", "--chains", "100"],
            marks=pytest.mark.slow,
        ),
        ["verify", "replace.log_variance", "--chains", "2000"],
        ["report", "r.html", "replace.log_variance"],
        ["explorer", "x.html"],
        ["draw", "provenance", "e.toml", "d.svg"],
        ["list", "theorems"],
        ["info"],
    ],
    ids=lambda words: words[0],
)
def test_commands_need_no_network(words):
    assert run(words) == 0
