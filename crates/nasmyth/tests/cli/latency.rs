//! Limits on devices: predicted, measured, certified, verified.

use crate::place::{Place, Told, wait};
use serde_json::Value;

/// A place with a home of its own.
struct Bench(Place);

impl Bench {
    fn new() -> Self {
        Self(Place::new())
    }

    fn run(&self, arguments: &str) -> Told {
        let mut command = self.0.command(arguments);
        command.env("NASMYTH_HOME", self.0.path("home"));
        wait(command.spawn().unwrap())
    }

    fn search(&self, limits: &str, rest: &str) -> Told {
        self.run(&format!("search --data table.csv --config fast.toml --limit {limits} --out run {rest}"))
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.0.read(file)).unwrap()
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.0.read(file)).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        self.0.write(file, text.replace(from, to));
    }
}

#[test]
fn a_limit_on_this_machine_is_measured_certified_and_verified() {
    let bench = Bench::new();
    let told = bench.search("latency<=1s@this,params<=5k", "--trials 4").exits(0);
    assert!(
        told.err.contains("device    this:") && told.err.contains("keeps latency<=1s@this"),
        "{}",
        told.err
    );
    let certificate = bench.json("run/best/certificate.json");
    let verdict = &certificate["limits"][0];
    assert_eq!((&verdict["cost"], &verdict["holds"]), (&"latency@this".into(), &true.into()));
    let measured = &verdict["on_device"]["measured"];
    assert_eq!(measured["value"], verdict["value"]);
    assert_eq!(certificate["costs"]["latency@this"], verdict["value"]);
    let [low, high] = ["low", "high"].map(|end| measured[end].as_u64().unwrap());
    assert!(
        low <= verdict["value"].as_u64().unwrap() && verdict["value"].as_u64().unwrap() <= high,
        "{measured}"
    );
    let [predicted, most] =
        ["predicted", "predicted_at_most"].map(|p| verdict["on_device"][p].as_u64().unwrap());
    assert!(0 < predicted && predicted <= most && most <= 1_000_000_000, "{verdict}");
    let report = String::from_utf8(bench.0.read("run/report.html")).unwrap();
    assert!(report.contains("latency@this") && report.contains("measured on"), "no latency in the report");
    let told = bench.run("device verify run --time 100ms").exits(0);
    assert!(
        told.out.contains("latency<=1s@this holds") && told.out.contains("params<=5k holds"),
        "{}",
        told.out
    );
    // A limit that the network never kept is found out, whatever the certificate says.
    bench.replace("run/config.toml", "latency<=1s@this", "latency<=2ns@this");
    bench.run("device verify run --time 100ms").exits(3).says("latency<=2ns@this does not hold");
}

#[test]
fn the_models_of_a_run_repeat_it() {
    let bench = Bench::new();
    bench.search("latency<=1s@this", "--trials 12").exits(0);
    let again = "search --config run/config.toml --out again";
    bench.run(again).exits(0);
    assert_eq!(bench.0.read("run/devices/this.toml"), bench.0.read("again/devices/this.toml"));
    assert_eq!(bench.0.read("run/best/model.onnx"), bench.0.read("again/best/model.onnx"));
}

#[test]
fn what_cannot_be_kept_says_which_limit_binds() {
    let bench = Bench::new();
    let told = bench.search("latency<=3ns@this", "--trials 4").exits(3);
    told.says("latency<=3ns@this").says("Raise the limit to at least");
}

#[test]
fn devices_that_are_none_are_refused() {
    let bench = Bench::new();
    for (limit, text) in [
        ("latency<=1ms", "name one"),
        ("latency<=1ms@thsi", "did you mean `this`?"),
        ("latency<=1ms@this/rtem", "the nearest is `rten`"),
        ("latency<=1ms@nowhere.toml", "cannot read nowhere.toml"),
        ("latency<=1@this", "one of the units s, ms, us, ns"),
        ("params<=1k@this", "leave out the `@`"),
    ] {
        bench.search(limit, "--trials 2").exits(2).says(text);
    }
    bench.0.write("broken.toml", "version = 1\nname = 'x'\n");
    bench.search("latency<=1ms@broken.toml", "--trials 2").exits(2).says("broken.toml");
}

#[test]
fn a_calibrated_device_predicts_where_nothing_can_be_measured() {
    let bench = Bench::new();
    let calibrate = "device calibrate --name desk --space mlp --input 4 --classes 2 --time 3s --check 3";
    let told = bench.run(calibrate).exits(0);
    assert!(told.out.contains("fresh networks: ") && told.out.contains("latency<=2ms@desk"), "{}", told.out);
    assert!(told.err.contains("energy:"), "{}", told.err);
    // What was measured is not measured again.
    let before = bench.0.read("home/devices/desk.jsonl");
    bench.run(calibrate).exits(0);
    assert_eq!(bench.0.read("home/devices/desk.jsonl"), before);
    assert!(bench.run("device list").exits(0).out.contains("latency of networks of mlp"));
    // Elsewhere it is only its models.
    bench.replace("home/devices/desk.toml", "address = \"local\"", "");
    let told = bench.search("latency<=1s@desk", "--trials 2").exits(0);
    assert!(told.err.contains("predicted, not measured"), "{}", told.err);
    let verdict = bench.json("run/best/certificate.json")["limits"][0].clone();
    assert!(verdict["how"].as_str().unwrap().contains("not measured"), "{verdict}");
    assert_eq!(verdict["on_device"]["measured"], Value::Null);
    assert_eq!(verdict["value"], verdict["on_device"]["predicted_at_most"]);
    bench.run("device calibrate --name desk --time 1s").exits(2).says("has no address");
}

#[test]
fn a_device_file_that_lacks_an_operator_names_it() {
    let bench = Bench::new();
    bench.0.write(
        "board.toml",
        "version = 1\nname = 'board'\nprocessor = 'Board'\nruntime = 'plan'\nthreads = 1\ndate = '2026-01-31'\n[latency]\n\
         of = 'linear layers'\nnetworks = 9\nheld_out = { within_10 = 1.0, spearman = 1.0, networks = 9 }\n[latency.model]\n\
         kind = 'lookup'\nmargin = 0.1\nstart = 1e-6\nentries = { linear = [[3, 1e-9]] }\n",
    );
    let told = bench.search("latency<=1s@board.toml", "--trials 2").exits(3);
    told.says("the model has no operator `").says("it has linear").says("device calibrate --space");
}

#[test]
fn a_model_that_promises_too_much_is_found_out_by_measuring() {
    let bench = Bench::new();
    bench.run("device calibrate --name desk --space mlp --input 4 --classes 2 --time 2s").exits(0);
    // Everything takes 2 ns, says the model.
    let text = String::from_utf8(bench.0.read("home/devices/desk.toml")).unwrap();
    let header: Vec<&str> = text.lines().take_while(|line| !line.starts_with('[')).collect();
    let model = "[latency]\nof = 'nothing'\nnetworks = 1\nheld_out = { within_10 = 1.0, spearman = 1.0, networks = 1 }\n\
                 [latency.model]\nkind = 'roofline'\nmargin = 0.01\nstart = 2e-9\noverhead = 0.0\nseconds_per_mac = 0.0\n\
                 seconds_per_depthwise_mac = 0.0\nseconds_per_byte = 0.0\nweight = 1.0\n";
    bench.0.write("models/desk.toml", header.join("\n") + "\n" + model);
    bench.0.write("fast.toml", "[search]\nepochs = 2.0\nfinal_epochs = 3.0\ndevices = 'models'\n");
    let told = bench.search("latency<=100ns@desk", "--trials 2").exits(3);
    assert!(told.err.contains("may break latency<=100ns@desk"), "{}", told.err);
    told.says("keeps latency<=100ns@desk when it is measured").says("Raise the limit to at least");
}

#[test]
fn latency_is_an_objective() {
    let bench = Bench::new();
    let told = bench.run(
        "search --data table.csv --config fast.toml --objective accuracy,latency@this --strategy nsga2 --trials 12 --out run",
    );
    told.exits(0);
    let front = bench.json("run/front/front.json");
    let members = front.as_array().unwrap();
    assert!(
        !members.is_empty() && members.iter().all(|m| m["costs"]["latency@this"].as_u64().unwrap() > 0),
        "{front}"
    );
}

#[test]
fn a_device_that_comes_along_is_predicted_and_said_not_to_be_measured() {
    let bench = Bench::new();
    let told = bench.search("latency<=1s@raspberry-pi-4", "--trials 3").exits(0);
    // Networks for tables are nothing that its model was fitted to.
    for text in
        ["predicted, not measured", "are beyond what latency@raspberry-pi-4 was fitted to (NAS-Bench-201"]
    {
        assert!(told.err.contains(text), "{}", told.err);
    }
    let verdict = &bench.json("run/best/certificate.json")["limits"][0];
    assert!(
        verdict["how"].as_str().unwrap().starts_with("predicted, not measured, for Raspberry Pi 4"),
        "{verdict}"
    );
    let [predicted, most] =
        ["predicted", "predicted_at_most"].map(|p| verdict["on_device"][p].as_u64().unwrap());
    assert!(verdict["on_device"]["measured"].is_null() && most >= 4 * predicted - 4, "{verdict}");
    bench.run("device verify run").exits(0);

    let listed: Value = serde_json::from_str(&bench.run("device list --json").exits(0).out).unwrap();
    let named = |list: &str| {
        let list = listed[list].as_array().unwrap();
        list.iter().filter(|device| device["name"] == "raspberry-pi-4").count()
    };
    assert_eq!((named("ready"), named("calibrated")), (1, 0));
    let text = bench.run("device show raspberry-pi-4").exits(0).out;
    assert!(text.contains("[latency.held_out]"), "{text}");
    bench.run("device show raspberry-pi-5").exits(2).says("did you mean `raspberry-pi-4`?");
    bench
        .run("search --data table.csv --config fast.toml --limit energy<=1J@raspberry-pi-4 --out other")
        .exits(2)
        .says("its file has no model of it");

    // One of the user's own of that name goes first.
    bench.0.write("home/devices/raspberry-pi-4.toml", text.replace("Raspberry Pi 4", "My board"));
    let text = bench.run("device list").exits(0).out;
    assert_eq!((text.matches("raspberry-pi-4").count(), text.matches("My board").count()), (1, 1), "{text}");
    assert!(bench.run("device show raspberry-pi-4").exits(0).out.contains("My board"));
    bench.run("device remove raspberry-pi-4").exits(0);
    assert!(!bench.run("device show raspberry-pi-4").exits(0).out.contains("My board"));
}

#[test]
fn a_table_of_measurements_makes_a_device() {
    let bench = Bench::new();
    let cell = |i: usize| {
        let operators = ["skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
        let at = |edge: u32| operators[i / 4usize.pow(edge) % 4];
        format!("|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|", at(0), at(1), at(2), at(3), at(4), at(5))
    };
    let rows: String = (0..40).map(|i| format!("{},{}\n", cell(97 * i + 5), 1.0 + (i % 7) as f64)).collect();
    bench.0.write("board.csv", format!("network,latency_ms\n{rows}"));
    let told = bench.run("device fit board.csv --name board --train 25 --check board.csv").exits(0);
    assert!(told.out.contains("latency: 25 networks") && told.out.contains("board.toml"), "{}", told.out);
    assert!(bench.run("device list").exits(0).out.contains("latency of board ("));
    bench.search("latency<=100s@board", "--trials 2").exits(0);
    for (request, text) in [
        ("board.csv --name ../board", "expected a name of letters"),
        ("board.csv --name board --train 40", "lower --train"),
        ("nowhere.csv --name board", "cannot read nowhere.csv"),
    ] {
        bench.run(&format!("device fit {request}")).exits(2).says(text);
    }
}
