//! What no server does on request.

use crate::stand_in::{HERE, StandIn, greeting};
use crate::{TIME, go, networks};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{MeasurementFile, Outcome, Target, TargetError};
use nasmyth_runner::{Architecture, Remote, RemoteError, RunnerFile, architecture, install};
use std::fs;

fn outcomes(device: &Remote, n: usize) -> Vec<Result<Outcome, TargetError>> {
    let networks = networks(n);
    let networks: Vec<&VerifiedGraph> = networks.iter().collect();
    match device.measure(&networks, TIME) {
        Ok(outcomes) => outcomes.collect(),
        Err(error) => vec![Err(error)],
    }
}

/// Answers each network with its name.
const ECHO: &str = "for name in $names; do echo \"{\\\"failed\\\": \\\"$name\\\"}\"; done";

fn failed(name: &str) -> Outcome {
    Outcome::Failed(name.to_owned())
}

#[test]
fn last_words_of_ssh_are_understood() {
    let place = StandIn::new();
    for (words, kind) in [
        ("ssh: Could not resolve hostname pi: Name or service not known", "cannot be reached"),
        ("ssh: connect to host pi port 22: Connection timed out", "cannot be reached"),
        ("ssh: connect to host pi port 22: No route to host", "cannot be reached"),
        ("ssh: connect to host pi port 22: Connection refused", "refuses connections"),
        ("No ED25519 host key is known for pi\r\nHost key verification failed.", "is not known"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "HAS CHANGED",
        ),
        ("me@pi: Permission denied (publickey).", "lets nobody in"),
        ("Connection to pi closed by remote host.", "was lost"),
        ("", "does not say why"),
    ] {
        let text = architecture(&place.failing(words)).unwrap_err().to_string();
        assert!(text.contains(kind) && text.contains("ssh://me@pi"), "{words}: {text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}

#[test]
fn a_missing_ssh_and_strange_machines_are_named() {
    let place = StandIn::new();
    let mut none = place.ssh("");
    none.command = vec!["no-such-ssh".to_owned()];
    let error = architecture(&none).unwrap_err();
    assert!(error.to_string().contains("`no-such-ssh`"), "{error}");
    for machine in ["Linux riscv64", "Darwin arm64", ""] {
        let ssh = place.ssh(&format!("echo Welcome; echo nasmyth; echo {machine}"));
        let error = architecture(&ssh).unwrap_err();
        let named = matches!(&error, RemoteError::Machine { machine: m, .. } if m == machine);
        assert!(named && error.to_string().contains("aarch64"), "{error}");
    }
    let known = architecture(&place.ssh("echo Welcome; echo nasmyth; echo Linux armv7l")).unwrap();
    assert_eq!(known.name, "armv7");
}

#[test]
fn runners_are_found_or_the_command_that_builds_them_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (x86, arm) = (Architecture::named("x86_64").unwrap(), Architecture::named("aarch64").unwrap());
    let release = folder.path().join("target/release");
    fs::create_dir_all(&release).unwrap();
    let places = [folder.path().join("runners"), release.clone()];
    let missing = RunnerFile::find(&places, arm).err().unwrap().to_string();
    assert!(
        missing.contains(&arm.build_command()) && missing.contains("nasmyth-runner-aarch64"),
        "{missing}"
    );

    let built = folder.path().join("target/aarch64-unknown-linux-musl/runner");
    fs::create_dir_all(&built).unwrap();
    let mut elf = b"\x7fELF".to_vec();
    elf.resize(64, 0);
    elf[18] = 183;
    fs::write(built.join("nasmyth-runner"), &elf).unwrap();
    assert_eq!(RunnerFile::find(&places, arm).unwrap().size(), 64);
    fs::write(release.join("nasmyth-runner-x86_64"), &elf).unwrap();
    let wrong = RunnerFile::find(&places, x86).err().unwrap().to_string();
    assert!(wrong.contains("for aarch64") && wrong.contains("x86_64"), "{wrong}");
}

#[test]
fn a_runner_of_another_version_is_refused_with_both() {
    let place = StandIn::new();
    let ssh = || place.ssh(HERE);
    let ours = env!("CARGO_PKG_VERSION");
    for other in [
        "{\"protocol\": 2, \"version\": \"7.0.0\", \"unknown\": true}\n".to_owned(),
        greeting().replace(ours, "7.0.0"),
    ] {
        let runner = place.runner(&other, ECHO);
        for error in [
            install(&ssh(), &place.there(), &runner).err().unwrap().to_string(),
            outcomes(&place.remote(ssh(), &runner), 1).remove(0).unwrap_err().to_string(),
        ] {
            assert!(error.contains("7.0.0") && error.contains(ours) && error.contains("update"), "{error}");
        }
    }
    let first = place.runner(&greeting(), ECHO);
    install(&ssh(), &place.there(), &first).unwrap();
    let second = place.runner(&greeting(), &format!("{ECHO}\n# another build"));
    install(&ssh(), &place.there(), &second).unwrap();
    let error = outcomes(&place.remote(ssh(), &first), 1).remove(0).unwrap_err().to_string();
    assert!(error.contains(&first.hash) && error.contains(&second.hash), "{error}");
    assert_eq!(outcomes(&place.remote(ssh(), &second), 1).remove(0).unwrap(), failed("n1"));
}

#[test]
fn chatter_of_login_scripts_is_no_answer() {
    let place = StandIn::new();
    let ssh = place.ssh(&format!("echo 'Welcome to pi'; echo '{{}}'; echo be nice >&2\n{HERE}"));
    let runner = place.runner(&greeting(), ECHO);
    assert!(install(&ssh, &place.there(), &runner).unwrap().copied);
    let outcomes = outcomes(&place.remote(ssh, &runner), 2);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes, [failed("n1"), failed("n2")]);
}

#[test]
fn a_network_that_kills_the_runner_stops_no_other() {
    let place = StandIn::new();
    let killer = "for name in $names; do\n[ $name = n2 ] && kill -KILL $$\necho \"{\\\"failed\\\": \\\"$name\\\"}\"\ndone";
    let runner = place.runner(&greeting(), killer);
    install(&place.ssh(HERE), &place.there(), &runner).unwrap();
    let all = outcomes(&place.remote(place.ssh(HERE), &runner), 4);
    let all: Vec<Outcome> = all.into_iter().map(Result::unwrap).collect();
    assert!(matches!(&all[1], Outcome::Failed(why) if why.contains("exit code 137")), "{all:?}");
    assert_eq!([&all[0], &all[2], &all[3]], [&failed("n1"), &failed("n3"), &failed("n4")]);
}

#[test]
fn a_runner_that_dies_of_everything_is_the_devices_fault() {
    let place = StandIn::new();
    let runner = place.runner(&greeting(), "[ -n \"$names\" ] && { echo no memory >&2; exit 9; }");
    install(&place.ssh(HERE), &place.there(), &runner).unwrap();
    let all = outcomes(&place.remote(place.ssh(HERE), &runner), 9);
    let error = all.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(all.len() < 4 && error.contains("exit code 9") && error.contains("no memory"), "{error}");
}

#[test]
fn a_refused_job_is_no_networks_fault() {
    let place = StandIn::new();
    let runner = place.runner(&greeting(), "[ -n \"$names\" ] && { echo not today >&2; exit 2; }");
    install(&place.ssh(HERE), &place.there(), &runner).unwrap();
    let mut all = outcomes(&place.remote(place.ssh(HERE), &runner), 3);
    assert!(all.len() == 1 && all.remove(0).unwrap_err().to_string().contains("not today"));
}

#[test]
fn nonsense_and_a_missing_runner_are_errors() {
    let place = StandIn::new();
    let runner = place.runner(&greeting(), "[ -n \"$names\" ] && echo 42");
    let error = outcomes(&place.remote(place.ssh(HERE), &runner), 1).remove(0).unwrap_err().to_string();
    assert!(error.contains("exit code 127"), "{error}");
    install(&place.ssh(HERE), &place.there(), &runner).unwrap();
    let error = outcomes(&place.remote(place.ssh(HERE), &runner), 2).remove(0).unwrap_err().to_string();
    assert!(error.contains("`42`"), "{error}");
    for folder in ["", "-rf", "a\nb"] {
        let error = install(&place.ssh(HERE), folder, &runner).err().unwrap();
        assert!(matches!(error, RemoteError::FolderName(_)), "{error}");
    }
}

#[test]
fn a_copy_that_was_cut_off_does_not_replace_the_runner() {
    let place = StandIn::new();
    let whole = place.runner(&greeting(), ECHO);
    install(&place.ssh(HERE), &place.there(), &whole).unwrap();
    let before = fs::read(format!("{}/nasmyth-runner", place.there())).unwrap();
    let next = place.runner(&greeting(), &format!("{ECHO}\n# another build"));
    let cutting = place.ssh(&format!("head -c 10 | {{ {} }}", HERE.replace("exec sh", "sh")));
    let error = install(&cutting, &place.there(), &next).err().unwrap();
    assert!(matches!(error, RemoteError::Folder { .. }), "{error}");
    assert_eq!(fs::read(format!("{}/nasmyth-runner", place.there())).unwrap(), before);
}

#[test]
fn a_connection_that_is_lost_is_taken_up_again() {
    let place = StandIn::new();
    let runner = place.runner(&greeting(), ECHO);
    install(&place.ssh(HERE), &place.there(), &runner).unwrap();
    // The greeting and two outcomes.
    let cut = HERE.replace("exec sh -c \"$last\"", "sh -c \"$last\" | head -n 3");
    let lost = place.ssh(&format!("{cut}echo Connection to pi closed by remote host. >&2\nexit 255\n"));
    let path = place.folder.path().join("m.jsonl");
    let networks = networks(4);
    let device = place.remote(lost, &runner);
    let mut file = MeasurementFile::open(&path, device.setting()).unwrap();
    let error = file.complete(&device, &networks, TIME, &mut go).unwrap_err().to_string();
    assert!(error.contains("2 of 4") && error.contains("was lost"), "{error}");
    file.complete(&place.remote(place.ssh(HERE), &runner), &networks, TIME, &mut go).unwrap();
    assert!(networks.iter().all(|n| file.outcome(n) == Some(&failed(n.name()))));
}
