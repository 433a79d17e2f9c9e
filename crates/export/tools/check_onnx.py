"""Checks the files of `examples/dump_onnx.rs` with the ONNX checker and ONNX Runtime.

pip install onnx onnxruntime numpy
cargo run -p nasmyth-export --example dump_onnx -- FOLDER && python check_onnx.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime


def main(folder):
    worst = 0.0
    paths = sorted(Path(folder).glob("*.onnx"))
    for path in paths:
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (x,) = session.get_inputs()
        assert x.name == "input" and x.shape[0] == "N", (path, x.name, x.shape)
        data = np.fromfile(path.with_suffix(".input"), "<f4").reshape([-1, *x.shape[1:]])
        for i, y in enumerate(session.run(None, {"input": data})):
            info = session.get_outputs()[i]
            assert info.name == ("output" if i == 0 else f"output_{i}"), path
            assert list(y.shape[1:]) == info.shape[1:], (path, y.shape, info.shape)
            expected = np.fromfile(path.with_suffix(f".output{i}"), "<f4").reshape(y.shape)
            error = np.max(np.abs(y - expected) / np.maximum(1, np.abs(expected)))
            worst = max(worst, error)
            assert error <= 1e-4, (path, error)
    print(f"{len(paths)} models agree; largest error {worst:.2e}")


main(sys.argv[1])
