"""The measurements of PyTorch and ONNX Runtime that `pytorch_step.py` does not make. `run.py` starts each in a process of its own.

    opponents.py versions
    opponents.py memory PYTORCH_STEP.PY NETWORK BATCH FORMAT    bytes by which a training step raises the resident set
    opponents.py latency FOLDER NETWORK RUNS                    median microseconds of one image in ONNX Runtime
"""

import importlib.util
import json
import resource
import statistics
import sys
import time
from pathlib import Path

THREADS = 1
STEPS = 5


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak():
    """The most bytes that this process had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory(script, name, batch, layout):
    """From right before the network is built to the peak of five steps: tensors, workspaces, and library pages first touched.

    A step on one number comes before, because the first optimiser imports a hundred megabytes of Python modules.
    """
    import torch

    spec = importlib.util.spec_from_file_location("pytorch_step", script)
    step = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step)
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    train(torch, torch.nn.Linear(1, 2), torch.zeros(1, 1), torch.zeros(1, dtype=torch.long))
    before = resident()
    net, shape, classes = step.build(name)
    shape = (int(batch), *shape[1:])
    x, y = torch.randn(shape), torch.arange(shape[0]) % classes
    if layout == "channels_last":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    train(torch, net, x, y)
    return {"bytes": peak() - before}


def train(torch, net, x, y):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()


def latency(folder, name, runs):
    """Also the largest difference to the outputs that Nasmyth wrote beside the file."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = THREADS
    path = Path(folder)
    session = ort.InferenceSession(path / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
    shape = [1, *session.get_inputs()[0].shape[1:]]
    x = np.fromfile(path / f"{name}.input", "<f4").reshape(shape)
    expected = np.fromfile(path / f"{name}.output", "<f4")
    difference = float(np.abs(session.run(None, {"input": x})[0].ravel() - expected).max())
    times = []
    for _ in range(int(runs)):
        start = time.perf_counter()
        session.run(None, {"input": x})
        times.append(time.perf_counter() - start)
    return {"us": 1e6 * statistics.median(times), "difference": difference}


def versions():
    import numpy
    import onnxruntime
    import torch

    modules = {"PyTorch": torch, "ONNX Runtime": onnxruntime, "NumPy": numpy}
    python = {"Python": sys.version.split()[0]}
    return python | {name: module.__version__ for name, module in modules.items()}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps({"versions": versions, "memory": memory, "latency": latency}[what](*arguments)))
