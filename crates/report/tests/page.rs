//! The page is well formed, complete, closed in itself and safe, whatever the report holds.

use nasmyth_report::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The page as a tree; panics where tags do not match.
fn text_of(page: &str) -> String {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let tree = roxmltree::Document::parse_with_options(page, options)
        .unwrap_or_else(|e| panic!("{e}\n{}", page.lines().nth(e.pos().row as usize - 1).unwrap_or("")));
    tree.descendants().filter_map(|n| n.text()).collect()
}

fn trial(i: u64, value: Option<f64>, text: &str) -> Trial {
    Trial {
        trial: i,
        status: if value.is_some() { Status::Ok } else { Status::Failed },
        epochs: (i % 3) as f64,
        value,
        metrics: BTreeMap::from([(text.to_owned(), 0.5)]),
        costs: BTreeMap::from([("params".to_owned(), 10f64.powi(i as i32)), (text.to_owned(), -1.0)]),
        genotype: format!("{text}{i}"),
        finished_at: i as f64 * 100.0,
        origin: if i.is_multiple_of(2) { "random" } else { text }.to_owned(),
        reason: text.to_owned(),
        ..Trial::default()
    }
}

fn full(text: &str) -> Report {
    let cost = |name: &str| Cost { name: name.to_owned(), unit: "B".to_owned() };
    let metrics = || BTreeMap::from([("accuracy".to_owned(), 0.75), (text.to_owned(), 1.0)]);
    let row =
        CertificateRow { limit: text.to_owned(), value: text.to_owned(), how: text.to_owned(), holds: false };
    Report {
        title: text.to_owned(),
        data: Data { name: text.to_owned(), task: text.to_owned(), ..Data::default() },
        command: text.to_owned(),
        config: text.to_owned(),
        strategy: text.to_owned(),
        space: text.to_owned(),
        limits: vec![Limit { cost: "params".to_owned(), bound: 1000.0, unit: text.to_owned() }],
        costs: vec![cost("params"), cost(text)],
        trials: (0..9).map(|i| trial(i, (i % 4 != 3).then_some(0.1 * i as f64), text)).collect(),
        best: Some(8),
        metrics: FinalMetrics { train: metrics(), valid: metrics(), test: metrics() },
        certificate: vec![row],
        runtime_difference: Some(1e-6),
        network_svg: Some("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>net</title></svg>".to_owned()),
        confusion: Some(Confusion {
            classes: vec![text.to_owned(), "b".to_owned()],
            counts: vec![vec![5, 1], vec![0, 0]],
        }),
        residuals: vec![(1.0, 2.0), (f64::NAN, 1.0), (3.0, 2.5)],
        notes: vec![text.to_owned()],
        relaxed: Some(Relaxed {
            method: text.to_owned(),
            choices: vec![
                RelaxedChoice {
                    name: text.to_owned(),
                    options: vec![text.to_owned(), "skip".to_owned()],
                    probabilities: vec![vec![0.5, 0.5], vec![0.25, 0.75]],
                    decided: Some((1, 2)),
                },
                RelaxedChoice::default(),
            ],
            accuracy: [0.5, 0.25],
            warnings: vec![text.to_owned()],
            given_up: true,
        }),
        ..Report::default()
    }
}

#[test]
fn a_full_report_has_every_section_and_loads_nothing() {
    let page = html(&full("plain"));
    let text = text_of(&page);
    for id in [
        "summary",
        "limits",
        "costs",
        "random",
        "progress",
        "relaxed",
        "network",
        "metrics",
        "confusion",
        "residuals",
        "trials",
        "setup",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    for word in [
        "75.0 % test accuracy",
        "1 of 1 limits broken",
        "Pareto front",
        "95 % interval",
        "+∞",
        "net",
        "taken for",
        "after epoch 2",
        "ended early",
    ] {
        assert!(text.contains(word), "{word}");
    }
    for forbidden in ["http", "url(", "@import", "<link", " src=", "NaN", "inf"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert_eq!(page.matches("<tr").count(), page.matches("</tr>").count());
    assert_eq!(page, html(&full("plain")));
}

#[test]
fn empty_tiny_and_failed_runs_still_make_a_page() {
    let runs: [(Vec<Trial>, Option<u64>, &str); 5] = [
        (vec![], None, "The run ended before its first trial."),
        (vec![trial(0, None, "why <not>")], None, "why <not>"),
        (vec![trial(0, Some(0.5), "x")], Some(0), "One random network is no basis"),
        (vec![trial(0, Some(0.5), "x"), trial(1, None, "y")], Some(0), "50.0 % accuracy"),
        (
            vec![trial(0, Some(f64::NAN), "x"), trial(1, Some(f64::INFINITY), "y")],
            Some(1),
            "No network was found",
        ),
    ];
    for (trials, best, word) in runs {
        let costs = vec![Cost { name: "params".to_owned(), unit: String::new() }];
        let page = html(&Report { trials, best, costs, ..Report::default() });
        assert!(text_of(&page).contains(word), "{word}");
        assert!(!page.contains("NaN") && !page.contains("inf"), "{word}");
    }
}

#[test]
fn a_confusion_matrix_that_is_not_square_is_left_out() {
    let confusion = Confusion { classes: vec!["a".to_owned()], counts: vec![vec![1, 2]] };
    assert!(!html(&Report { confusion: Some(confusion), ..Report::default() }).contains("id=\"confusion\""));
}

#[test]
fn no_gain_is_called_no_gain() {
    let value = |i: u64, v| Trial {
        trial: i,
        value: Some(v),
        origin: "random".to_owned(),
        genotype: i.to_string(),
        ..Trial::default()
    };
    let trials = vec![value(0, 0.2), value(1, 0.9), value(2, 0.5)];
    let text = text_of(&html(&Report { trials, best: Some(2), ..Report::default() }));
    assert!(text.contains("The interval includes 0") && text.contains("n = 3"));
}

#[test]
fn a_report_travels_as_json() {
    let mut report = full("a <b>");
    report.residuals.remove(1); // JSON has no NaN
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert_eq!(serde_json::from_str::<Report>("{}").unwrap(), Report::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_text_breaks_out(text in prop_oneof![
        any::<String>(),
        "[<>&\"'/]{0,6}(script|img onerror=|]]>|--|</style>|</td>)?[<>&\"']{0,6}\\PC{0,8}",
    ]) {
        let tags = |page: &str| ["<script", "<img", "<td", "<style", "<a "].map(|t| page.matches(t).count());
        let (page, plain) = (html(&full(&text)), html(&full("plain")));
        let shown = text_of(&page);
        prop_assert_eq!(tags(&page)[0], 1);
        prop_assert_eq!(tags(&page)[1], 0);
        prop_assert_eq!(tags(&page)[3], tags(&plain)[3]);
        let printable = !text.is_empty() && text.chars().all(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
        if printable {
            prop_assert!(shown.contains(&text), "{}", text);
        }
    }

    #[test]
    fn no_numbers_break_a_chart(values in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..12), percent in any::<bool>()) {
        let trials = values.iter().enumerate().map(|(i, &(value, cost, at))| Trial {
            trial: i as u64, value: Some(value), finished_at: at, seconds: at, epochs: 1.0, origin: "random".to_owned(),
            costs: BTreeMap::from([("c".to_owned(), cost)]), ..Trial::default()
        });
        let report = Report {
            trials: trials.collect(),
            best: Some(0),
            costs: vec![Cost { name: "c".to_owned(), unit: String::new() }],
            limits: vec![Limit { cost: "c".to_owned(), bound: values.first().map_or(1.0, |v| v.1), unit: String::new() }],
            metric: Metric { percent, ..Metric::default() },
            residuals: values.iter().map(|v| (v.0, v.1)).collect(),
            ..Report::default()
        };
        text_of(&html(&report));
    }
}

#[test]
fn curves_and_points_are_pages_and_pictures_that_load_nothing() {
    let text = "a <b> & \"c\"".to_owned();
    let chart = CurvesChart {
        x: text.clone(),
        y: text.clone(),
        series: vec![CurveSeries {
            name: text.clone(),
            points: vec![[1.0, 3.0, 2.0, 4.0], [2.0, 1.0, 0.5, 1.5]],
        }],
    };
    let curves = Curves {
        title: text.clone(),
        charts: vec![chart.clone(), CurvesChart { x: "seconds".to_owned(), ..chart.clone() }],
        tables: vec![CurvesTable {
            title: text.clone(),
            head: vec![text.clone(), "n".to_owned()],
            rows: vec![vec![text.clone(), "1.5".to_owned()]],
        }],
        ..Curves::default()
    };
    let series =
        Series { name: text.clone(), points: vec![(text.clone(), (1.0, 2.0)), (text.clone(), (1e6, 3e9))] };
    let scatter = Scatter { title: text.clone(), series: vec![series], ..Scatter::default() };
    for page in [curves_html(&curves), scatter_html(&scatter)] {
        assert!(text_of(&page).contains(&text) && !page.contains("http"), "{page}");
    }
    // A picture names the language that it is written in, and nothing else.
    let page = curves_html(&curves);
    assert!(page.matches("<svg").count() == 2 && text_of(&page).contains("seconds"), "{page}");
    let picture = curves_svg(&chart);
    assert!(text_of(&picture).contains(&text));
    assert_eq!(picture.matches("http").count(), 1);
}
