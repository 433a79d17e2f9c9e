//! Everything over a real connection, with the real runner.

use crate::server::Server;
use crate::{TIME, go, networks};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{MeasurementFile, MeasurementFileError, Outcome, Target};
use nasmyth_runner::{Architecture, Remote, RemoteError, RunnerFile, Ssh, architecture, install};
use std::fs;
use std::path::Path;

fn runner() -> RunnerFile {
    let this = Architecture::of_machine(std::env::consts::ARCH).expect("an architecture of runners");
    RunnerFile::open(Path::new(env!("CARGO_BIN_EXE_nasmyth-runner")), this).unwrap()
}

fn remote(ssh: &Ssh, folder: &str, threads: usize) -> Remote {
    let installed = install(ssh, folder, &runner()).unwrap();
    Remote::new("loop", &installed.greeting.cpu, installed.runner, threads)
}

#[test]
fn a_runner_is_copied_once_and_measures() {
    let Some(server) = Server::start() else { return };
    let (ssh, runner) = (server.ssh(), runner());
    assert_eq!(architecture(&ssh).unwrap(), runner.architecture);
    // A name that shells would take apart.
    let folder = server.path("a folder; it's $HOME/deep").display().to_string();
    let first = install(&ssh, &folder, &runner).unwrap();
    assert!(first.copied && first.greeting.hash == runner.hash && first.greeting.cores > 0);
    assert!(!install(&ssh, &folder, &runner).unwrap().copied);
    let there = Path::new(&folder).join("nasmyth-runner");
    fs::write(server.path("damaged"), "damaged").unwrap();
    fs::rename(server.path("damaged"), &there).unwrap();
    assert!(install(&ssh, &folder, &runner).unwrap().copied);
    assert!(fs::read(&there).unwrap() == fs::read(&runner.path).unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something is left over");

    let device = remote(&ssh, &folder, 1);
    assert_eq!((device.setting().device.as_str(), device.setting().runtime.as_str()), ("loop", "plan"));
    let networks = networks(3);
    let networks: Vec<&VerifiedGraph> = networks.iter().collect();
    let outcomes: Vec<Outcome> = device.measure(&networks, TIME).unwrap().map(Result::unwrap).collect();
    assert_eq!(outcomes.len(), 3);
    for outcome in &outcomes {
        let m = outcome.measurement().unwrap();
        assert!(m.median_s > 0.0 && m.low_s <= m.median_s && m.median_s <= m.high_s, "{m:?}");
        assert_eq!((&m.version, &m.cpu), (&device.setting().version, &device.setting().cpu));
    }
    // The engine infers one sample on one thread.
    let two: Vec<Outcome> =
        remote(&ssh, &folder, 2).measure(&networks, TIME).unwrap().map(Result::unwrap).collect();
    assert!(two.iter().all(|o| matches!(o, Outcome::Failed(why) if why.contains("2 threads"))), "{two:?}");
}

#[test]
fn who_cannot_be_trusted_or_does_not_trust_is_told_apart() {
    let Some(server) = Server::start() else { return };
    let error = |ssh: Ssh| architecture(&ssh).unwrap_err();
    for (error, words) in [
        (error(server.newcomer()), "is not known"),
        (error(server.returner()), "HAS CHANGED"),
        (error(server.stranger()), "ssh-copy-id"),
        (error(server.astray()), "refuses connections"),
    ] {
        let text = error.to_string();
        assert!(text.contains(words) && text.contains("127.0.0.1"), "{text}");
    }
    assert!(matches!(error(server.newcomer()), RemoteError::UnknownHost { .. }));
    assert!(matches!(error(server.returner()), RemoteError::HostKeyChanged { .. }));
    assert!(matches!(error(server.stranger()), RemoteError::Denied { .. }));
    assert!(matches!(error(server.astray()), RemoteError::Refused { .. }));
}

#[test]
fn a_folder_that_cannot_be_written_says_so() {
    let Some(server) = Server::start() else { return };
    let error = install(&server.ssh(), "/dev/null/below", &runner()).err().unwrap();
    assert!(matches!(&error, RemoteError::Folder { folder, .. } if folder == "/dev/null/below"), "{error}");
    assert!(error.to_string().contains("--folder"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_dies_leaves_what_it_measured_and_goes_on_later() {
    let Some(server) = Server::start() else { return };
    let device = remote(&server.ssh(), &server.path("folder").display().to_string(), 1);
    let (networks, path) = (networks(4), server.path("m.jsonl"));
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    let mut cut = |i: usize, outcome: &Outcome| {
        assert!(outcome.measurement().is_some());
        if i == 1 {
            server.cut();
        }
        std::ops::ControlFlow::Continue(())
    };
    // Long enough for the plug to be pulled before the next network is measured.
    let long = std::time::Duration::from_millis(500);
    let error = file.complete(&device, &networks, long, &mut cut).unwrap_err();
    assert!(matches!(&error, MeasurementFileError::Target { left: 2, total: 4, .. }), "{error}");
    assert!(error.to_string().contains("was lost"), "{error}");
    drop(file);

    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    assert_eq!(file.entries().len(), 2);
    file.complete(&device, &networks, TIME, &mut go).unwrap();
    assert!(networks.iter().all(|n| file.outcome(n).unwrap().measurement().is_some()));
}
