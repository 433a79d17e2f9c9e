//! The program, fed with jobs.

use nasmyth_measure::Outcome;
use nasmyth_runner::{Greeting, Job, PROTOCOL, hash};
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nasmyth-runner"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn job() -> Job {
    let good = "graph good\nx = input(shape=[8, 8, 3])\nc = conv(x, out=4, kernel=[3, 3])\noutput c\n";
    let networks = ["graph bad\nx = nonsense\noutput x\n", good].map(str::to_owned).to_vec();
    Job { protocol: PROTOCOL, networks, threads: 1, time_s: 0.02 }
}

#[test]
fn each_network_gets_a_line_and_a_broken_one_stops_nothing() {
    let output = run(&serde_json::to_string(&job()).unwrap());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(output.status.success() && lines.len() == 3, "{text}");
    let greeting: Greeting = serde_json::from_str(lines[0]).unwrap();
    let file = std::fs::read(env!("CARGO_BIN_EXE_nasmyth-runner")).unwrap();
    assert_eq!((greeting.protocol, greeting.hash), (PROTOCOL, hash(&file)));
    assert!(greeting.cores > 0 && !greeting.cpu.is_empty() && greeting.version == env!("CARGO_PKG_VERSION"));
    let answers: Vec<Outcome> = lines[1..].iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(matches!(&answers[0], Outcome::Failed(why) if why.contains("nonsense")), "{answers:?}");
    let Outcome::Measured(m) = &answers[1] else { panic!("{answers:?}") };
    assert!(m.runtime == "plan" && m.median_s > 0.0 && m.low_s <= m.median_s && m.median_s <= m.high_s);
}

#[test]
fn what_is_no_job_gets_a_greeting_and_a_refusal() {
    let other = serde_json::to_string(&Job { protocol: 2, ..job() }).unwrap();
    let never = serde_json::to_string(&Job { time_s: 0.0, ..job() }).unwrap();
    for (input, text) in [
        ("", "expected a job"),
        ("{\"protocol\": 1}", "networks"),
        ("{\"protocol\": 9, \"unknown\": 0}", "protocol 9"),
        (&other, "protocol 2"),
        (&never, "time_s"),
    ] {
        let output = run(input);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(error.contains(text) && answer.lines().count() == 1, "{error}{answer}");
        serde_json::from_str::<Greeting>(&answer).unwrap();
    }
}
