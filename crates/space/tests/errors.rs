//! Errors say where, what was expected, what was found and the nearest known word.

#![allow(clippy::reversed_empty_ranges)] // they are what is refused

use nasmyth_space::{Context, PRESETS, Space, SpaceError, Tree, Value, from_toml, preset};

fn build(tree: Tree) -> Result<Space, SpaceError> {
    Space::new("s", "", tree, |_| Ok(nasmyth_graph::Graph::new("g")))
}

#[track_caller]
fn tree_error(tree: Tree, part: &str) {
    let message = build(tree).unwrap_err().to_string();
    assert!(message.contains(part), "{message}");
}

#[test]
fn trees_that_make_no_sense_are_refused() {
    tree_error(Tree::choice("k", [0i32; 0]), "`k`: expected at least one option");
    tree_error(Tree::choice("k", [3, 3]), "`3` twice");
    tree_error(Tree::choice("k", [f64::NAN, 1.0]), "finite");
    tree_error(Tree::choice("k", ["a b"]), "white space");
    tree_error(Tree::choice("k", [3, 5]).default(4), "expected a default that is one of 3, 5, got 4");
    tree_error(Tree::choice("a.b", [3, 5]), "a name of letters");
    tree_error(Tree::int("w", 5..=4, 1), "not empty");
    tree_error(Tree::int("w", 1..=4, 0), "a step above 0");
    tree_error(Tree::int("w", i64::MIN..=i64::MAX, 1), "4 billion");
    tree_error(Tree::float("d", 1.0..=0.0, 3), "the smaller first");
    tree_error(Tree::float("d", 0.0..=f64::INFINITY, 3), "bounds within 1e300");
    tree_error(Tree::float("d", 0.0..=1.0, 0), "1 to 1,048,576 steps");
    tree_error(Tree::repeat("r", 3..=2, Tree::nothing()), "range of repetitions");
    tree_error(Tree::group([Tree::flag("x"), Tree::flag("x")]), "two choices are called `x`");
    tree_error(Tree::one_of("o", [("a", Tree::nothing()), ("a", Tree::nothing())]), "`a` twice");
    let nested = Tree::repeat("a", 1..=1000, Tree::repeat("b", 1..=1000, Tree::flag("x")));
    tree_error(nested, "more than 65536 genes");
}

#[test]
fn genotypes_that_do_not_fit_say_which_gene() {
    let space = preset("mobile", &Context::image(28, 28, 1, 10)).unwrap();
    let error = |text: &str| space.parse(text).unwrap_err().to_string();
    assert!(error("stem.widht=8").contains("did you mean `stem.width`?"));
    assert!(error("stem.width=9").contains("gene `stem.width`: expected one of 8, 12, 16, 24, got `9`"));
    assert!(error("stage1.blocks=1 stage1.blocks[1].squeeze=true").contains("not chosen"));
    assert!(error("0_x").contains("got `x` at position 2"));
    assert!(error("0_0").contains("has 2 genes"));
    assert!(error("99").contains("option number 99"));
}

#[test]
fn reading_a_gene_that_is_not_there_says_so() {
    let tree = Tree::group([Tree::choice("kernel", [3, 5]), Tree::flag("se")]);
    let read = |path: &'static str| {
        let space = Space::new("s", "", tree.clone(), move |g| {
            g.size(path)?;
            Ok(nasmyth_graph::Graph::new("g"))
        })
        .unwrap();
        space.lower(&space.default_genotype()).map(drop)
    };
    assert!(read("kernel").is_ok());
    assert!(read("kernal").unwrap_err().to_string().contains("did you mean `kernel`?"));
    assert!(read("se").unwrap_err().to_string().contains("expected a whole number of at least 0, got false"));
}

#[test]
fn spaces_and_contexts_that_do_not_exist() {
    let image = Context::image(28, 28, 1, 10);
    let error = |name: &str, c: &Context| preset(name, c).unwrap_err().to_string();
    assert!(error("mobil", &image).contains("did you mean `mobile`?"));
    assert!(error("mlp", &image).contains("expected a table [features] for space `mlp`"));
    assert!(error("/nowhere/x.toml", &image).contains("`/nowhere/x.toml` cannot be read"));
    assert!(error("auto", &Context::image(0, 28, 1, 10)).contains("`input`"));
    assert!(error("auto", &Context::image(28, 28, 1, 0)).contains("`outputs`"));
    assert!(error("auto", &Context::table(2, 2).with_categories(&[2, 2, 2])).contains("at most 2 category"));
    assert!(error("auto", &image.clone().with_categories(&[2])).contains("only tables"));
    assert!(
        error("auto", &Context { input: vec![1, 2, 3, 4], ..image }).contains("[height, width, channels]")
    );
}

#[test]
fn auto_picks_by_shape() {
    let name = |c: &Context| preset("auto", c).unwrap().name().to_owned();
    assert_eq!(name(&Context::image(8, 8, 3, 2)), "mobile");
    assert_eq!(name(&Context::series(8, 3, 2)), "conv1d");
    assert_eq!(name(&Context::table(8, 2)), "mlp");
    let mut names: Vec<_> = PRESETS.iter().map(|p| p.name).collect();
    names.dedup();
    assert_eq!(names.len(), PRESETS.len());
}

#[track_caller]
fn file_error(layers: &str, parts: &[&str]) {
    let text = format!("name = \"t\"\n{layers}");
    let message = from_toml(&text, &Context::image(8, 8, 3, 4)).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{message}\nlacks: {part}");
    }
}

#[test]
fn files_that_make_no_sense_say_where() {
    let layer = |rest: &str| format!("[[layer]]\nop = \"conv\"\n{rest}");
    file_error("x = 1", &["top level", "got `x`"]);
    file_error("", &["[[layer]]"]);
    file_error("layer = 3", &["a list of layers"]);
    file_error("[[layer]]\nop = \"cnv\"", &["layer 1", "`cnv`", "did you mean `conv`?"]);
    file_error("[[layer]]\nout = 3", &["layer 1", "`op`"]);
    file_error(&layer(""), &["layer 1 (conv)", "`out = ..`", "got nothing"]);
    file_error(&layer("out = 0"), &["layer 1 (conv), out", "1..=65536", "got `0`"]);
    file_error(&layer("out = [8, 16]"), &["{ choice = [..] }"]);
    file_error(&layer("out = { choise = [8, 16] }"), &["did you mean `choice`?"]);
    file_error(&layer("out = { choice = [8, 16], defalt = 8 }"), &["did you mean `default`?"]);
    file_error(
        &layer("out = { choice = [8, 16], default = 9 }"),
        &["layer 1 (conv), out", "default", "got 9"],
    );
    file_error(&layer("out = { choice = [8, \"x\"] }"), &["got `x`"]);
    file_error(&layer("out = { choice = [] }"), &["at least one option"]);
    file_error(&layer("out = { int = [8] }"), &["two whole numbers"]);
    file_error(&layer("out = { int = [16, 8] }"), &["not empty"]);
    file_error(&layer("out = { float = [0.0, 1.0] }"), &["a whole number"]);
    file_error(&layer("out = { shared = \"w\" }"), &["nothing is shared"]);
    file_error(&layer("out = 8\nkernl = 3"), &["layer 1 (conv)", "did you mean `kernel`?"]);
    file_error(&layer("out = 8\nactivation = \"rleu\""), &["did you mean `relu`?"]);
    file_error(&layer("out = 8\nname = \"a b\""), &["layer 1 (conv), name"]);
    file_error("[shared]\nw = 8\n[[layer]]\nop = \"flatten\"", &["`w`, which none takes"]);
    file_error("[head]\npol = \"max\"\n[[layer]]\nop = \"flatten\"", &["[head]", "did you mean `pool`?"]);
    file_error("[[layer]]\nop = \"repeat\"\nbody = [{ op = \"flatten\" }]", &["times", "got nothing"]);
    file_error("[[layer]]\nop = \"residual\"", &["`body`"]);
    file_error(
        "[[layer]]\nop = \"residual\"\nbody = [{ op = \"conv\" }]",
        &["layer 1 (residual), body 1 (conv)"],
    );
    file_error("[[layer]]\nop = \"choice\"\noptions = [[{ op = \"x\" }]]", &["option 1, layer 1"]);
    file_error(
        "[[layer]]\nop = \"choice\"\ndefault = 3\noptions = [[], [{ op = \"flatten\" }]]",
        &["none, flatten", "got `3`"],
    );
    assert!(matches!(
        from_toml("name = ", &Context::table(2, 2)),
        Err(SpaceError::Syntax { message }) if message.contains("line 1")
    ));
}

#[test]
fn networks_that_do_not_fit_together_are_found_when_the_file_is_loaded() {
    file_error(
        "[[layer]]\nop = \"flatten\"\n[[layer]]\nop = \"conv\"\nout = 8",
        &["layer 2 (conv)", "an image or a series", "[192]"],
    );
    file_error(
        "[[layer]]\nop = \"conv\"\nout = { choice = [8, 12] }\n[[layer]]\nop = \"conv\"\nout = 8\ngroups = 8",
        &["`layer1.out=12`", "layer 2 (conv)", "8 groups divide"],
    );
    file_error(
        "[[layer]]\nop = \"residual\"\nbody = [{ op = \"flatten\" }]",
        &["layer 1 (residual)", "[8, 8, 3] into [192]"],
    );
    let many = "[[layer]]\nop = \"repeat\"\nsame = true\ntimes = 200\nbody = [{ op = \"repeat\", same = true, times = 200, body = [{ op = \"scale\" }] }]";
    file_error(many, &["at most 4096 layers"]);
}

#[test]
fn values_convert() {
    assert_eq!(Value::from(3usize), Value::Int(3));
    assert_eq!(Value::from("a").to_string(), "a");
    assert_eq!(Value::from(0.5).to_string(), "0.5");
    assert_eq!(Value::from(true).to_string(), "true");
}
