//! Graphviz.

use nasmyth_graph::{Node, VerifiedGraph};
use std::fmt::Write;

/// The graph in Graphviz' language, one box per operator with its attributes and shape.
pub fn to_dot(graph: &VerifiedGraph) -> String {
    let mut text = format!("digraph {} {{\n", quoted(graph.name()));
    text.push_str("  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for (i, node) in graph.nodes().iter().enumerate() {
        let output = graph.outputs().iter().any(|o| o.0 == i);
        let bold = if output { ", penwidth=2" } else { "" };
        let _ = writeln!(text, "  n{i} [label={}{bold}];", quoted(&label(node)));
    }
    for (i, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|input| {
            let _ = writeln!(text, "  n{} -> n{i};", input.0);
        });
    }
    text.push_str("}\n");
    text
}

fn label(node: &Node) -> String {
    let attributes = node.op.attributes().to_string();
    let attributes = if attributes.is_empty() { attributes } else { format!("\n{attributes}") };
    format!("{}\n{}{attributes}\n{:?}", node.name, node.op.kind(), node.fact)
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}
