//! A drawing of the network: layers from top to bottom, one box for a layer with its norm and activation.

mod draw;
mod layout;

use nasmyth_graph::VerifiedGraph;

/// The network as an SVG document that stands alone: no scripts, no fonts, nothing to load; follows the reader's light
/// or dark scheme.
pub fn to_svg(graph: &VerifiedGraph) -> String {
    let boxes = crate::boxes::group(graph);
    let sizes: Vec<_> = draw::sizes(&boxes);
    let edges = boxes.iter().enumerate().flat_map(|(to, b)| b.inputs.iter().map(move |&from| (from, to)));
    let layout = layout::layout(&sizes, &edges.collect::<Vec<_>>());
    draw::document(graph, &boxes, &sizes, &layout)
}
