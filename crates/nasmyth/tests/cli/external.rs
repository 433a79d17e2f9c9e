//! Programs of the user's that estimate in place of training.

use crate::place::Place;
use nasmyth::study::{State, Status};

/// Answers with a number made of the architecture, which lists what was asked for.
const GOOD: &str = r#"while read -r line; do
  sum=$(printf '%s' "${line#*architecture}" | sed 's/"onnx".*//' | cksum | cut -d' ' -f1)
  printf '{"value": 0.%s, "metrics": {"length": %s}}\n' "$sum" "${#line}"
done"#;

fn search(place: &Place, script: &str, out: &str, more: &str) -> State {
    place.write(&format!("{out}.sh"), script);
    let mut command =
        place.command(&format!("search --config fast.toml --data table.csv --trials 4 --out {out} {more}"));
    command.args(["--estimator", &format!("sh {out}.sh")]);
    crate::place::wait(command.spawn().unwrap()).exits(0);
    assert!(place.path(&format!("{out}/best/model.onnx")).exists());
    place.state(out)
}

#[test]
fn a_program_that_answers_is_repeatable() {
    let place = Place::new();
    let values = |state: &State| -> Vec<Option<f64>> { state.trials().iter().map(|t| t.value()).collect() };
    let one = search(&place, GOOD, "one", "--workers 1");
    let two = search(&place, GOOD, "two", "--workers 2");
    assert!(values(&one).iter().all(Option::is_some), "{:?}", one.trials());
    assert_eq!(values(&one), values(&two));
    assert!(place.read("one/best/model.onnx") == place.read("two/best/model.onnx"));
    assert!(place.text("one/config.toml").contains("one.sh"));
}

#[test]
fn programs_that_fail_leave_a_reason_and_a_network() {
    let place = Place::new();
    for (name, script, more, reason, output) in [
        ("crash", "echo going down >&2; exit 3", "", "exit status: 3", Some("going down")),
        (
            "hang",
            "echo thinking; sleep 100",
            "--estimator-timeout 0.3s",
            "no answer within",
            Some("thinking"),
        ),
        (
            "nonsense",
            "while read l; do echo bananas; echo '{\"x\": 1}'; done",
            "",
            "expected {\"value\"",
            Some("bananas"),
        ),
        ("nan", "while read l; do echo '{\"value\": NaN}'; done", "", "no valid JSON", None),
        ("error", "while read l; do echo '{\"error\": \"too deep\"}'; done", "", "too deep", None),
    ] {
        let state = search(&place, script, name, more);
        for trial in state.trials() {
            let Status::Failed { reason: got, output: kept } = &trial.status else {
                panic!("{name}: {trial:?}")
            };
            assert!(got.contains(reason), "{name}: {got}");
            let kept = kept.clone().unwrap_or_default();
            assert!(output.is_none_or(|o| kept.contains(o)), "{name}: {kept}");
        }
        place.run(&format!("report {name}")).exits(0);
    }
}
