//! Options that do nothing are found before a search, and only they.

use nasmyth_data::{Dataset, OpenOptions, Subset, Task as DataTask, open};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::ops::{BatchNorm, Conv, Dropout, Function, Pool, Pooling};
use nasmyth_space::{Context, Network, Space, Tree, preset};
use nasmyth_supernet::one_shot::Task;
use nasmyth_supernet::sanity::{Useless, to_leave_out, useless_options};
use nasmyth_train::Recipe;

fn context(data: &Dataset) -> Context {
    let DataTask::Classification { classes } = data.task() else { panic!("no classification") };
    let (input, samples) = (data.features().shape(), data.len(Subset::Train));
    Context { input, categories: Vec::new(), outputs: classes.len(), regression: false, samples }
}

fn useless(data: &Dataset, space: &Space) -> Vec<Useless> {
    let recipe = Recipe { batch: 32, ..Recipe::for_data(data.features(), data.len(Subset::Train)) };
    let task = Task { space, data, recipe: &recipe, seed: 3 };
    useless_options(task, &Engine::cpu(1), &StopFlag::new()).unwrap()
}

fn series() -> Dataset {
    open("builtin:mnist1d", &OpenOptions::default()).unwrap()
}

/// Stripes of 10x10 pixels, of four directions.
fn images(folder: &std::path::Path) -> Dataset {
    const COUNT: usize = 320;
    let label = |i: usize| i % 4;
    let pixel = |i: usize, y: usize, x: usize| {
        let stripe = [y, x, y + x, y + 20 - x][label(i)] + i / 4;
        if stripe % 4 < 2 { 200 - (i * 7 % 50) as u8 } else { (i * 13 % 50) as u8 }
    };
    let header = |sizes: &[usize]| {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend((*size as u32).to_be_bytes()));
        bytes
    };
    let mut pixels = header(&[COUNT, 10, 10]);
    pixels.extend((0..COUNT).flat_map(|i| (0..100).map(move |at| pixel(i, at / 10, at % 10))));
    let mut labels = header(&[COUNT]);
    labels.extend((0..COUNT).map(|i| label(i) as u8));
    std::fs::write(folder.join("train-images-idx3-ubyte"), pixels).unwrap();
    std::fs::write(folder.join("train-labels-idx1-ubyte"), labels).unwrap();
    open(folder.to_str().unwrap(), &OpenOptions::default()).unwrap()
}

/// Two layers with sound operators and both of the poison.
fn poisoned(context: &Context) -> Space {
    let words = ["conv", "dropout", "pool", "skip", "stretched"];
    let layers = (0..2).map(|i| Tree::choice(format!("layer{i}"), words)).collect::<Vec<_>>();
    let context = context.clone();
    Space::new("poisoned", "", Tree::group(layers), move |genes| {
        let mut net = Network::begin("poisoned", &context)?;
        net.conv_bn_act(Conv::same(8, &[5]).stride(2), Some(Function::Relu))?;
        for i in 0..2 {
            let word = genes.word(&format!("layer{i}"))?;
            net.scope(format_args!("layer{i}"), |net| {
                match word.as_str() {
                    "conv" => net.conv_bn_act(Conv::same(8, &[3]), Some(Function::Relu))?,
                    "dropout" => net.push(Dropout { rate: 0.999 })?,
                    "pool" => net.push(Pool::same(Pooling::Average, &[3]))?,
                    // Both taps lie beside the series.
                    "stretched" => net.push(Conv::same(8, &[2]).dilation(80))?.push(BatchNorm::default())?,
                    _ => net,
                };
                Ok(())
            })?;
        }
        net.finish()
    })
    .unwrap()
}

#[test]
fn the_poison_is_found_and_can_be_taken_out() {
    let data = series();
    let space = poisoned(&context(&data));
    let found = useless(&data, &space);
    let names: Vec<String> = found.iter().map(|u| format!("{}={}", u.path, u.value)).collect();
    assert_eq!(
        names,
        ["layer0=dropout", "layer0=stretched", "layer1=dropout", "layer1=stretched"],
        "{found:?}"
    );
    let stretched = found[1].measured;
    assert_eq!((stretched.signal, stretched.gradient), (0.0, Some(0.0)));
    assert!(found[0].to_string().contains("layer0=dropout does nothing"), "{}", found[0]);
    let left_out = to_leave_out(&space, &found);
    assert_eq!(left_out, names);
    let sound = space.without(&left_out).unwrap();
    assert_eq!(sound.count(), Some(9));
    assert!(sound.enumerate().all(|g| {
        let text = sound.describe(&g).unwrap();
        !text.contains("dropout") && !text.contains("stretched") && sound.lower(&g).is_ok()
    }));
}

#[test]
fn all_operators_of_preset_spaces_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    let (series, images) = (series(), images(folder.path()));
    for (data, name) in [(&series, "cell"), (&series, "conv1d"), (&images, "mobile"), (&images, "cell")] {
        let space = preset(name, &context(data)).unwrap();
        let found = useless(data, &space);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}
