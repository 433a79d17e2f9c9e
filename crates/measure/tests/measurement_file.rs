//! Measurements that are kept, cut off and taken up again.

use nasmyth_graph::{VerifiedGraph, parse};
use nasmyth_measure::{
    Local, MeasurementFile, MeasurementFileError, Options, Outcome, Outcomes, Runtime, Setting, Target,
    TargetError,
};
use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const TIME: Duration = Duration::from_millis(2);

/// Linear layers with 1, 2 ... outputs.
fn networks(n: usize) -> Vec<VerifiedGraph> {
    let text = |i| format!("graph n{i}\nx = input(shape=[4])\ny = linear(x, out={i})\noutput y\n");
    (1..=n).map(|i| parse(&text(i)).unwrap()).collect()
}

fn setting(device: &str) -> Setting {
    Setting {
        device: device.to_owned(),
        cpu: "some".to_owned(),
        runtime: "plan".to_owned(),
        version: "1".to_owned(),
        threads: 1,
    }
}

/// Answers with the name of the network, and dies after some.
struct Stub {
    setting: Setting,
    lives: usize,
    asked: RefCell<Vec<String>>,
}

impl Stub {
    fn new(lives: usize) -> Self {
        Self { setting: setting("stub"), lives, asked: RefCell::default() }
    }
}

impl Target for Stub {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn measure<'a>(
        &'a self,
        networks: &'a [&'a VerifiedGraph],
        _: Duration,
    ) -> Result<Outcomes<'a>, TargetError> {
        Ok(Box::new(networks.iter().enumerate().map(|(i, network)| {
            if i == self.lives {
                return Err(TargetError("the plug was pulled".into()));
            }
            self.asked.borrow_mut().push(network.name().to_owned());
            Ok(Outcome::Failed(network.name().to_owned()))
        })))
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.jsonl");
    (folder, path)
}

fn go(_: usize, _: &Outcome) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_device_that_dies_leaves_what_it_measured_and_the_rest_follows() {
    let (_folder, path) = place();
    let networks = networks(5);
    let dying = Stub::new(2);
    let mut file = MeasurementFile::open(&path, dying.setting()).unwrap();
    let error = file.complete(&dying, &networks, TIME, &mut go).unwrap_err();
    assert!(matches!(&error, MeasurementFileError::Target { left: 3, total: 5, .. }), "{error}");
    assert!(error.to_string().contains("the plug was pulled"), "{error}");
    drop(file);

    let device = Stub::new(9);
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    assert_eq!(file.entries().len(), 2);
    let mut heard = Vec::new();
    let mut told = |i: usize, _: &Outcome| {
        heard.push(i);
        ControlFlow::Continue(())
    };
    file.complete(&device, &networks, TIME, &mut told).unwrap();
    assert_eq!(heard, [2, 3, 4]);
    assert_eq!(*device.asked.borrow(), ["n3", "n4", "n5"]);
    drop(file);

    let file = MeasurementFile::open(&path, device.setting()).unwrap();
    for network in &networks {
        assert_eq!(file.outcome(network), Some(&Outcome::Failed(network.name().to_owned())));
    }
}

#[test]
fn equal_networks_are_measured_once_and_breaking_off_keeps_the_last() {
    let (_folder, path) = place();
    let device = Stub::new(9);
    let three = networks(3);
    let twice: Vec<VerifiedGraph> = three.iter().chain(&three).cloned().collect();
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    file.complete(&device, &twice, TIME, &mut |i, _| match i {
        1 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .unwrap();
    assert_eq!((file.entries().len(), device.asked.borrow().len()), (2, 2));
    file.complete(&device, &twice, TIME, &mut go).unwrap();
    assert_eq!(*device.asked.borrow(), ["n1", "n2", "n3"]);
}

#[test]
fn a_line_that_was_cut_off_is_measured_again() {
    let (_folder, path) = place();
    let device = Stub::new(9);
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    file.complete(&device, &networks(2), TIME, &mut go).unwrap();
    drop(file);
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
        file.complete(&device, &networks(2), TIME, &mut go).unwrap();
        drop(file);
        assert!(fs::read(&path).unwrap() == whole, "cut at {cut}");
    }
}

#[test]
fn files_of_others_are_refused() {
    let (_folder, path) = place();
    let ours = setting("stub");
    let first = MeasurementFile::open(&path, &ours).unwrap();
    assert!(matches!(MeasurementFile::open(&path, &ours), Err(MeasurementFileError::Busy(_))));
    drop(first);
    let other = MeasurementFile::open(&path, &setting("pi")).unwrap_err();
    assert!(matches!(other, MeasurementFileError::Setting { .. }), "{other}");
    assert!(other.to_string().contains("`stub` (some) in plan 1 with 1 thread(s), expected `pi`"), "{other}");

    let add = |text: &str| fs::OpenOptions::new().append(true).open(&path)?.write_all(text.as_bytes());
    add("{\"architecture\": \"nonsense\", \"failed\": \"\"}\n{}\n").unwrap();
    let broken = MeasurementFile::open(&path, &ours).unwrap_err();
    assert!(matches!(broken, MeasurementFileError::Line { line: 2, .. }), "{broken}");
    for head in ["results\n", "{\"version\": 1}\n"] {
        fs::write(&path, head).unwrap();
        let broken = MeasurementFile::open(&path, &ours).unwrap_err();
        assert!(matches!(broken, MeasurementFileError::Line { line: 1, .. }), "{broken}");
    }
    let nowhere = MeasurementFile::open(&path.join("below"), &ours).unwrap_err();
    assert!(matches!(nowhere, MeasurementFileError::Io { .. }), "{nowhere}");
}

#[test]
fn this_machine_measures_and_the_file_gives_it_back() {
    let (_folder, path) = place();
    let device = Local::new(Runtime::find("plan").unwrap(), Options::default()).unwrap();
    let networks = networks(2);
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    file.complete(&device, &networks, TIME, &mut go).unwrap();
    let before: Vec<Outcome> = networks.iter().map(|n| file.outcome(n).unwrap().clone()).collect();
    drop(file);
    let file = MeasurementFile::open(&path, device.setting()).unwrap();
    for (network, outcome) in networks.iter().zip(&before) {
        assert_eq!(file.outcome(network), Some(outcome));
        assert!(outcome.measurement().unwrap().median_s > 0.0);
    }
}
