"""Makes the device files that come with Nasmyth, crates/nasmyth/devices/*.toml, from published measurements.

    python3 tools/ready_devices.py DATA --nasmyth target/release/nasmyth [--only raspberry-pi-4,pixel-3]

DATA holds nas_bench_201_hardware_cifar10.csv.gz (HW-NAS-Bench, Li et al. 2021) and {nas_bench_201,fbnet}_devices_ms.csv.gz (HELP, Lee et
al. 2021), in any folder: one network a line, one device a column, milliseconds and millijoules. Networks of one space and shape are one
table, and the model of a device is fitted to a part of each of its tables.
"""

import argparse
import csv
import gzip
import pathlib
import random
import subprocess
import tempfile

# Blocks of FBNet's space in the order of the tables: kernel, expansion, groups.
FBNET = [(3, 1, 1), (3, 1, 2), (3, 3, 1), (3, 6, 1), (5, 1, 1), (5, 1, 2), (5, 3, 1), (5, 6, 1), (3, 0, 1)]


def nas_bench_201(arch):
    return arch


def fbnet(arch):
    numbers = zip(*(FBNET[int(digit)] for digit in arch.split()))
    names = ("kernels", "expansions", "groups")
    return "fbnet_space_cifar:" + ",".join(f"{n}={'/'.join(map(str, v))}" for n, v in zip(names, numbers))


# Networks of each table that take part, drawn at random.
NETWORKS = 4000

# A table: its file, what a row is, what its networks are called.
TABLES = {
    "hw": ("nas_bench_201_hardware_cifar10.csv.gz", nas_bench_201, "NAS-Bench-201 on 32x32x3"),
    "201": ("nas_bench_201_devices_ms.csv.gz", nas_bench_201, "NAS-Bench-201 on 32x32x3"),
    "fbnet": ("fbnet_devices_ms.csv.gz", fbnet, "FBNet's space on 32x32x3"),
}

LITE, HELP = "TensorFlow Lite", "as measured in HELP"
# A device: processor, runtime, and for each of its tables the columns of latency and energy.
DEVICES = {
    "raspberry-pi-4": ("Raspberry Pi 4", LITE, {"hw": ("raspi4_latency", None)}),
    "edge-tpu": ("Google Edge TPU", LITE, {"hw": ("edgetpu_latency", None)}),
    "pixel-3": ("Google Pixel 3", LITE, {"hw": ("pixel3_latency", None), "fbnet": ("pixel3", None)}),
    "edge-gpu": ("NVIDIA Jetson TX2", "TensorRT", {"hw": ("edgegpu_latency", "edgegpu_energy")}),
    "eyeriss": (
        "Eyeriss, simulated",
        "simulated",
        {"hw": ("eyeriss_latency", "eyeriss_energy"), "fbnet": ("eyeriss", None)},
    ),
    "fpga": ("Xilinx ZC706", "Vivado HLS", {"hw": ("fpga_latency", "fpga_energy")}),
    "xeon-gold-6226": ("Intel Xeon Gold 6226", HELP, {"201": ("gold_6226", None), "fbnet": ("gold_6226", None)}),
    "xeon-gold-6240": ("Intel Xeon Gold 6240", HELP, {"201": ("gold_6240", None), "fbnet": ("gold_6240", None)}),
    "gtx-1080-ti": ("NVIDIA GTX 1080 Ti", HELP, {"201": ("1080ti_1", None), "fbnet": ("1080ti_1", None)}),
    "rtx-2080-ti": ("NVIDIA RTX 2080 Ti", HELP, {"201": ("2080ti_1", None), "fbnet": ("2080ti_1", None)}),
}


def rows(data, name):
    file, network, _ = TABLES[name]
    path = next(pathlib.Path(data).rglob(file))
    with gzip.open(path, "rt") as text:
        table = [(network(row["arch"]), row) for row in csv.DictReader(text)]
    return random.Random(0).sample(table, min(NETWORKS, len(table)))


def write(path, table, latency, energy):
    with open(path, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["network", "latency_ms", "energy_mj"])
        for network, row in table:
            writer.writerow([network, row[latency], row[energy] if energy else ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="folder with the tables")
    parser.add_argument("--nasmyth", default="target/release/nasmyth", help="the program")
    parser.add_argument("--only", default=",".join(DEVICES), help="names of devices")
    parser.add_argument("--out", default="crates/nasmyth/devices", help="folder for the device files")
    parser.add_argument("--apart", action="store_true", help="fit to one table, tell of the others, write nothing")
    options = parser.parse_args()
    wanted = options.only.split(",")
    tables = {name: rows(options.data, name) for name in TABLES}
    pathlib.Path(options.out).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for device in wanted:
            processor, runtime, columns = DEVICES[device]
            files = {table: f"{folder}/{device}-{table}.csv" for table in columns}
            for table, (latency, energy) in columns.items():
                write(files[table], tables[table], latency, energy)
            about = ["--name", device, "--processor", processor, "--runtime", runtime, "--date", "2021"]
            for only in files if options.apart and len(files) > 1 else [None]:
                fitted = [file for table, file in files.items() if only in (None, table)]
                checks = [word for file in files.values() if file not in fitted for word in ("--check", file)]
                of = [TABLES[table][2] for table in columns if only in (None, table)]
                words = [word for text in of for word in ("--of", text)]
                out = f"{folder}/{device}.toml" if options.apart else f"{options.out}/{device}.toml"
                command = [options.nasmyth, "device", "fit", *fitted, *checks, *about, *words, "--out", out]
                print(device, of, flush=True)
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
