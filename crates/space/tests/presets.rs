//! What the presets promise: sizes, topology, and files that serve all data.

use nasmyth_graph::VerifiedGraph;
use nasmyth_space::spaces::cell;
use nasmyth_space::{Context, Genotype, Rng, Space, Tree, from_toml, language, preset};
use rand::SeedableRng;

const DOCUMENTATION: &str = include_str!("../SPACE_LANGUAGE.md");

fn build(space: &Space, g: &Genotype) -> VerifiedGraph {
    space.lower(g).unwrap().verify().unwrap()
}

fn default(name: &str, context: &Context) -> VerifiedGraph {
    let space = preset(name, context).unwrap();
    build(&space, &space.default_genotype())
}

fn samples(name: &str, context: &Context) -> Vec<VerifiedGraph> {
    let space = preset(name, context).unwrap();
    let mut rng = Rng::seed_from_u64(0);
    (0..400).map(|_| build(&space, &space.sample(&mut rng))).collect()
}

fn share(graphs: &[VerifiedGraph], keeps: impl Fn(&VerifiedGraph) -> bool) -> f64 {
    graphs.iter().filter(|g| keeps(g)).count() as f64 / graphs.len() as f64
}

#[test]
fn small_images_get_small_networks() {
    let context = Context::image(28, 28, 1, 10);
    let net = default("mobile", &context);
    assert!(net.params() < 100_000, "{}", net.params());
    assert!((2_000_000..8_000_000).contains(&net.macs()), "{}", net.macs());
    let all = samples("mobile", &context);
    assert!(share(&all, |g| g.params() <= 100_000) > 0.3);
    assert!(share(&all, |g| g.params() > 200_000) > 0.1, "larger ones too");
    assert!(share(&all, |g| (1_000_000..=12_000_000).contains(&g.macs())) > 0.5);
    assert!(default("cell", &context).params() < 100_000);
}

#[test]
fn the_last_stage_of_an_image_network_sees_about_seven_positions_a_side() {
    for (side, last) in [(28, 7), (32, 8), (64, 8), (96, 6), (224, 7), (16, 8), (7, 7)] {
        let net = default("mobile", &Context::image(side, side, 3, 10));
        let before_pool = net.nodes().iter().find(|n| n.op.kind() == "global_pool").unwrap().inputs[0];
        assert_eq!(net.fact(before_pool).spatial(), [last, last], "{side}");
    }
}

#[test]
fn series_and_tables_fit_into_20_000_parameters() {
    let adult = Context::table(14, 2).with_categories(&[9, 16, 7, 15, 6, 5, 2, 42]);
    let california = Context::table(8, 1).with_regression();
    for (name, context) in [("conv1d", Context::series(40, 1, 10)), ("mlp", adult), ("mlp", california)] {
        assert!(default(name, &context).params() <= 20_000, "{name}");
        assert!(share(&samples(name, &context), |g| g.params() <= 20_000) > 0.1, "{name}");
    }
}

#[test]
fn a_cell_has_15_625_genotypes() {
    let space = Space::new("cells", "", cell::cell_tree(), |_| Ok(nasmyth_graph::Graph::new("g"))).unwrap();
    assert_eq!(space.count(), Some(15_625));
    let strings: std::collections::HashSet<String> =
        space.enumerate().map(|g| cell::cell_string(&g).unwrap()).collect();
    assert_eq!(strings.len(), 15_625);
}

#[test]
fn cells_are_read_and_written_as_nas_bench_201_does() {
    let space = preset("cell", &Context::image(32, 32, 3, 10)).unwrap();
    let text =
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|";
    let g = cell::with_cell(&space.default_genotype(), text).unwrap();
    space.validate(&g).unwrap();
    assert_eq!(cell::cell_string(&g).unwrap(), text);
    assert!(space.describe(&g).unwrap().contains("cell.node3-2=avg_pool_3x3"));
    let error = |t: &str| cell::parse_cell(t).unwrap_err().to_string();
    assert!(error("|nor_conv_3x4~0|").contains("did you mean `nor_conv_3x3`?"));
    assert!(error("|none~1|").contains("position 1"));
    assert!(error("|none~0|").contains("too few edges"));
    assert!(cell::cell_string(&Genotype::new([])).is_none());
}

#[test]
fn a_cell_of_nothing_is_zero_and_the_published_size_is_right() {
    let space = preset("cell", &Context::image(32, 32, 3, 10)).unwrap();
    let nothing = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    let g = cell::with_cell(&space.default_genotype(), nothing).unwrap();
    assert!(build(&space, &g).nodes().iter().any(|n| n.op.kind() == "zero"));
    // Six 3x3 convolutions: by hand, for width 16 and one cell a stage, six times (9 c c + 2 c) in each stage.
    let full =
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    let base = space.parse("width=16").unwrap();
    let net = build(&space, &cell::with_cell(&base, full).unwrap());
    let empty = build(&space, &cell::with_cell(&base, nothing).unwrap());
    let cells: u64 = [16u64, 32, 64].iter().map(|c| 6 * (9 * c * c + 2 * c)).sum();
    assert_eq!(net.params() - empty.params(), cells);
}

#[test]
fn the_complete_example_of_the_language_serves_images_and_series() {
    let text = DOCUMENTATION.split("```toml\n").find(|b| b.contains("small_resnet")).unwrap();
    let text = text.split("```").next().unwrap();
    for context in [Context::image(28, 28, 1, 10), Context::series(40, 2, 5), Context::image(5, 3, 1, 2)] {
        let space = from_toml(text, &context).unwrap();
        assert_eq!(space.name(), "small_resnet");
        let net = build(&space, &space.default_genotype());
        assert_eq!(net.fact(net.outputs()[0]).shape(), [context.outputs]);
        let g = space.parse("stage1=2 stage1[1].block.conv.kernel=5 down=pool").unwrap();
        assert!(space.describe(&g).unwrap().contains("down.pool.layer1.pooling=max"));
    }
}

#[test]
fn a_file_and_a_tree_that_say_the_same_are_the_same_space() {
    let text = "name = \"t\"\n[[layer]]\nop = \"linear\"\nout = { choice = [8, 16] }\n[head]\ndropout = { float = [0.0, 0.2], steps = 2 }";
    let file = from_toml(text, &Context::table(4, 2)).unwrap();
    let tree = Tree::group([
        Tree::scope("layer1", Tree::choice("out", [8, 16])),
        Tree::scope("head", Tree::float("dropout", 0.0..=0.2, 2)),
    ]);
    let rust = Space::new("t", "", tree, |_| Ok(nasmyth_graph::Graph::new("g"))).unwrap();
    let described = |s: &Space| s.enumerate().map(|g| s.describe(&g).unwrap()).collect::<Vec<_>>();
    assert_eq!(described(&file), described(&rust));
}

#[test]
fn repeats_with_the_same_choices_have_one_set_of_genes() {
    let file = |same: bool| {
        let text = format!(
            "name = \"t\"\n[[layer]]\nname = \"deep\"\nop = \"repeat\"\nsame = {same}\ntimes = {{ int = [1, 3] }}\nbody = [{{ op = \"linear\", out = {{ choice = [4, 8] }} }}]"
        );
        from_toml(&text, &Context::table(4, 2)).unwrap()
    };
    assert_eq!(file(true).count(), Some(3 * 2));
    assert_eq!(file(false).count(), Some(2 + 4 + 8));
    let space = file(true);
    let net = build(&space, &space.parse("deep=3 deep.layer1.out=8").unwrap());
    assert_eq!(net.nodes().iter().filter(|n| n.op.kind() == "linear").count(), 4);
}

#[test]
fn the_documentation_names_every_operator_and_attribute() {
    for operator in language::operators() {
        let start = format!("| `{}` |", operator.name);
        let row = DOCUMENTATION.lines().find(|l| l.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row for `{}`", operator.name));
        for (attribute, meaning) in operator.attributes {
            assert!(row.contains(&format!("`{attribute}`")), "{}: {attribute}", operator.name);
            let default = meaning.rsplit("default ").next().unwrap();
            assert!(
                meaning.ends_with("required") || row.contains(default),
                "{}: {attribute} should say {default}",
                operator.name
            );
        }
    }
}

#[test]
fn the_language_knows_every_activation_of_the_graph() {
    let activation = language::operators().find(|o| o.name == "activation").unwrap();
    let known = &activation.attributes[0].1;
    for function in nasmyth_graph::ops::Function::ALL {
        assert!(known.contains(function.name()), "{}", function.name());
    }
}
