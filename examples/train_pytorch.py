"""An external estimator: trains each candidate in PyTorch on a UCR set that it reads itself.

nasmyth search --data UCR/GunPoint --estimator "python examples/train_pytorch.py" --trials 12 --limit "params<=20k"

One JSON line a trial on standard input, one on standard output. It knows the operators of the spaces for series.
"""

import json
import re
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    """A network from its text form. Values are `[batch, channels, steps]` or `[batch, features]`."""

    def __init__(self, text, mean, std):
        super().__init__()
        self.mean, self.std, self.nodes, self.layers = mean, std, [], nn.ModuleDict()
        channels = {}
        for name, op, arguments in re.findall(r"^(\w+) = (\w+)\((.*)\)$", text, re.M):
            pairs = re.findall(r"(\w+)=(\[[^\]]*\]|\w+(?:\.\w+)?)", arguments)
            attributes = {k: [int(n) for n in re.findall(r"\d+", v)] if v[0] == "[" else v for k, v in pairs}
            inputs = [v for v in re.split(r",\s*", arguments) if v in channels]
            width = channels[inputs[0]] if inputs else attributes["shape"][-1]
            channels[name] = int(attributes.get("out", width))
            self.layers[name] = self.layer(op, width, attributes)
            self.nodes.append((name, op, inputs, attributes))

    @staticmethod
    def layer(op, width, a):
        if op == "conv":
            return nn.Conv1d(width, int(a["out"]), a["kernel"][0], a.get("stride", [1])[0], 0, a.get("dilation", [1])[0],
                             int(a.get("groups", 1)), a.get("bias") == "true")
        if op == "linear":
            return nn.LazyLinear(int(a["out"]), bias=a.get("bias") != "false")
        return {"batch_norm": lambda: nn.BatchNorm1d(width), "dropout": lambda: nn.Dropout(float(a["rate"]))}.get(
            op, nn.Identity)()

    def apply_op(self, name, op, xs, a):
        x = xs[0]
        if op == "conv":
            span = (a["kernel"][0] - 1) * a.get("dilation", [1])[0]
            return self.layers[name](F.pad(x, a.get("pad", [span // 2, span - span // 2])))
        if op == "pool":
            kernel, pad = a["kernel"][0], a.get("pad", [0, 0])
            if a["pooling"] == "max":
                return F.max_pool1d(F.pad(x, pad, value=-torch.inf), kernel, a.get("stride", a["kernel"])[0])
            total, count = (F.avg_pool1d(F.pad(v, pad), kernel, a.get("stride", a["kernel"])[0]) for v in (x, torch.ones_like(x)))
            return total / count
        if op == "global_pool":
            return x.amax(2) if a["pooling"] == "max" else x.mean(2)
        return {"standardize": lambda: (x - self.mean) / self.std, "add": lambda: sum(xs),
                "activation": lambda: getattr(F, a["function"].replace("hard_", "hard"))(x), "reshape": lambda: x.transpose(1, 2).flatten(1),
                "mul": lambda: x * (xs[1] if xs[1].dim() == x.dim() else xs[1].unsqueeze(2))}.get(
            op, lambda: self.layers[name](x))()

    def forward(self, x):
        values = {}
        for name, op, inputs, attributes in self.nodes:
            x = values[name] = x if op == "input" else self.apply_op(name, op, [values[i] for i in inputs], attributes)
        return x


def load(folder):
    """Training part of a UCR set, every fifth sample of it for validation."""
    rows = [line.split("\t") for line in next(Path(folder).glob("*_TRAIN.tsv")).read_text().splitlines()]
    classes = sorted({float(row[0]) for row in rows})
    x = torch.tensor([[float(v) for v in row[1:]] for row in rows]).unsqueeze(1)
    y = torch.tensor([classes.index(float(row[0])) for row in rows])
    valid = torch.arange(len(y)) % 5 == 0
    return x[~valid], y[~valid], x[valid], y[valid]


def train(job, batch=32):
    torch.manual_seed(job["seed"] % 2**63)
    x, y, valid_x, valid_y = load(job["data"])
    network = Network(job["architecture"], x.mean(), x.std())
    network.eval()(x[:1])  # gives lazy layers their sizes
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(max(1, round(job["fidelity"]["epochs"]))):
        network.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(network(x[rows]), y[rows], label_smoothing=0.05).backward()
            optimizer.step()
    scores = network.eval()(valid_x).detach()
    return {"accuracy": (scores.argmax(1) == valid_y).double().mean().item(), "loss": F.cross_entropy(scores, valid_y).item()}


torch.set_num_threads(1)
for line in sys.stdin:
    metrics = train(json.loads(line))
    # Equal accuracies are told apart by the loss.
    print(json.dumps({"value": metrics["accuracy"] - 1e-3 * min(metrics["loss"], 10.0), "metrics": metrics}), flush=True)
