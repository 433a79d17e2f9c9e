//! The exported file and the engine compute the same.

mod reference;

use nasmyth_engine::{Mode, Plan};
use nasmyth_export::{Session, channels_first, to_onnx};
use reference::{Numbers, cases, random_params};

#[test]
fn the_exported_file_computes_what_the_engine_computes() {
    const BATCH: usize = 3;
    for (name, g) in cases().into_iter().filter(|(_, g)| g.outputs().len() == 1) {
        let params = random_params(&g, 1);
        let (from, to) = (g.fact(g.input_id()), g.fact(g.outputs()[0]));
        let input: Vec<f32> = Numbers(7).vec(BATCH * from.len()).iter().map(|v| 3.0 * v).collect();
        let plan = Plan::<f32>::compile(&g, BATCH, Mode::Infer).unwrap();
        let mut arena = plan.arena();
        plan.input(&mut arena).copy_from_slice(&input);
        plan.forward(&params, &mut arena);
        let expected = channels_first(to.shape(), plan.output(&arena));
        let session = Session::load(&to_onnx(&g, &params, &[]).unwrap()).unwrap();
        let got = session.run(&channels_first(from.shape(), &input), BATCH).unwrap();
        assert_eq!(got.len(), expected.len(), "{name}");
        for (g, e) in got.iter().zip(&expected) {
            assert!((g - e).abs() <= 1e-4 * e.abs().max(1.0), "{name}: the engine gives {e}, the file {g}");
        }
    }
}
