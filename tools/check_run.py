"""Checks the exported network of a run in ONNX Runtime against Nasmyth's own outputs.

pip install onnxruntime numpy
python tools/check_run.py RUN DATA [NASMYTH]

RUN: folder of a finished run. DATA: as for `nasmyth evaluate`. NASMYTH: the program, `nasmyth` unless given.
Scores may differ by 1e-4 (predictions of a regression by 1e-4 standard deviations); answers and accuracy not at all.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

TOLERANCE = 1e-4
AT_ONCE = 256


def ours(program, run, data):
    """Inputs, labels (or None) and our outputs for the samples of `data`."""
    with tempfile.TemporaryDirectory() as folder:
        npz, table = Path(folder) / "samples.npz", Path(folder) / "outputs.csv"
        for command in (["samples", run, "--data", data, "--out", npz],
                        ["predict", run, "--data", data, "--raw", "--out", table]):
            subprocess.run([program, *command], check=True, stdout=subprocess.DEVNULL)
        with np.load(npz) as arrays:
            x, y = arrays["x"], arrays["y"] if "y" in arrays else None
        with open(table, newline="") as file:
            rows = list(csv.reader(file))[1:]
    return x, y, np.array([row[1:] for row in rows], np.float32)


def theirs(model, x):
    """Outputs of ONNX Runtime."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: x[i : i + AT_ONCE]})[0] for i in range(0, len(x), AT_ONCE)]
    return np.concatenate(parts).reshape(len(x), -1)


def main(run, data, program="nasmyth"):
    best = Path(run) / "best"
    x, y, a = ours(program, run, data)
    b = theirs(best / "model.onnx", x)
    assert a.shape == b.shape, f"shapes of outputs differ: {a.shape} and {b.shape}"
    regression = json.loads((best / "metrics.json").read_text())["task"] == "regression"
    unit = max(float(a.std()), 1e-30) if regression else 1.0
    difference = float(np.abs(a - b).max()) / unit
    print(f"{len(x)} samples in ONNX Runtime {onnxruntime.__version__}: largest difference {difference:.2e}")
    assert difference <= TOLERANCE, f"expected at most {TOLERANCE}"
    if not regression:
        assert (a.argmax(1) == b.argmax(1)).all(), "answers differ"
        if y is not None:
            accuracies = [float((scores.argmax(1) == y).mean()) for scores in (a, b)]
            print("accuracy {:.4f} here, {:.4f} there".format(*accuracies))
            assert accuracies[0] == accuracies[1], "accuracies differ"


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
