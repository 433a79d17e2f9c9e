//! Searches with a language model: a server of this machine that answers as a script says.

#[path = "../../../chat/tests/stub/mod.rs"]
mod stub;

use crate::place::{Place, Told, until, wait};
use serde_json::{Map, Value, json};
use std::path::Path;
use stub::{Reply, Stub};

const SECRET: &str = "secret-key-4711";

/// Networks of the prompt crossed, differently for each request.
fn crossed(number: usize, body: &Value) -> Reply {
    let prompt = body["messages"][1]["content"].as_str().unwrap();
    let shown = |line: &str| serde_json::from_str::<Map<String, Value>>(&line[line.find('{')?..]).ok();
    let shown: Vec<Map<String, Value>> = prompt.lines().filter_map(shown).collect();
    let (one, other) = (&shown[number % shown.len()], &shown[(number / 2) % shown.len()]);
    let gene = |(i, (path, value)): (usize, (&String, &Value))| {
        let value = if (i + number).is_multiple_of(3) { other.get(path).unwrap_or(value) } else { value };
        (path.clone(), value.clone())
    };
    let child: Map<String, Value> = one.iter().enumerate().map(gene).collect();
    Reply::Says(json!({ "networks": [child, one] }).to_string())
}

/// Settings for a search with this server.
fn configure(place: &Place, url: &str, more: &str) {
    let strategy = format!("url = '{url}'\nmodel = 'stub'\nstart = 2\nattempts = 1\nretries = 0\n{more}");
    let fast = place.text("fast.toml");
    place.write(
        "model.toml",
        format!("{fast}\n[strategy]\nname = 'language-model'\n[strategy.settings]\n{strategy}"),
    );
}

fn command(place: &Place, out: &str) -> std::process::Command {
    place.command(&format!(
        "search --config model.toml --data table.csv --scheduler none --trials 14 --workers 2 --out {out}"
    ))
}

fn search(place: &Place, out: &str) -> Told {
    wait(command(place, out).spawn().unwrap())
}

/// Genotype, origin and value of all trials.
fn trials(place: &Place, run: &str) -> Vec<String> {
    let line = |t: &nasmyth::study::Trial| format!("{} {} {:?}", t.genotype, t.origin, t.value());
    place.state(run).trials().iter().map(line).collect()
}

fn nowhere() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/v1")
}

/// Every file below a folder, whole.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![(path.clone(), std::fs::read(&path).unwrap())],
    };
    entries.flat_map(below).collect()
}

#[test]
fn a_killed_run_resumes_and_its_transcript_repeats_it_without_a_server() {
    let place = Place::new();
    // The third request is never answered.
    let stub = Stub::new(|i, body| if i == 2 { Reply::Hang } else { crossed(i, body) });
    configure(&place, &stub.url, "key = 'NASMYTH_TEST_KEY'");
    let mut running = command(&place, "run").env("NASMYTH_TEST_KEY", SECRET).spawn().unwrap();
    until(|| stub.requests() == 3);
    running.kill().unwrap();
    running.wait().unwrap();
    let before = trials(&place, "run").len();
    let mut resume = place.command("resume run");
    let told = wait(resume.env("NASMYTH_TEST_KEY", SECRET).spawn().unwrap()).exits(0);
    let whole = trials(&place, "run");
    assert!(before < 14 && whole.len() == 14, "{before} trials before, {} after", whole.len());
    assert!(whole.iter().any(|trial| trial.contains(" model ")), "{whole:?}");

    assert!(stub.heard.lock().unwrap().iter().all(|(header, _)| header.contains(SECRET)));
    let found = files(&place.path(""))
        .into_iter()
        .find(|(_, bytes)| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    assert!(found.is_none(), "the key is in {:?}", found.map(|(path, _)| path));
    assert!(!told.out.contains(SECRET) && !told.err.contains(SECRET));

    place.write("answers.jsonl", place.text("run/transcript.jsonl"));
    configure(&place, &nowhere(), "transcript = 'answers.jsonl'");
    search(&place, "again").exits(0);
    assert_eq!(trials(&place, "again"), whole);
}

#[test]
fn where_nobody_listens_the_run_ends_with_what_to_do() {
    let place = Place::new();
    let url = nowhere();
    configure(&place, &url, "");
    search(&place, "run").exits(2).says(&url).says("start it");
    configure(&place, &url, "key = 'NO_SUCH_VARIABLE_HERE'");
    search(&place, "other").exits(2).says("NO_SUCH_VARIABLE_HERE");
    configure(&place, &url, &format!("key = '{SECRET}'"));
    let told = search(&place, "third").exits(2).says("the name of an environment variable");
    assert!(!told.err.contains(SECRET), "{}", told.err);
}

#[test]
fn a_server_that_breaks_down_does_not_end_the_search() {
    let place = Place::new();
    let stub = Stub::new(|i, body| match i {
        0 => crossed(i, body),
        1 => Reply::Status(500, "", "broken".to_owned()),
        2 => Reply::Close,
        _ => Reply::Says("I am back, but confused.".to_owned()),
    });
    configure(&place, &stub.url, "batch = 1");
    let told = search(&place, "run").exits(0).says("the language model does not answer");
    assert_eq!(told.err.matches("does not answer").count(), 1, "{}", told.err);
    assert!(stub.requests() > 3, "{} requests", stub.requests());
    assert!(trials(&place, "run").iter().any(|trial| trial.contains(" mutation ")));
}
