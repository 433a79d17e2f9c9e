#!/usr/bin/env python3
"""The engine against PyTorch and ONNX Runtime on this machine, as Markdown tables.

    python3 crates/engine/benches/compare/run.py --pytorch PATH/pytorch_step.py [--python VENV/bin/python] [--write]

VENV has torch, numpy and onnxruntime; this script itself needs nothing but cargo. Both sides are measured in turn, network by
network, and each side's best round counts. `--write` puts the tables into docs/benchmarks.md. Leave the machine alone meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
OPPONENTS = HERE / "opponents.py"
DOCUMENT = ROOT / "docs" / "benchmarks.md"

# Throughput: at least so many times PyTorch's. Memory and latency: at most so many times the opponent's.
TARGETS = {
    "throughput": {
        "resnet": {"two": 1.4, "one": 1.4},
        "mobile": {"two": 2.5, "one": 2.5},
        "cell": {"two": 1.8, "one": 1.8},
        "series": {"two": 2.0, "one": 2.0},
        "mlp": {"two": 2.0, "one": 4.0},
    },
    "memory": {"resnet": 0.7, "mobile": 0.7},
    "latency": {"resnet": 1.2, "mobile": 1.2},
}
LAYOUTS = ("contiguous", "channels_last")
WHAT = ("throughput", "memory", "latency", "overhead")
BATCH = 64
LATENCY_RUNS = 300

METHOD = """\
Written by `crates/engine/benches/compare/run.py`, which holds the targets too. Both sides run in turn on the same machine, network
by network, {rounds} rounds of {steps} steps (of `mlp` 20 times as many); a round gives the median step, and the best round of each side
counts. PyTorch runs eagerly, in the better of its two memory formats.

    python3 crates/engine/benches/compare/run.py --pytorch PATH/pytorch_step.py --python VENV/bin/python --write
    cargo bench -p nasmyth-engine --bench kernels
"""


NOTES = """\
## What limits a step

Single entries of the schedule and threads, timed on two virtual processors (Zen 4) on 2026-11-22, while other programs ran:

- **`mobile`, one thread, 129 ms:** 1x1 convolutions run at up to 112 GFLOP/s, 5x5 depthwise ones (64 channels, 32x32) at 64 forward and 72
  backward. Applying batch norm and ReLU, forward and backward, takes 34 ms and waits for memory: it reads 0.55 GB that is stored for the whole
  batch, at 16 GB/s. Small tiles for small right-hand sides of products, shorter sums, prefetching what batch norm reads and
  what depthwise convolutions write, and other sizes of chunks changed nothing that could be told from noise.
- **`mlp`, one candidate with two threads:** each thread computes for 137 microseconds, at 107 to 112 GFLOP/s in the wide layers. The rest
  is exchange: 88 KB of parameters and as much of gradients go from cache to cache in every step. How long that takes depends on where the host has
  put the two processors: where handing over work takes 0.3 microseconds, a step takes 153; where it takes 0.9, a step takes 207 to 238.
  Asking for the cache lines before the update changed nothing. Two candidates that exchange nothing are the most that two threads can
  reach: in the table above `one` has 0.89 of it, and all of it would be 4.1 times PyTorch's rate.
"""


def run(command):
    """What a command prints, or the end of this script."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"`{' '.join(map(str, command))}` failed with exit status {done.returncode}")
    return done.stdout


def output_of(command):
    return json.loads(run(command))


def build(*arguments):
    """Path of the program that cargo builds."""
    lines = run(["cargo", *arguments, "--message-format", "json"]).splitlines()
    paths = [message.get("executable") for message in map(json.loads, lines)]
    return [path for path in paths if path][-1]


class Sides:
    """Starts the programs of both sides."""

    def __init__(self, options):
        self.options = options
        self.bench = build("bench", "-q", "-p", "nasmyth-engine", "--bench", "compare", "--no-run")

    def ours(self, what, *arguments):
        return output_of([self.bench, "--what", what, *arguments])[what]

    def pytorch(self, name):
        steps = self.options.steps
        script = [self.options.python, "-W", "ignore", self.options.pytorch]
        return output_of([*script, "--nets", name, "--steps", steps])[name]

    def opponent(self, *arguments):
        return output_of([self.options.python, OPPONENTS, *arguments])

    def rounds(self):
        return range(self.options.rounds)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def met(holds):
    return "yes" if holds else "**no**"


def throughput(sides):
    rows = []
    for name in sides.options.nets:
        ours, theirs = [], []
        for _ in sides.rounds():
            ours.append(sides.ours("throughput", "--nets", name, "--steps", sides.options.steps)[name])
            theirs.append(sides.pytorch(name))
        for way, target in TARGETS["throughput"][name].items():
            a, b = (max(rates[way] for rates in side) for side in (ours, theirs))
            rows.append([name, way, f"{a:,.0f}", f"{b:,.0f}", f"{a / b:.2f}", f"≥ {target}", met(a / b >= target)])
    text = (
        "Samples a second (float32, batch 64, `mlp` 256). `two`: two candidates at once with one thread each, in two threads of one"
        " process here and in two processes there, the sum of their rates; `one`: one candidate with two threads."
    )
    head = ["network", "candidates", "Nasmyth", "PyTorch", "ratio", "target", "met"]
    return "## Training\n\n" + text + "\n\n" + table(head, rows)


def memory(sides):
    rows = []
    for name, target in TARGETS["memory"].items():
        ours = sides.ours("memory", "--nets", name)[name]["bytes"]
        step = ("memory", sides.options.pytorch, name, BATCH)
        theirs = min(sides.opponent(*step, layout)["bytes"] for layout in LAYOUTS for _ in sides.rounds())
        megabytes = [f"{n / 1e6:.1f}" for n in (ours, theirs)]
        rows.append([name, *megabytes, f"{ours / theirs:.2f}", f"≤ {target}", met(ours / theirs <= target)])
    text = (
        f"Megabytes of a training step on {BATCH} images, one thread. Nasmyth: arena, parameters, gradients and momenta. PyTorch: from the"
        " resident set right before the network is built (after a step on a single number, which imports the optimiser) to the"
        " peak of five steps; the smallest of all rounds and both memory formats."
    )
    head = ["network", "Nasmyth", "PyTorch", "ratio", "target", "met"]
    return "## Memory\n\n" + text + "\n\n" + table(head, rows)


def latency(sides):
    program = build("build", "-q", "--release", "-p", "nasmyth-export", "--example", "latency")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = [], []
        for _ in sides.rounds():
            ours.append(output_of([program, folder, LATENCY_RUNS]))
            theirs.append({n: sides.opponent("latency", folder, n, LATENCY_RUNS) for n in TARGETS["latency"]})
    for name, target in TARGETS["latency"].items():
        worst = max(r[name]["difference"] for r in theirs)
        if not worst < 1e-3:
            sys.exit(f"{name}: outputs of ONNX Runtime differ from ours by {worst}")
        a, b = min(r[name] for r in ours), min(r[name]["us"] for r in theirs)
        rows.append([name, f"{a:,.0f}", f"{b:,.0f}", f"{a / b:.2f}", f"≤ {target}", met(a / b <= target)])
    text = (
        "Microseconds of one image on one thread, median of"
        f" {LATENCY_RUNS} runs. ONNX Runtime runs the file that Nasmyth exported; the outputs of both are compared."
    )
    head = ["network", "Nasmyth", "ONNX Runtime", "ratio", "target", "met"]
    return "## Inference\n\n" + text + "\n\n" + table(head, rows)


def overhead(sides):
    compiles = [sides.ours("compile") for _ in sides.rounds()]
    dispatches = [sides.ours("dispatch") for _ in sides.rounds()]
    rows = [
        [f"training plan of a graph of {compiles[0]['nodes']} nodes", f"{min(c['ms'] for c in compiles):.2f} ms"],
        *(
            [f"operator on one element, {way}", f"{min(d[way + '_ns'] for d in dispatches):.0f} ns"]
            for way in ("forward", "backward")
        ),
    ]
    text = f"An operator's time is that of a graph of {dispatches[0]['operators']} operators, divided."
    return "## Overhead\n\n" + text + "\n\n" + table(["what", "time"], rows)


def machine(versions, load):
    """Processor, date, load and versions, as a list."""
    fields = dict(line.split(":", 1) for line in run(["lscpu"]).splitlines() if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in fields.items()}
    flags = [flag for flag in ("avx2", "fma", "avx512f", "neon") if flag in cpu.get("Flags", "").split()]
    commit = run(["git", "describe", "--always", "--dirty"]).strip()
    rust = run(["rustc", "--version"]).split()[1]
    lines = [
        f"{cpu.get('Model name', platform.processor())}, {os.cpu_count()} cores, {', '.join(flags)}",
        f"{platform.system()} {platform.release()}, {date.today().isoformat()}, load average before: {load:.2f}",
        f"Nasmyth {commit}, Rust {rust}, " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    return "## Machine\n\n" + "\n".join(f"- {line}" for line in lines)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", required=True, type=Path, help="pytorch_step.py, the opponent's side")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch, numpy and onnxruntime")
    parser.add_argument("--nets", default=",".join(TARGETS["throughput"]), help="networks to train")
    parser.add_argument("--what", default=",".join(WHAT), help="parts")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md; needs all parts and networks")
    options = parser.parse_args()
    for option, known in (("nets", TARGETS["throughput"]), ("what", WHAT)):
        given = getattr(options, option).split(",")
        if unknown := set(given) - set(known):
            parser.error(f"--{option}: expected some of {', '.join(known)}, got {', '.join(unknown)}")
        setattr(options, option, given)
    options.pytorch = options.pytorch.resolve()
    if options.rounds < 1 or options.steps < 1:
        parser.error("expected at least 1 step and 1 round")
    if options.write and (set(options.what), set(options.nets)) != (set(WHAT), set(TARGETS["throughput"])):
        parser.error("--write needs all parts and networks")
    return options


def versions(python):
    done = subprocess.run([python, OPPONENTS, "versions"], capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        sys.exit(f"{reason}: the opponents need `{python} -m pip install torch numpy onnxruntime`")
    return json.loads(done.stdout)


def main():
    options = parse_options()
    about = machine(versions(options.python), os.getloadavg()[0])
    sides = Sides(options)
    parts = {"throughput": throughput, "memory": memory, "latency": latency, "overhead": overhead}
    sections = [parts[what](sides) for what in options.what]
    method = METHOD.format(rounds=options.rounds, steps=options.steps)
    text = "\n\n".join(["# Benchmarks", method.strip("\n"), *sections, NOTES.strip("\n"), about]) + "\n"
    print(text)
    if options.write:
        DOCUMENT.write_text(text)


main()
