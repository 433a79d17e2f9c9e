//! The report of a run: one HTML file that stands alone.
//!
//! A [`Report`] is plain data; [`html`] turns it into a page with the answer on top, accuracy against each cost,
//! progress, the network, its mistakes, every trial, and an honest comparison with random networks.

mod chart;
mod curves;
mod escape;
mod improvement;
mod page;
mod quantity;
mod report;
mod scatter;
mod sections;

pub use curves::{CurveSeries, Curves, CurvesChart, CurvesTable, curves_html, curves_svg};
pub use improvement::{Improvement, NoImprovement, improvement, relative_improvement, student_t};
pub use page::html;
pub use report::{
    CertificateRow, Confusion, Cost, Data, FinalMetrics, FrontNetwork, Layer, Limit, Metric, Pattern,
    Relaxed, RelaxedChoice, Report, Status, Trial,
};
pub use scatter::{Scatter, Series, scatter_html};
