//! Programs as estimators: those that behave and those that do not.
#![cfg(unix)]

use nasmyth_estimator::{Estimate, EstimateError, Estimator, External, Fidelity, Job, StopFlag};
use nasmyth_graph::{VerifiedGraph, parse};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn graph() -> VerifiedGraph {
    parse("x = input(shape=[4])\ny = linear(x, out=3)\noutput y\n").unwrap()
}

fn program(folder: &TempDir, script: &str) -> External {
    let path = folder.path().join("a program.sh");
    std::fs::write(&path, script).unwrap();
    External::new(&format!("sh '{}'", path.display())).unwrap()
}

fn estimate(external: &External, trial: u64) -> Result<Estimate, EstimateError> {
    estimate_until(external, trial, &StopFlag::new())
}

fn estimate_until(external: &External, trial: u64, stop: &StopFlag) -> Result<Estimate, EstimateError> {
    let arch = graph();
    let fidelity = Fidelity { rung: 0, epochs: 2.0 };
    external.estimate(&Job {
        trial,
        arch: &arch,
        genotype: "-",
        hash: 7,
        fidelity,
        previous: None,
        seed: 5,
        stop,
    })
}

fn failure(result: Result<Estimate, EstimateError>) -> (String, String) {
    match result {
        Err(EstimateError::Failed { reason, output }) => (reason, output.unwrap_or_default()),
        other => panic!("expected a failure, got {other:?}"),
    }
}

const COUNTS: &str = r#"
echo started >&2
n=0
while read -r line; do
  n=$((n+1))
  echo "epoch done"
  echo "{\"value\": $n, \"metrics\": {\"length\": ${#line}}}"
done
"#;

#[test]
fn one_process_answers_many_trials() {
    let folder = TempDir::new().unwrap();
    let external = program(&folder, COUNTS);
    for n in 1..=3u32 {
        let answer = estimate(&external, u64::from(n)).unwrap();
        assert_eq!(answer.value, f64::from(n));
        assert!(answer.metrics["length"] > 50.0);
    }
}

#[test]
fn a_program_that_exits_after_its_answer_is_started_again() {
    let folder = TempDir::new().unwrap();
    let external = program(&folder, "read -r line\necho '{\"value\": 0.5}'\n");
    (0..4).for_each(|trial| assert_eq!(estimate(&external, trial).unwrap().value, 0.5));
}

#[test]
fn a_program_that_never_reads_its_input_works() {
    let folder = TempDir::new().unwrap();
    let external = program(&folder, "echo '{\"value\": 0.5}'\n");
    (0..3).for_each(|trial| assert_eq!(estimate(&external, trial).unwrap().value, 0.5));
}

#[test]
fn the_request_holds_the_network_and_the_onnx_file_exists() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "read -r line; printf '%s' \"$line\" > '{0}/request'; cp '{0}/trial-3.onnx' '{0}/copy'; echo '{{\"value\": 1}}'",
        folder.path().display()
    );
    let write = |g: &VerifiedGraph, seed: u64, path: &Path| {
        std::fs::write(path, format!("{seed} {}", g.params())).map_err(|e| e.to_string())
    };
    let external = program(&folder, &script).onnx(folder.path(), Box::new(write)).data("digits.csv");
    estimate(&external, 3).unwrap();
    let request = std::fs::read_to_string(folder.path().join("request")).unwrap();
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    assert_eq!((&request["data"], &request["seed"]), (&"digits.csv".into(), &5.into()));
    assert!(request["architecture"].as_str().unwrap().contains("linear(x, out=3)"));
    assert_eq!(std::fs::read_to_string(folder.path().join("copy")).unwrap(), "5 15");
    assert!(!folder.path().join("trial-3.onnx").exists(), "the file is removed");
}

#[test]
fn a_crash_is_a_failure_with_its_output_and_the_next_trial_runs() {
    let folder = TempDir::new().unwrap();
    let marker = folder.path().join("crashed");
    let script = format!(
        "read -r line\nif [ ! -e '{0}' ]; then touch '{0}'; echo progress; echo 'out of memory' >&2; exit 3; fi\necho '{{\"value\": 2}}'\n",
        marker.display()
    );
    let external = program(&folder, &script);
    let (reason, output) = failure(estimate(&external, 0));
    assert!(reason.contains("exit status: 3"), "{reason}");
    assert!(output.contains("out of memory") && output.contains("progress"), "{output}");
    assert_eq!(estimate(&external, 1).unwrap().value, 2.0);
}

#[test]
fn nonsense_is_a_failure() {
    for answer in [r#"{"value": NaN}"#, r#"{"value": 1e999}"#, r#"{"accuracy": 1}"#, r#"{"value": null}"#] {
        let folder = TempDir::new().unwrap();
        let external = program(&folder, &format!("read -r line\necho '{answer}'\nsleep 60\n"));
        let (reason, _) = failure(estimate(&external, 0));
        assert!(reason.contains("expected"), "{reason}");
    }
}

#[test]
fn a_reported_error_keeps_the_process() {
    let folder = TempDir::new().unwrap();
    let script = "n=0\nwhile read -r l; do n=$((n+1)); if [ $n = 1 ]; then echo '{\"error\": \"diverged\"}'; else echo \"{\\\"value\\\": $n}\"; fi; done\n";
    let external = program(&folder, script);
    assert_eq!(failure(estimate(&external, 0)).0, "diverged");
    assert_eq!(estimate(&external, 1).unwrap().value, 2.0);
}

#[test]
fn a_time_out_kills_the_whole_group() {
    let folder = TempDir::new().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 300 &\necho $! > '{}'\nread -r line\nwait\n", pid.display());
    let external = program(&folder, &script).timeout(Duration::from_millis(400));
    let start = Instant::now();
    let (reason, _) = failure(estimate(&external, 0));
    assert!(reason.contains("no answer within"), "{reason}");
    assert!(start.elapsed() < Duration::from_secs(10));
    let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(ends(pid), "the program's own child was left running");
}

/// Whether the process is gone (or waits to be reaped) within a second.
fn ends(pid: i32) -> bool {
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    })
}

#[test]
fn the_stop_flag_interrupts() {
    let folder = TempDir::new().unwrap();
    let external = program(&folder, "read -r line\nsleep 300\n");
    let stop = StopFlag::new();
    let raised = stop.clone();
    let start = Instant::now();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        raised.raise();
    });
    assert_eq!(estimate_until(&external, 0, &stop), Err(EstimateError::Interrupted));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn commands_that_cannot_run_say_so() {
    assert!(External::new("python 'train.py").is_err());
    assert!(External::new("  ").is_err());
    let (reason, _) = failure(estimate(&External::new("/no/such/program").unwrap(), 0));
    assert!(reason.contains("/no/such/program"), "{reason}");
}
