//! Machines of the user's, behind stand-ins for `ssh` and the runner.

use crate::place::{Place, Told, wait};
use nasmyth::runner::{Greeting, PROTOCOL, hash};
use serde_json::Value;

const NETWORK: &str = "graph tiny\nx = input(shape=[4])\ny = linear(x, out=3)\noutput y\n";

/// Runs here what it is asked to run, and calls itself an ARM board.
const SSH: &str = "for last; do :; done
case $last in *uname*) echo nasmyth; echo Linux aarch64;; *) sh -c \"$last\";; esac
";

/// A place with a home of its own, and a runner for which longer texts take longer, all from 1 to 9 ms.
struct Bench {
    place: Place,
}

impl Bench {
    fn new() -> Self {
        let place = Place::new();
        place.write("tiny.txt", NETWORK);
        place.write("ssh.sh", SSH);
        let bench = Self { place };
        bench.runner(env!("CARGO_PKG_VERSION"));
        bench
    }

    /// A runner of this version, for `aarch64`.
    fn runner(&self, version: &str) {
        let measured = "{\"measured\": {\"runtime\": \"plan\", \"version\": \"1\", \"threads\": 1, \"core\": 0, \"median_s\": '$s', \
                        \"low_s\": 0.001, \"high_s\": 0.009, \"p99_s\": 0.009, \"least_s\": 0.001, \"repetitions\": 9, \
                        \"per_reading\": 1, \"noisy\": null, \"energy_j\": null, \"cpu\": \"Board\", \"date\": \"2026\"}}";
        let said = self.place.path("greeting");
        let script = format!(
            "#!/bin/sh\n# {version}\ncat {}\nsed 's/\",\"/\\n/g' | grep graph | while read -r network; do\n\
             s=0.00$((1000 + ${{#network}}))\necho '{measured}'\ndone\n",
            said.display()
        );
        let greeting = Greeting {
            protocol: PROTOCOL,
            version: version.to_owned(),
            hash: hash(script.as_bytes()),
            cpu: "Board".to_owned(),
            cores: 4,
        };
        self.place.write("greeting", serde_json::to_string(&greeting).unwrap() + "\n");
        self.place.write("runners/nasmyth-runner-aarch64", script);
    }

    fn run(&self, arguments: &str) -> Told {
        self.command(&format!("device {arguments}"))
    }

    fn command(&self, arguments: &str) -> Told {
        let mut command = self.place.command(arguments);
        command.env("NASMYTH_HOME", self.place.path("home"));
        command.env("NASMYTH_RUNNERS", self.place.path("runners"));
        command.env("NASMYTH_SSH", format!("sh '{}'", self.place.path("ssh.sh").display()));
        wait(command.spawn().unwrap())
    }

    fn add(&self) -> Told {
        let there = self.place.path("there");
        self.run(&format!("add ssh://me@board --name pi --folder {}", there.display()))
    }
}

#[test]
fn a_machine_is_added_listed_measured_on_and_forgotten() {
    let bench = Bench::new();
    let told = bench.add().exits(0);
    assert!(told.out.contains("Board, 4 cores, aarch64") && told.out.contains("copied to"), "{}", told.out);
    let told = bench.run("update pi").exits(0);
    assert!(told.out.contains("was there already"), "{}", told.out);

    let listed: Value = serde_json::from_str(&bench.run("list --json").exits(0).out).unwrap();
    assert_eq!(
        (&listed["machines"][0]["name"], &listed["machines"][0]["address"]),
        (&"pi".into(), &"ssh://me@board".into())
    );
    let told = bench.run("list").exits(0).out;
    assert!(told.starts_with("this ") && told.contains("\npi    ssh://me@board, Board, 4 cores"), "{told}");

    let told = bench.run("measure tiny.txt --device pi --repeat 2 --every 1ms --json").exits(0);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(report["device"], "pi");
    let medians: Vec<f64> = report["runtimes"][0]["measurements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["median_s"].as_f64().unwrap())
        .collect();
    assert!(
        medians.len() == 2 && medians[0] == medians[1] && (0.001..0.009).contains(&medians[0]),
        "{medians:?}"
    );
    let told = bench.run("measure tiny.txt --device pi").exits(0).out;
    assert!(told.contains("tiny on pi, Board") && told.contains("median 1."), "{told}");

    bench.place.write("home/devices/pi.toml", "");
    bench.place.write("home/devices/pi.jsonl", "");
    bench.place.write("home/devices/laptop.toml", "");
    bench.run("remove pi").exits(0);
    bench.run("remove laptop").exits(0);
    assert_eq!(std::fs::read_dir(bench.place.path("home/devices")).unwrap().count(), 0);
    bench.run("remove pi").exits(2).says("there is no device `pi`");
    let told = bench.run("list --json").exits(0).out;
    let listed: Value = serde_json::from_str(&told).unwrap();
    assert!(
        listed["machines"] == serde_json::json!([]) && listed["calibrated"] == serde_json::json!([]),
        "{told}"
    );
}

#[test]
fn a_limit_on_a_machine_is_certified_there() {
    let bench = Bench::new();
    bench.add().exits(0);
    let told = bench
        .command("search --config fast.toml --data table.csv --trials 3 --limit latency<=20ms@pi --out run")
        .exits(0);
    assert!(told.err.contains("device    pi: Board, plan"), "{}", told.err);
    let verdict = &bench.place.json("run/best/certificate.json")["limits"][0];
    assert_eq!((&verdict["holds"], &verdict["on_device"]["processor"]), (&true.into(), &"Board".into()));
    assert!((1_000_000..9_000_000).contains(&verdict["value"].as_u64().unwrap()), "{verdict}");
    bench.run("verify run").exits(0);
    bench.place.write("ssh.sh", "echo Connection refused >&2; exit 255");
    bench.run("verify run").exits(2).says("ssh://me@board refuses connections");
    bench
        .command("search --data table.csv --trials 1 --limit latency<=20ms@po")
        .exits(2)
        .says("did you mean `pi`?");
}

#[test]
fn another_processor_is_refused_until_it_is_looked_at_anew() {
    let bench = Bench::new();
    bench.add().exits(0);
    bench.run("calibrate --name pi --space mlp --input 4 --time 3s").exits(0);
    bench.run("measure tiny.txt --device pi").exits(0);
    let replaced = |from: &str, to: &str, file: &str| {
        let text = std::fs::read_to_string(bench.place.path(file)).unwrap();
        bench.place.write(file, text.replace(from, to));
    };
    replaced("\"Board\"", "\"Other\"", "greeting");
    bench.run("measure tiny.txt --device pi").exits(2).says("has another processor (`Other`)");
    // The host is known anew, and what was calibrated on the old processor is not used for the new one.
    bench.run("update pi").exits(0);
    bench
        .command("search --data table.csv --trials 1 --limit latency<=20ms@pi")
        .exits(2)
        .says("was calibrated on `Board`, and the machine `pi` is `Other`");
}

#[test]
fn another_runner_is_refused_until_it_is_copied_anew() {
    let bench = Bench::new();
    bench.add().exits(0);
    bench.runner("7.0.0");
    let update = bench.run("update pi").exits(2);
    let ours = env!("CARGO_PKG_VERSION");
    update.says("version 7.0.0").says(ours).says("device `pi`");
    bench.run("measure tiny.txt --device pi").exits(2).says("nasmyth device update");
    bench.runner(ours);
    bench.run("update pi").exits(0);
    bench.run("measure tiny.txt --device pi").exits(0);
}

#[test]
fn what_is_wrong_is_named() {
    let bench = Bench::new();
    bench.add().exits(0);
    bench.add().exits(2).says("nasmyth device update pi");
    for (arguments, text) in [
        ("add board --name b", "ssh://user@host"),
        ("add ssh://me:secret@board --name b", "passwords are not taken"),
        ("add ssh://board", "--name"),
        ("add ssh://board --name this", "this machine"),
        ("add ssh://board --name ../b", "expected a name"),
        ("add ssh://board --name b --identity nowhere", "cannot read nowhere"),
        ("add ssh://board --name b --runner nowhere", "nowhere: expected a runner"),
        ("add ssh://board --name b --folder /dev/null/b", "choose another one with --folder"),
        ("measure tiny.txt --device po", "did you mean `pi`?"),
        ("measure tiny.txt --device ../pi", "there is no device"),
        ("measure tiny.txt --device pi --runtime rten", "measures in runtime `plan` only, got `rten`"),
        ("update elsewhere", "nasmyth device add"),
    ] {
        let told = bench.run(arguments).exits(2).says(text);
        assert!(told.out.is_empty(), "{}", told.out);
    }
    std::fs::remove_file(bench.place.path("runners/nasmyth-runner-aarch64")).unwrap();
    bench.run("add ssh://board --name b").exits(2).says("--target aarch64-unknown-linux-musl");
    bench.place.write("ssh.sh", "echo Host key verification failed. >&2; exit 255");
    bench.run("add ssh://board --name b").exits(2).says("the host key of ssh://board is not known");
    assert_eq!(std::fs::read_dir(bench.place.path("home/hosts")).unwrap().count(), 1);

    bench.place.write("home/hosts/old.toml", "version = 9\n");
    let told = bench.run("list").exits(0).out;
    assert!(told.contains("old   broken: ") && told.contains("\npi "), "{told}");
    bench.run("measure tiny.txt --device old").exits(2).says("old.toml");
    bench.run("remove old").exits(0);
}
