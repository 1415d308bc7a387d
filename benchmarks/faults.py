"""What happens when things go wrong: each fault is planted, and what came of it is written down.

    python benchmarks/faults.py docs/reliability.md

Every fault befalls a process of its own. "Nothing lost" means: run again, it ends with the same
bits as a run that nothing befell, and what was finished before was not run twice or removed. Takes
some minutes; leaves with 1 if anything was lost.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collapse_theory import sweeps, templating
from collapse_theory.revision import versions

KILLS = 20
EXPERIMENT = """n = 10
generations = 200
observables = ["variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""
SWEEP = EXPERIMENT + "[sweep]\n'truth.var' = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]\n"
SIMULATE = ("simulate", "e.toml", "--chains", "400000", "--save", "run")
SWEEPING = ("sweep", "s.toml", "--chains", "60000", "--out", "s.zarr")
JUDGING = ("verify", "replace", "seddik2024", "--save", "runs", "--json")


def collapse(*words, cwd, limit=None, **settings):
    """The command in a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "collapse_theory", *words], cwd=cwd, capture_output=True, text=True,
        preexec_fn=limit, timeout=600, **settings,
    )  # fmt: skip


def folder():
    """An empty place with the two files."""
    place = Path(tempfile.mkdtemp(prefix="faults-"))
    (place / "e.toml").write_text(EXPERIMENT)
    (place / "s.toml").write_text(SWEEP)
    return place


def bits_of_sweep(place):
    """All numbers of a sweep's folder."""
    with sweeps.open_dataset(place / "s.zarr") as data:
        return {k: v.values.tobytes() for k, v in data.data_vars.items() if k != "facts"}


def means_of_run(place):
    """All that a saved run is restored from, as bytes."""
    import collapse_theory as ct

    found = ct.load(place / "run")
    return [a.tobytes() for a in (*found.moments, *found.tally.moments)]


def killed_sweeps(whole, took):
    """Kill a sweep at random moments, its first among them, and let it go on."""
    equal, begun = 0, 0
    rng = random.Random(20261121)
    for i in range(KILLS):
        place = folder()
        child = subprocess.Popen(
            [sys.executable, "-m", "collapse_theory", *SWEEPING], cwd=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 3 * took
        while i % 4 == 0 and not list(place.glob(".s.zarr.*")) and time.monotonic() < until:
            time.sleep(0.001)  # every fourth at the moment when the folder is being made
        time.sleep(rng.uniform(0, 0.3) if i % 4 == 0 else rng.uniform(0.3, 1) * took)
        child.kill()
        child.wait()
        begun += (place / "s.zarr").exists()
        done = collapse(*SWEEPING, cwd=place)
        equal += done.returncode == 0 and bits_of_sweep(place) == whole
        shutil.rmtree(place)
    told = f"{equal} of {KILLS} ended with the same bits; {begun} had begun to fill the folder"
    return f"kill -9 at {KILLS} random moments of a sweep", told, equal == KILLS


def signalled(what, words, ends, marks, whole, told):
    """Send a signal once there is something to lose, then run the same command again."""
    place = folder()
    child = subprocess.Popen(
        [sys.executable, "-m", "collapse_theory", *words], cwd=place, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not list(place.glob(marks)) and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(what)
    err = child.communicate(timeout=120)[1]
    again = collapse(*words, cwd=place)
    good = child.returncode == 130 and told in err and again.returncode == 0
    good = good and ends(place) == whole
    shutil.rmtree(place)
    last = err.strip().splitlines()[0] if err.strip() else "nothing"
    return f"{signal.Signals(what).name} during `collapse {words[0]}`", f"exit 130: {last}", good


def stopped_twice(whole):
    """Stop a run, stop what goes on from it, and let it end."""
    place, seen = folder(), 0.0
    file = place / ".run.checkpoint"
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-m", "collapse_theory", *SIMULATE], cwd=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while child.poll() is None and not (file.exists() and file.stat().st_mtime > seen):
            time.sleep(0.01)
        seen = file.stat().st_mtime if file.exists() else seen
        child.terminate()
        child.wait()
    return same_bits("a run stopped twice", (), whole, place)


def verdicts(done):
    """What a judgement printed, without what it took."""
    found = json.loads(done.stdout)["verdicts"]
    return [{k: v for k, v in x.items() if k != "seconds"} for x in found]


def killed_verdicts():
    """Kill a judgement once some of its runs are kept, and let it go on from them."""
    place = folder()
    whole = verdicts(collapse(*JUDGING, cwd=place))
    shutil.rmtree(place / "runs")
    child = subprocess.Popen(
        [sys.executable, "-m", "collapse_theory", *JUDGING], cwd=place,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while child.poll() is None and len(list(place.glob("runs/*.npz"))) < 4:
        time.sleep(0.01)
    child.kill()
    child.wait()
    kept = {p: p.stat().st_mtime_ns for p in place.glob("runs/*.npz")}
    done = collapse(*JUDGING, cwd=place)
    read = all(p.stat().st_mtime_ns == t for p, t in kept.items())
    good = done.returncode == 0 and verdicts(done) == whole and read and len(kept) >= 4
    shutil.rmtree(place)
    told = f"{len(kept)} runs were kept and read, {len(whole)} verdicts are " + (
        "the same" if good else "not the same"
    )
    return "kill -9 during `collapse verify`", told, good


def same_bits(what, words, whole, place=None):
    """A run to its end, and whether it is that of one device, never stopped."""
    place = place or folder()
    done = collapse(*SIMULATE, *words, cwd=place)
    good = done.returncode == 0 and means_of_run(place) == whole
    shutil.rmtree(place)
    return what, "the same bits" if good else "other bits", good


def refused(fault, words, told, *, before=None, limit=None, after=None, env=None):
    """A command that must leave with 2 and one line; ``after`` says whether all is still there."""
    place = folder()
    if before is not None:
        before(place)
    done = collapse(*words, cwd=place, limit=limit, env=os.environ | (env or {}))
    lines = [x for x in done.stderr.splitlines() if x.startswith("collapse: ")]
    good = done.returncode == 2 and "Traceback" not in done.stderr and told in done.stderr
    good = good and (after is None or after(place))
    line = (lines or [done.stderr.strip()[-200:]])[-1].replace(str(place), "FOLDER")
    shutil.rmtree(place)
    return fault, f"exit {done.returncode}: {line}", good


def finished_run(place):
    """A run that is there before the fault."""
    collapse(*SIMULATE, cwd=place)


def stopped_run(place):
    """A run that was killed, with its checkpoint."""
    child = subprocess.Popen(
        [sys.executable, "-m", "collapse_theory", *SIMULATE], cwd=place,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (place / ".run.checkpoint").exists():
        time.sleep(0.01)
    child.kill()
    child.wait()


def damaged(change):
    """A stopped run whose checkpoint is changed."""

    def before(place):
        stopped_run(place)
        file = place / ".run.checkpoint"
        file.write_bytes(change(file.read_bytes()))

    return before


def flip(data):
    """One bit, in the middle."""
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def spoil_result(place):
    """One bit of the means of a finished run."""
    finished_run(place)
    file = next(p for p in (place / "run" / "mean").rglob("*") if p.is_file() and "c" in p.parts)
    file.write_bytes(flip(file.read_bytes()))


def small_files():
    """No file may grow beyond 1 kB, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def table():
    """All faults: what was done, what happened, whether anything was lost."""
    place = folder()
    begun = time.monotonic()
    collapse(*SWEEPING, cwd=place)
    took = time.monotonic() - begun
    collapse(*SIMULATE, cwd=place)
    sweep, run = bits_of_sweep(place), means_of_run(place)
    yield killed_sweeps(sweep, took)
    yield killed_verdicts()
    goes_on = "the same command goes on"
    for what in (signal.SIGTERM, signal.SIGINT):
        yield signalled(what, SIMULATE, means_of_run, ".run.checkpoint", run, goes_on)
        yield signalled(what, SWEEPING, bits_of_sweep, "s.zarr/state/c/1", sweep, goes_on)
    yield stopped_twice(run)
    yield same_bits("four devices instead of one", ("--devices", "4"), run)

    def kept(place):
        return means_of_run(place) == run

    yield refused("a full disk under a run", SIMULATE, "cannot be written", limit=small_files)
    yield refused("a full disk under a finished run that grows",
                  (*SIMULATE[:3], "900000", *SIMULATE[4:]), "cannot be written",
                  before=finished_run, limit=small_files, after=kept)  # fmt: skip
    yield refused("a folder that cannot be written", (*SIMULATE[:-1], "/proc/run"),
                  "cannot be written")  # fmt: skip
    yield refused("a truncated checkpoint", SIMULATE, "damaged",
                  before=damaged(lambda data: data[: len(data) // 2]))  # fmt: skip
    yield refused("a flipped bit in a checkpoint", SIMULATE, "damaged", before=damaged(flip))
    yield refused("a flipped bit in a finished run", SIMULATE, "damaged", before=spoil_result)
    yield refused("somebody else's folder", SIMULATE, "left alone",
                  before=lambda place: (place / "run").mkdir(),
                  after=lambda place: (place / "run").is_dir())  # fmt: skip
    yield refused("another seed", (*SIMULATE, "--seed", "1"), "seed is 0 there and 1 here",
                  before=finished_run, after=kept)  # fmt: skip
    yield refused("no GPU where one was asked for", SIMULATE, "JAX finds no device",
                  env={"JAX_PLATFORMS": "cuda"})  # fmt: skip


def main() -> int:
    """Print a line for each fault and write the page; 1 if anything was lost."""
    rows = []
    for fault, happened, good in table():
        rows.append({"fault": fault, "happened": happened.replace("|", "/"), "good": good})
        print(f"{'nothing lost' if good else 'LOST':12s}  {fault}: {happened}", flush=True)
    if len(sys.argv) > 1:
        facts = ", ".join(f"{k} {v}" for k, v in versions().items())
        Path(sys.argv[1]).write_text(templating.markdown("reliability", rows=rows, facts=facts))
    lost = sum(not row["good"] for row in rows)
    print(f"{len(rows)} faults, {lost} with a loss")
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
